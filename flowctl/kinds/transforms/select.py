"""`select: [a, b]`: keeps these columns, in this order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowctl.arguments import texts, unknown_column
from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.dataflow import CARRIED
from flowctl.expressions.scope import Scope
from flowctl.operators import Operator, Rowwise
from flowctl.records import Column, Schema, Unknown

if TYPE_CHECKING:
    import polars as pl

SPEC = Spec(
    kind="select",
    summary="Keeps the named columns, in the order in which they are named.",
    argument={
        "description": "The columns to keep.",
        "type": "array",
        "items": {"type": "string", "format": "column"},
        "minItems": 1,
        "uniqueItems": True,
    },
    example="select: [flight, carrier, dep_delay]",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    names = texts(arguments["select"])
    unknown = (unknown_column(name, schema, ("select", index)) for index, name in enumerate(names))
    faults = tuple(filter(None, unknown))
    kept = tuple(schema[name] if name in schema else Column(name, Unknown()) for name in names)
    return Typed({"select": list(names)}, Schema(kept), faults)


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    names = texts(arguments["select"])

    def apply(frame: pl.LazyFrame) -> pl.LazyFrame:
        from polars import selectors

        return frame.select(selectors.by_name(*names), selectors.matches(CARRIED))

    return Rowwise(apply)


COMPONENT = Transform(SPEC, rule, prepare)
