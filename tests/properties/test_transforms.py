"""Any chain of transforms hands on the columns that its rules have promised, record by record."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.expressions.polars_types import schema_of
from flowctl.records import Boolean, Date, Float, Integer, Schema, String
from flowctl.registry import builtin
from tests.kinds.transforming import transformed

TRANSFORMS = builtin().transforms
NAMES = ["a", "b", "c", "d", "e", "odd name", "select"]
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "a": st.none() | st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3),
    "b": st.none() | st.text("xyz1 -é", max_size=4),
    "c": st.none() | st.floats(allow_nan=False),
    "d": st.none() | st.dates(dt.date(1970, 1, 1), dt.date(2100, 1, 1)),
}
TYPES = {"a": pl.Int64, "b": pl.String, "c": pl.Float64, "d": pl.Date}


def quoted(name: str) -> str:
    return f'"{name}"'


@st.composite
def expressions(draw: st.DrawFn, schema: Schema) -> str:
    """An expression of any type over columns that exist."""
    column = draw(st.sampled_from(schema.columns))
    name = quoted(column.name)
    fitting: dict[type, list[str]] = {
        Integer: [f"{name} + 1", f"{name} * {name}", f"10 // {name}", f"-{name}", f"{name} / 2"],
        Float: [f"{name} * 2", f"round({name}, 1)", f"cast({name} as integer)"],
        String: [f"{name} || '!'", f"length({name})", f"cast({name} as bigint)", f"upper({name})"],
        Date: [f"year({name})", f"{name} < '2020-01-01'", f"{name} + interval 1 day"],
        Boolean: [f"not {name}", f"{name} or false"],
    }
    general = [name, f"{name} is null", f"coalesce({name}, null)", "1", "'text'", "true"]
    return draw(st.sampled_from([*general, *fitting.get(type(column.type), [])]))


@st.composite
def conditions(draw: st.DrawFn, schema: Schema) -> str:
    name = quoted(draw(st.sampled_from(schema.names)))
    return draw(st.sampled_from([f"{name} is not null", f"not ({name} is null)", "true"]))


@st.composite
def steps(draw: st.DrawFn, schema: Schema) -> tuple[str, dict[str, Any]]:
    """One transform that fits the columns."""
    some = st.lists(st.sampled_from(schema.names), min_size=1, unique=True)
    kind = draw(st.sampled_from(["filter", "derive", "select", "drop", "rename", "cast", "fill"]))
    value: Any
    if kind == "filter":
        value = draw(conditions(schema))
    elif kind == "derive":
        value = draw(st.dictionaries(st.sampled_from(NAMES), expressions(schema), min_size=1))
    elif kind == "select":
        value = draw(some)
    elif kind == "drop":
        value = draw(some)[: len(schema) - 1] or draw(some)[:1]
        if len(value) == len(schema):
            return "filter", {"filter": "true"}
    elif kind == "rename":
        old = draw(some)
        free = [name for name in [*NAMES, "f", "g"] if name not in schema.names]
        value = dict(zip(free, old, strict=False))
    elif kind == "cast":
        value = {name: f"{schema[name].type}?" for name in draw(some)}
        value |= dict.fromkeys(value, "string?") if draw(st.booleans()) else {}
    else:
        value = {name: quoted(name) for name in draw(some)}
    return kind, {kind: value}


@settings(max_examples=150, deadline=None)
@given(st.data(), st.lists(st.fixed_dictionaries(VALUES), max_size=6), st.integers(1, 4))
def test_a_chain_keeps_its_promises(
    data: st.DataObject, rows: list[dict[str, Any]], length: int
) -> None:
    frame = pl.DataFrame(rows, schema=TYPES)
    for _ in range(length):
        schema = schema_of(frame)
        kind, arguments = data.draw(steps(schema))
        frame = transformed(TRANSFORMS[kind], arguments, frame).frame
