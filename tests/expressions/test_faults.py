"""What is wrong with an expression, said at the very part that is wrong."""

from __future__ import annotations

import datetime as dt

import pytest

from flowctl.codes import expressions as codes
from flowctl.diagnostics import Code
from flowctl.expressions import NOT_YET_KNOWN, Scope, check
from flowctl.records import Boolean, Date, Datetime, Integer, Schema, String, Unknown

SCOPE = Scope(
    columns=Schema.of(
        {
            "delay": "int64?",
            "carrier": "string?",
            "day": "date?",
            "late": "boolean?",
            "price": "decimal(10,2)?",
            "place": "struct<city: string, zip: string>?",
            "odd name": "int8?",
            "index": "string?",
            "tags": "list<string>?",
        }
    ),
    constants={
        "params": {"carrier": "UA", "limits": {"max": 5}, "later": NOT_YET_KNOWN, "rate": 0.5},
        "index": 3,
    },
)
STEP = Scope(
    constants={"params": {"carrier": "UA"}},
    runtime={
        "steps": {
            "load": {
                "written": Integer(64),
                "outputs": Unknown(),
                "us,2012": {"read": Integer(64)},
            }
        },
        "run": {"id": String()},
    },
    status=True,
)  # fmt: skip

FAULTS: list[tuple[str, Code, str, str]] = [
    ("", codes.EXPRESSION_SYNTAX, "", "the expression is empty"),
    ("delay +", codes.EXPRESSION_SYNTAX, "+", "a value should follow"),
    ("delay > 'a", codes.EXPRESSION_SYNTAX, "'a", "no closing quote"),
    ("delay carrier", codes.EXPRESSION_SYNTAX, "carrier", "an operator"),
    ("(delay", codes.EXPRESSION_SYNTAX, "y", "`)` should stand here"),
    ("delay)", codes.EXPRESSION_SYNTAX, ")", "closes nothing"),
    ("1 < delay < 5", codes.EXPRESSION_SYNTAX, "<", "cannot be chained"),
    ("delay as d", codes.EXPRESSION_SYNTAX, "as", "name from the key"),
    ("select delay", codes.NOT_SCALAR, "select", "query"),
    ("delay in (select 1)", codes.NOT_SCALAR, "select", "sub-query"),
    ("delay; carrier", codes.NOT_SCALAR, ";", "without `;`"),
    ("delay > ?", codes.NOT_SCALAR, "?", "params.name"),
    ("delay > $1", codes.NOT_SCALAR, "$", "params.name"),
    ("*", codes.NOT_SCALAR, "*", "all columns"),
    ("sum(delay)", codes.AGGREGATE, "sum", "many records"),
    ("count(*)", codes.AGGREGATE, "count(*", "many records"),
    ("avg(delay) over ()", codes.AGGREGATE, "avg(delay) over", "many records"),
    ("row_number()", codes.AGGREGATE, "row_number", "many records"),
    ("(" * 200 + "1" + ")" * 200, codes.TOO_LARGE, "(", "more than 100 deep"),
    ("1" + " + 1" * 60_000, codes.TOO_LARGE, ("1" + " + 1" * 20)[:80], "at most 100,000"),
    ("dealy > 15", codes.UNKNOWN_COLUMN, "dealy", "unknown column `dealy`"),
    ("carrier = \"UA\"", codes.UNKNOWN_COLUMN, '"UA"', "unknown column `UA`"),
    ("Delay > 15", codes.UNKNOWN_COLUMN, "Delay", "unknown column `Delay`"),
    ("carrier = params.carier", codes.UNKNOWN_NAME, "carier", "`params` has no `carier`"),
    ("params.carrier.x = 'a'", codes.UNKNOWN_NAME, "x", "nothing below"),
    ("lenght(carrier) > 1", codes.UNKNOWN_FUNCTION, "lenght", "unknown function"),
    ("left(carrier)", codes.ARGUMENTS, "left(carrier)", "does not take one argument"),
    ("regexp_matches(carrier, carrier)", codes.ARGUMENTS, "carrier", "must be a literal"),
    ("list_transform(tags, lambda x: x || carrier)", codes.ARGUMENTS, "carrier",
     "its parameter alone"),
    ("delay > 'late'", codes.OPERAND_TYPES, "delay > 'late'", "an int64 and a string"),
    ("upper(delay) = 'A'", codes.OPERAND_TYPES, "delay", "does not take an int64"),
    ("late and delay", codes.OPERAND_TYPES, "delay", "does not take an int64"),
    ("case when delay then 1 end", codes.OPERAND_TYPES, "delay", "the condition is an int64"),
    ("case when late then 1 else 'a' end", codes.OPERAND_TYPES, "'a'", "the first one is an int32"),
    ("delay::date", codes.OPERAND_TYPES, "delay::date", "cannot be cast"),
    ("greatest(delay, carrier)", codes.OPERAND_TYPES, "greatest(delay, carrier)", "together"),
    ("interval '1 month'", codes.RESULT_TYPE, "interval '1 month'", "no fixed length"),
    ("day > '2013-13-01'", codes.BAD_LITERAL, "'2013-13-01'", "is no date"),
    ("price > '1,5'", codes.BAD_LITERAL, "'1,5'", "is no decimal(10,2)"),
    ("date '2013-02-30' < day", codes.BAD_LITERAL, "'2013-02-30'", "is no date"),
    ("interval 'soon' + day", codes.BAD_LITERAL, "interval 'soon'", "is no interval"),
    ("random() < 0.5", codes.NOT_REPEATABLE, "random", "from run to run"),
    ("day < current_date", codes.NOT_REPEATABLE, "current_date", "from run to run"),
    ("source_file()", codes.NOT_HERE, "source_file()", "only in"),
    ("always()", codes.NOT_HERE, "always()", "only in"),
    ("cast(delay as number)", codes.UNKNOWN_TYPE, "number", "unknown type"),
    ("carrier ~ '('", codes.PATTERN, "'('", "`)` is missing"),
    ("regexp_matches(carrier, '((a{1000}){1000}){1000}')", codes.PATTERN,
     "'((a{1000}){1000}){1000}'", "too large once its repeats"),
    ("carrier ~ 'a(?=b)'", codes.PATTERN, "'a(?=b)'", "look-around"),
    ("strftime(day, '%q')", codes.PATTERN, "'%q'", "no part of a format"),
    ("date_trunc('fortnight', day)", codes.PATTERN, "'fortnight'", "no unit"),
    ("place.town = 'x'", codes.UNKNOWN_FIELD, "town", "no field `town`"),
    ("carrier.x = 'a'", codes.UNKNOWN_FIELD, "x", "no fields"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code", "part", "message"), FAULTS, ids=[f[0][:40] for f in FAULTS]
)
def test_fault(text: str, code: Code, part: str, message: str) -> None:
    faults = check(text, SCOPE).faults
    assert [fault.code.id for fault in faults] == [code.id], faults
    fault = faults[0]
    assert text[fault.start : fault.end] == part
    assert message in fault.message


def test_all_faults_at_once() -> None:
    faults = check("dealy > 1 and carier = 'x' and foo(late)", SCOPE).faults
    assert [fault.message for fault in faults] == [
        "unknown column `dealy`",
        "unknown column `carier`",
        "unknown function `foo`",
    ]


@pytest.mark.parametrize(
    ("text", "help"),
    [
        ("dealy > 1", "did you mean `delay`?"),
        ("Delay > 1", "did you mean `delay`?"),
        ("delay > '15'", "write `15` without quotes"),
        ('carrier = "UA"', "text stands in single quotes: `'UA'`"),
        ("max(delay, 1)", "use the transform `aggregate`, or `greatest` for values of this record"),
        ("carrier = params.carier", "did you mean `params.carrier`?"),
        ("lenght(carrier)", "did you mean `length`?"),
        ("delay::numbr", "did you mean `numeric`?"),
        ("place.town", "there is `city`, `zip`"),
    ],
)
def test_help(text: str, help: str) -> None:
    assert check(text, SCOPE).faults[0].help == help


def test_expected_type() -> None:
    assert check("late", SCOPE, Boolean()).faults == ()
    assert check("null", SCOPE, Boolean()).faults == ()
    fault = check("delay", SCOPE, Boolean()).faults[0]
    assert fault.code is codes.RESULT_TYPE
    assert fault.message == "this is an int64, but a boolean is wanted here"
    assert check("'2013-01-01'", SCOPE, Date()).type == Date()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("steps.load.written > 0", Boolean()),
        ("steps.load['us,2012'].read", Integer(64)),
        ("steps.load.outputs.files", Unknown()),
        ("always() or steps.load.written is null", Boolean()),
        ("run.id || params.carrier", String()),
    ],
)
def test_names_of_a_run(text: str, kind: object) -> None:
    assert check(text, STEP).type == kind


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps.laod.written", "`steps` has no `laod`"),
        ("steps.load", "`steps.load` is a group of names, not a value"),
        ("delay", "unknown name `delay`"),
        ("run.dir", "`run` has no `dir`"),
    ],
)
def test_unknown_names_of_a_run(text: str, message: str) -> None:
    assert [fault.message for fault in check(text, STEP).faults] == [message]


def test_a_column_wins_over_a_constant() -> None:
    assert check("index", SCOPE).type == String()
    assert check('"odd name" + 1', SCOPE).type == Integer(8)


def test_an_unknown_value_is_not_checked() -> None:
    assert check("delay > params.later", SCOPE).type == Boolean()
    assert check("upper(params.later) = 'a'", SCOPE).type == Boolean()
    assert check("params.later", SCOPE).type == Unknown()
    assert check("nowhere > 1", Scope(columns=Schema(open=True))).type == Boolean()


def test_now_is_given() -> None:
    moment = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
    assert check("now()", SCOPE).type == Datetime("UTC")
    assert check("day < now()", Scope(columns=SCOPE.columns, now=moment)).type == Boolean()
