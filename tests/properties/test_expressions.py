"""Random expressions over random rows: DuckDB must agree, value for value and fault for fault.

The number of examples is bounded for the suite; `EXPRESSION_EXAMPLES=5000` looks longer.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace

import duckdb
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from flowctl.diagnostics import Fault
from flowctl.expressions import Scope, Tree, canonical, check, parse
from flowctl.expressions.polars_types import schema_of
from flowctl.expressions.reading import LAST_DAY
from flowctl.expressions.tree import Call, Case, Cast, Field, Lambda
from flowctl.records import Date
from tests.expressions.judge import FAULT, connect, disagreements
from tests.expressions.rows import KINDS, columns_of, frame
from tests.properties.expression_trees import expressions

EXAMPLES = int(os.environ.get("EXPRESSION_EXAMPLES", "150"))
SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
SCOPE = Scope(columns=schema_of(frame(KINDS, rows=1)))
DUCK = connect()


@SETTINGS
@given(expressions())
def test_agrees_with_duckdb(text: str) -> None:
    assume(check(text, SCOPE).tree is not None)
    try:
        found = disagreements(DUCK, text, columns_of(text))
    except (duckdb.BinderException, duckdb.ConversionException):
        # DuckDB refuses the types, where the language is wider, or folds a constant that fails.
        assume(False)
    if check(text, SCOPE).type == Date():
        found = [row for row in found if not (isinstance(row[2], int) and abs(row[2]) > LAST_DAY)]
    # Beside a null DuckDB may not look at the other operand: that depends on how its vectors fall.
    assert not [row for row in found if not beside_null(text, row)]


def beside_null(text: str, row: tuple[object, ...]) -> bool:
    """Whether a fault counts here, and there the null beside it may have hidden it."""
    makes_null = re.search(r"case when|try|nullif|\[|list_|regexp|max|avg", text) is not None
    inputs = row[0] if isinstance(row[0], tuple) else ()
    return row[1] == FAULT and (makes_null or row[2] is None or None in inputs)


@SETTINGS
@given(expressions())
def test_canonical_text_means_the_same(text: str) -> None:
    tree = check(text, SCOPE).tree
    assume(tree is not None)
    assert tree is not None
    printed = canonical(tree)
    again = check(printed, SCOPE)
    assert again.tree is not None, (printed, again.faults)
    assert canonical(again.tree) == printed
    assert bare(again.tree) == bare(tree)


OPERATORS = st.sampled_from(
    [
        "+",
        "-",
        "*",
        "/",
        "//",
        "%",
        "^",
        "**",
        "||",
        "&",
        "|",
        "<<",
        ">>",
        "=",
        "<>",
        "<",
        "<=",
        ">",
        ">=",
        "==",
        "!=",
        "and",
        "or",
        "like",
        "ilike",
        "~",
        "!~",
        "^@",
        "@>",
        "->>",
    ]
)
SUFFIXES = st.sampled_from(
    ["", "", "", "::int", "[1]", "[1:2]", " is null", " is not null", " between 1 and 2", ".x",
     " in (1, 2)", " not in (1, 2)", " is distinct from 5", " not like 'x'", " is true"]
)  # fmt: skip
PREFIXES = st.sampled_from(["", "", "", "-", "not ", "+"])


@st.composite
def chains(draw: st.DrawFn) -> str:
    """Operands and operators in a row, without parentheses: precedence decides."""
    count = draw(st.integers(1, 5))
    parts: list[str] = []
    for index in range(count):
        name = draw(st.sampled_from(["a", "b", "c", "1", "'t'", "f(a)", "(a + b)"]))
        parts.append(draw(PREFIXES) + name + draw(SUFFIXES))
        if index < count - 1:
            parts.append(draw(OPERATORS))
    return " ".join(parts)


@SETTINGS
@given(chains())
@example("- a ** 2")
@example("a = b is null")
@example("not a in (1, 2) and b")
def test_reads_as_duckdb_reads(text: str) -> None:
    # How DuckDB groups signs behind `is null` follows no rule of precedence.
    assume(not re.search(r"is (not )?(null|true) [-+*/%|&^<>]", text))
    theirs = structure(text)
    tree = parse(text)
    if theirs is None:
        assert isinstance(tree, Fault), text
        return
    if isinstance(tree, Fault):
        # DuckDB lets `in` be followed by `like`; nothing boolean is like a text.
        assert "in (1, 2)" in text, (text, tree)
        return
    assert structure(canonical(tree)) == theirs


@SETTINGS
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
@example("'")
@example("$$")
@example("(" * 500)
@example("not " * 500 + "a")
@example("a" + "::int" * 500)
@example("a" + "[1]" * 500)
@example("1" * 5000)
@example("a + " * 3000 + "a")
@example("case when " * 200)
def test_any_text_gives_faults_and_never_raises(text: str) -> None:
    never_raises(text)


TOKENS = st.sampled_from(
    [
        "a",
        "s",
        "d",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ".",
        ":",
        "::",
        ":=",
        "->",
        "->>",
        "+",
        "-",
        "*",
        "/",
        "=",
        "<",
        ">",
        "'",
        "''",
        "'x'",
        '"',
        "1",
        "1.5",
        "1e5",
        "null",
        "true",
        "case",
        "when",
        "then",
        "else",
        "end",
        "and",
        "or",
        "not",
        "in",
        "is",
        "between",
        "like",
        "cast",
        "as",
        "int",
        "date",
        "interval",
        "lambda",
        "x",
        "upper",
        "sum",
        "count",
        "list_sort",
        "over",
        "filter",
        "select",
        "from",
        ";",
        "?",
        "$1",
        "#",
        "@",
        "~",
        "!",
        "%",
        "if",
        "coalesce",
        "extract",
        "year",
        "params",
    ]
)


@SETTINGS
@given(st.lists(TOKENS, max_size=15).map(" ".join))
def test_any_tokens_give_faults_and_never_raise(text: str) -> None:
    never_raises(text)


@SETTINGS
@given(expressions(), expressions(), st.data())
def test_ill_typed_expressions_give_faults_and_never_raise(
    left: str, right: str, data: st.DataObject
) -> None:
    template = data.draw(
        st.sampled_from(
            ["({}) + ({})", "({}) = ({})", "upper({}) || ({})", "case when {} then {} end",
             "[{}, {}]", "left({}, {})", "({})[{}]", "cast({} as date) - ({})", "greatest({}, {})",
             "list_transform({}, lambda x: x + {})", "date_trunc({}, {})", "regexp_matches({}, {})"]
        )
    )  # fmt: skip
    never_raises(template.format(left, right))


def never_raises(text: str) -> None:
    checked = check(text, SCOPE)
    assert (checked.tree is None) == bool(checked.faults)
    for fault in checked.faults:
        assert fault.start is not None and fault.end is not None
        assert 0 <= fault.start <= fault.end <= len(text)
        assert fault.message and "\n" not in fault.message


def bare(tree: Tree) -> Tree:
    """The tree without its places in the text."""
    plain = replace(tree, start=0, end=0)
    if isinstance(plain, Call):
        inner = tuple(map(bare, plain.arguments))
        return replace(plain, arguments=inner, name_start=0, name_end=0)
    if isinstance(plain, Cast):
        return replace(plain, operand=bare(plain.operand))
    if isinstance(plain, Field):
        return replace(plain, operand=bare(plain.operand), name_start=0)
    if isinstance(plain, Case):
        branches = tuple((bare(when), bare(then)) for when, then in plain.branches)
        return replace(plain, branches=branches, otherwise=bare(plain.otherwise))
    if isinstance(plain, Lambda):
        return replace(plain, body=bare(plain.body))
    return plain


def structure(text: str) -> object | None:
    """What DuckDB's own parser makes of the text, without places; None where it refuses."""
    row = DUCK.execute("select json_serialize_sql(?)", [f"select ({text})"]).fetchone()
    assert row is not None
    read = json.loads(row[0])
    if read["error"]:
        return None
    return placeless(read["statements"][0]["node"]["select_list"])


def placeless(node: object) -> object:
    if isinstance(node, dict):
        hidden = ("query_location", "query_location_length", "is_operator", "qualified_name")
        return {key: placeless(value) for key, value in node.items() if key not in hidden}
    if isinstance(node, list):
        return [placeless(item) for item in node]
    return node.lower() if isinstance(node, str) else node


@pytest.mark.parametrize(
    "text", ["a < b < c", "a like b like c", "end", "a b", "", "  ", "f(", "[1"]
)
def test_is_refused(text: str) -> None:
    assert isinstance(parse(text), Fault)
