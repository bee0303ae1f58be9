from __future__ import annotations

import datetime as dt

import jsonschema
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.expressions.polars_types import schema_of
from flowctl.expressions.scope import Scope
from flowctl.kinds.transforms.validate import COMPONENT
from flowctl.operators import Rowwise
from flowctl.records import Schema
from flowctl.suspects import suspects
from flowctl.syntax.node import Json
from tests.kinds.transforming import faults, transformed

COLUMNS = {"flight": "int64?", "carrier": "string?", "share": "float64?", "ok": "boolean?"}
SCHEMA: dict[str, Json] = {
    "required": ["flight"],
    "properties": {
        "flight": {"type": "integer", "minimum": 1, "maximum": 20},
        "carrier": {"type": ["string", "null"], "pattern": "^[A-Z]{2}$", "maxLength": 2},
    },
}


def test_a_record_that_breaks_the_schema_is_at_fault() -> None:
    frame = pl.DataFrame({"flight": [1, 0, None], "carrier": ["UA", "UA", None]})
    out = transformed(COMPONENT, {"validate": SCHEMA}, frame)
    assert out.faults == {
        1: "`flight`: 0 is less than the minimum of 1",
        2: '`flight`: null is not of type "integer"',
    }


def test_what_columns_can_answer_is_asked_of_columns() -> None:
    assert suspects(SCHEMA, Schema.of(COLUMNS)) is not None
    assert suspects({"properties": {"flight": {"multipleOf": 2}}}, Schema.of(COLUMNS)) is None
    assert suspects({"minProperties": 2}, Schema.of(COLUMNS)) is None


def test_an_expression_must_be_true() -> None:
    frame = pl.DataFrame({"a": [1, 0, None, 4], "b": [1, 1, 1, 0]})
    out = transformed(COMPONENT, {"validate": "a // b > 0"}, frame)
    assert out.faults.keys() == {1, 2, 3}
    assert out.faults[1] == "`a // b > 0` is not true"


def test_dates_are_judged_as_text() -> None:
    frame = pl.DataFrame({"day": [dt.date(2013, 1, 2)]})
    demand: dict[str, Json] = {"properties": {"day": {"type": "string", "const": "2013-01-02"}}}
    assert not transformed(COMPONENT, {"validate": demand}, frame).faults


def test_a_schema_that_refers_to_itself() -> None:
    frame = pl.DataFrame({"tree": [{"below": {"below": None}}, {"below": {"below": {"x": 1}}}]})
    demand: dict[str, Json] = {
        "properties": {"tree": {"$ref": "#/$defs/node"}},
        "$defs": {
            "node": {
                "anyOf": [
                    {"type": "null"},
                    {
                        "properties": {"below": {"$ref": "#/$defs/node"}},
                        "required": ["below"],
                        "additionalProperties": False,
                    },
                ]
            }
        },
    }
    assert not transformed(COMPONENT, {"validate": demand}, frame[:1]).faults


@pytest.mark.parametrize(
    ("demand", "pointer"),
    [
        ({"properties": {"a": {"type": "integre"}}}, ("properties", "a", "type")),
        ({"minimum": "1"}, ("minimum",)),
        ({"required": "flight"}, ("required",)),
        ({"properties": {"carrier": {"pattern": "(a"}}}, ("properties", "carrier", "pattern")),
        ({"properties": {"carrier": {"$ref": "#/$defs/x"}}}, ("properties", "carrier", "$ref")),
        ({"$ref": "http://json-schema.org/draft-07/schema#"}, ("$ref",)),
        ({"$schema": "https://example.com/mine"}, ("$schema",)),
    ],
)
def test_a_broken_schema_is_found_at_its_place(
    demand: dict[str, Json], pointer: tuple[str, ...]
) -> None:
    found = faults(COMPONENT, {"validate": demand}, COLUMNS)
    assert [(code, place) for code, place, _, _ in found] == [("E411", ("validate", *pointer))]


def test_a_required_column_must_exist() -> None:
    found = faults(COMPONENT, {"validate": {"required": ["flight", "carier"]}}, COLUMNS)
    assert found == [("E505", ("validate", "required", 1), None, None)]


VALUES = {
    "flight": st.none() | st.integers(-3, 30),
    "carrier": st.none() | st.text("AUé1.\n", max_size=3),
    "share": st.none() | st.floats(-2, 2) | st.just(float("inf")),
    "ok": st.none() | st.booleans(),
}
RULES: dict[str, st.SearchStrategy[dict[str, Json]]] = {
    "flight": st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["integer", "number", ["integer", "null"], "string"]),
            "minimum": st.integers(-2, 5),
            "exclusiveMaximum": st.integers(5, 25),
            "enum": st.lists(st.none() | st.integers(0, 5), min_size=1, max_size=3),
            "const": st.integers(0, 2),
        },
    ),
    "carrier": st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["string", ["null", "string"], "integer"]),
            "minLength": st.integers(0, 2),
            "maxLength": st.integers(1, 3),
            "pattern": st.sampled_from(["^[A-Z]+$", "A", "^$", "1|U", r"\.", "^[^A]"]),
            "enum": st.just(["A", "AU", ""]),
        },
    ),
    "share": st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["number", "integer", ["number", "null"]]),
            "maximum": st.floats(-1, 1),
            "minimum": st.integers(-1, 1),
        },
    ),
    "ok": st.fixed_dictionaries(
        {}, optional={"type": st.just("boolean"), "const": st.just(value=True)}
    ),
}


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=6),
    st.fixed_dictionaries(RULES),
)
def test_judges_as_the_reference_does(
    rows: list[dict[str, object]], rules: dict[str, Json]
) -> None:
    frame = pl.DataFrame(
        rows,
        schema={"flight": pl.Int64, "carrier": pl.String, "share": pl.Float64, "ok": pl.Boolean},
    )
    demand: dict[str, Json] = {"properties": rules}
    out = transformed(COMPONENT, {"validate": demand}, frame)
    reference = jsonschema.Draft202012Validator(demand)
    expected = [
        index
        for index, row in enumerate(rows)
        if row["share"] != float("inf") and not reference.is_valid(row)
    ]
    known = [index for index in out.faults if rows[index]["share"] != float("inf")]
    assert sorted(known) == expected


def test_the_engines_own_columns_are_not_judged() -> None:
    frame = pl.DataFrame({"flight": [1], "__record": [0]})
    demand: dict[str, Json] = {"additionalProperties": False, "properties": {"flight": True}}
    operator = COMPONENT.prepare({"validate": demand}, schema_of(frame.select("flight")), Scope())
    assert isinstance(operator, Rowwise)
    assert operator.hazards[0].examine(frame).to_list() == [None]
