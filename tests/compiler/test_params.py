"""Params: typed texts, the order of what gives a value, and what is wrong with one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.compiler.expand.typing import Untypable, typed
from flowctl.expressions.scope import NOT_YET_KNOWN
from flowctl.syntax.node import Json
from tests.compiler.front import HEAD, Front, front


def given_param(schema: Json, text: str) -> Front:
    document = (
        f"{HEAD}params: {{p: {json.dumps(schema)}}}\nsteps: {{a: {{run: 'x', if: params.p}}}}\n"
    )
    return front(document, params={"p": text})


@pytest.mark.parametrize(
    ("schema", "text", "value"),
    [
        ({"type": "integer"}, "2013", 2013),
        ({"type": "integer"}, "-1", -1),
        ({"type": "number"}, "1e3", 1000.0),
        ({"type": "number"}, "2", 2),
        ({"type": "boolean"}, "true", True),
        ({"type": "string"}, "2013", "2013"),
        ({"type": "string"}, "", ""),
        ({"type": "null"}, "null", None),
        ({"type": ["integer", "string"]}, "12", 12),
        ({"type": ["integer", "string"]}, "a", "a"),
        ({"type": ["string", "null"]}, "null", None),
        ({"type": "array"}, "[1, 2]", [1, 2]),
        ({"type": "object"}, '{"a": 1}', {"a": 1}),
        ({"enum": [1, "a", True]}, "1", 1),
        ({"enum": [1, "a", True]}, "a", "a"),
        ({"const": False}, "false", False),
        ({}, "2013", 2013),
        ({}, "a b", "a b"),
        ({"minimum": 1}, "7", 7),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"type": "string"}}}, "5", "5"),
    ],
)
def test_a_text_is_typed_by_the_schema(schema: Json, text: str, value: Json) -> None:
    found = given_param(schema, text)
    assert found.found == []
    assert found.expanded is not None
    assert found.expanded.params == {"p": value}
    assert type(found.expanded.params["p"]) is type(value)


def test_lists_and_mappings_are_written_as_json() -> None:
    (fault,) = given_param({"type": ["array", "boolean"]}, "a,b").found
    assert fault.help == "write it as `true` or `false` or JSON, such as `[1, 2]`"


@pytest.mark.parametrize(
    ("schema", "text", "message"),
    [
        ({"type": "integer"}, "1.5", "`-p p=1.5`: `p` must be a whole number"),
        ({"type": "integer"}, "", "`-p p=`: `p` must be a whole number"),
        ({"type": "boolean"}, "yes", "`-p p=yes`: `p` must be a boolean"),
        ({"type": "array"}, "a,b", "`-p p=a,b`: `p` must be a list"),
        ({"type": ["integer", "null"]}, "x", "`-p p=x`: `p` must be null or a whole number"),
        ({"type": "number"}, "1e999", "`-p p=1e999`: `p` must be a number"),
        ({"type": "integer", "maximum": 5}, "6", "`-p p=6`: `p` must be at most 5, not 6"),
        ({"type": "string", "enum": ["a", "b"]}, "c", "`-p p=c`: `p` must be `a` or `b`, not `c`"),
        (
            {"type": "string", "pattern": "^a"},
            "b",
            "`-p p=b`: `p` must be text that matches `^a`, not `b`",
        ),
        (
            {"type": "string", "maxLength": 1},
            "ab",
            "`-p p=ab`: `p` must have at most 1 character, not 2",
        ),
        (
            {"type": "array", "minItems": 1},
            "[]",
            "`-p p=[]`: `p` is empty; it needs at least one item",
        ),
        (
            {"type": "array", "items": {"type": "integer"}},
            '["a"]',
            '`-p p=["a"]`: an item of `p` must be a whole number, not text',
        ),
        (
            {"not": {"const": 1}},
            "1",
            "`-p p=1`: `p` does not fit its schema: 1 should not be valid under {'const': 1}",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_told_with_its_source(
    schema: Json, text: str, message: str
) -> None:
    found = given_param(schema, text)
    assert found.messages == [message]
    assert found.places == [("E309", 3, 10)]


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False)
    )
)
def test_typing_undoes_writing(value: Json) -> None:
    name = {type(None): "null", bool: "boolean", int: "integer", float: "number"}[type(value)]
    assert typed(json.dumps(value), {"type": name}) == value


def test_a_text_without_end_is_not_typed_at_length() -> None:
    with pytest.raises(Untypable):
        typed("9" * 100_000, {"type": "integer"})


DOCUMENT = (
    HEAD + "params: {p: {type: string, env: P, default: d}}\nsteps: {a: {run: '{{ params.p }}'}}\n"
)


@pytest.mark.parametrize(
    ("params", "file", "environment", "value"),
    [
        ({}, None, {}, "d"),
        ({}, None, {"P": "e"}, "e"),
        ({}, "p: f", {"P": "e"}, "f"),
        ({"p": "o"}, "p: f", {"P": "e"}, "o"),
    ],
)
def test_the_option_wins_over_the_file_over_the_variable_over_the_default(
    tmp_path: Path,
    params: dict[str, str],
    file: str | None,
    environment: dict[str, str],
    value: str,
) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(file or "")
    found = front(
        DOCUMENT,
        params=params,
        environment=environment,
        params_file=path if file else None,
    )
    assert found.found == []
    assert found.step("a") == {"run": value}


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("p.yaml", "p: 5\n", ("E309", 1, 4)),
        ("p.toml", "p = 5\n", ("E309", 1, 5)),
        ("p.json", '{"p": 5}', ("E309", 1, 7)),
        ("p.yaml", "q: 5\n", ("E308", 1, 1)),
        ("p.yaml", "- p\n", ("E309", 1, 1)),
        ("p.yaml", "p: '${{ x }}'\n", ("E322", 1, 4)),
        ("p.txt", "p: 5\n", ("E104", 1, 1)),
    ],
)
def test_faults_of_a_params_file_lie_in_it(
    tmp_path: Path, name: str, text: str, place: object
) -> None:
    path = tmp_path / name
    path.write_text(text)
    found = front(DOCUMENT, params_file=path)
    assert found.places == [place]
    assert found.found[0].span is not None
    assert found.found[0].span.file == path.as_posix()


def test_a_params_file_that_is_not_there() -> None:
    found = front(DOCUMENT, params_file=Path("/nowhere/params.yaml"))
    assert found.places == [("E620", 0, 0)]


REQUIRED = (
    HEAD
    + "params: {p: {type: string}}\nsteps: {a: {run: 'echo {{ params.p }}', cwd: x}, b: {run: y}}\n"
)


def test_a_param_without_a_value_is_a_note_and_unknown_where_it_is_used() -> None:
    found = front(REQUIRED)
    assert found.places == [("E310", 3, 10)]
    assert found.found[0].severity == "note"
    assert found.step("a") == {"run": "?", "cwd": "x"}
    assert found.expanded is not None
    assert found.expanded.params == {}
    assert found.expanded.constants["params"] == {"p": NOT_YET_KNOWN}


def test_for_a_run_it_is_an_error() -> None:
    assert front(REQUIRED, complete=True).found[0].severity == "error"


def test_a_declaration_may_come_from_another_file(tmp_path: Path) -> None:
    (tmp_path / "types.yaml").write_text("year: {type: integer, minimum: 1987, default: 2013}\n")
    document = (
        HEAD
        + "params: {year: {$ref: 'types.yaml#/year'}}\nsteps: {a: {run: '{{ params.year }}x'}}\n"
    )
    found = front(document, path=tmp_path / "flow.yaml")
    assert found.step("a") == {"run": "2013x"}
    found = front(document, path=tmp_path / "flow.yaml", params={"year": "1900"})
    assert found.messages == ["`-p year=1900`: `year` must be at least 1987, not 1900"]


def test_a_schema_may_refer_to_itself() -> None:
    schema: Json = {
        "$ref": "#/$defs/tree",
        "$defs": {"tree": {"type": "array", "items": {"$ref": "#/$defs/tree"}}},
    }
    assert given_param(schema, "[[], [[]]]").found == []
    assert [one.code.id for one in given_param(schema, "[[], [[1]]]").found] == ["E309"]


def test_a_schema_may_go_deeper_than_any_value() -> None:
    below: dict[str, Json] = {
        f"a{n}": {"type": "array", "items": {"$ref": f"#/$defs/a{n + 1}"}} for n in range(2000)
    }
    schema: Json = {"$ref": "#/$defs/a0", "$defs": {**below, "a2000": {"type": "integer"}}}
    assert given_param(schema, "[[], [[]]]").found == []
    assert [one.code.id for one in given_param(schema, "[1]").found] == ["E309"]


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
        {"patternProperties": {"(": True}},
        {"$ref": "#/$defs/nowhere"},
        {"type": "array", "contains": {"$ref": "#/nowhere"}},
    ],
    ids=["endless", "pattern", "dangling", "dangling below"],
)
def test_a_schema_that_cannot_be_applied_is_told(schema: Json) -> None:
    found = given_param(schema, "[1]")
    assert [one.code.id for one in found.found if one.severity == "error"][:1] != []


@pytest.mark.parametrize(
    "use",
    [
        "run: '{{ params.p }}'",
        "run: '{{ params[\"p\"] }}'",
        "run: '{{ params | tojson }}'",
        "run: 'x ${{ params.p }}'",
        "{run: x, if: params.p = 'a'}",
        "{run: x, env: {'{{ params.p }}': y}}",
    ],
)
def test_any_use_counts(use: str) -> None:
    body = use if use.startswith("{") else f"{{{use}}}"
    found = front(f"{HEAD}params: {{p: {{type: string, default: a}}}}\nsteps: {{a: {body}}}\n")
    assert found.found == []


def test_variables_may_stand_in_any_order() -> None:
    found = front(
        HEAD
        + "vars: {c: '{{ vars.b }}c', b: '{{ vars.a.x[1] }}b', a: {x: [0, '{{ vars.z }}']}, z: a}\n"
        + "steps: {a: {run: '{{ vars.c }}'}}\n"
    )
    assert found.found == []
    assert found.step("a") == {"run": "abc"}


def test_a_circle_of_variables_is_told_once() -> None:
    found = front(
        HEAD
        + "vars:\n  a: '{{ vars.b }}'\n  b: '{{ vars.c }}'\n"
        + "  c: '{{ vars.a }}{{ vars.c }}'\n  d: '{{ vars.b }}'\n"
        + "steps: {a: {run: '{{ vars.d }}'}}\n"
    )
    assert found.messages == [
        "these variables go in a circle: `a` → `b` → `c` → `a`",
        "these variables go in a circle: `c` → `c`",
    ]


@pytest.mark.parametrize("forwards", [True, False])
def test_a_long_chain_of_variables(forwards: bool) -> None:
    chain = [f"  v{n}: 'x{{{{ vars.v{n + 1} }}}}'\n" for n in range(1000)] + ["  v1000: y\n"]
    lines = chain if forwards else chain[::-1]
    found = front(HEAD + "vars:\n" + "".join(lines) + "steps: {a: {run: '{{ vars.v0 }}'}}\n")
    assert found.found == []
    assert found.step("a") == {"run": "x" * 1000 + "y"}


def test_a_long_circle_of_variables() -> None:
    chain = [f"  v{n}: '{{{{ [vars.v{(n + 1) % 500}] | first }}}}'\n" for n in range(500)]
    found = front(HEAD + "vars:\n" + "".join(chain) + "steps: {a: {run: '{{ vars.v0 }}'}}\n")
    assert {one.code.id for one in found.found} <= {"E313", "E318"}
    assert found.step("a") == {"run": "?"}
