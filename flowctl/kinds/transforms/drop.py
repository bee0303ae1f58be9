"""`drop: [a]`: takes columns away."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flowctl.arguments import texts, unknown_column
from flowctl.codes.names import NO_COLUMNS
from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.operators import Operator, Rowwise
from flowctl.records import Schema

if TYPE_CHECKING:
    import polars as pl

SPEC = Spec(
    kind="drop",
    summary="Takes the named columns away.",
    argument={
        "description": "The columns to take away.",
        "type": "array",
        "items": {"type": "string", "format": "column"},
        "minItems": 1,
        "uniqueItems": True,
    },
    example="drop: [tailnum]",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    names = texts(arguments["drop"])
    unknown = (unknown_column(name, schema, ("drop", index)) for index, name in enumerate(names))
    faults = list(filter(None, unknown))
    kept = tuple(column for column in schema if column.name not in names)
    if not kept and not schema.open and not faults:
        faults.append(Fault(NO_COLUMNS, "all columns are dropped; keep at least one", ("drop",)))
    return Typed({"drop": list(names)}, replace(schema, columns=kept), tuple(faults))


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    names = texts(arguments["drop"])

    def apply(frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.drop(names)

    return Rowwise(apply)


COMPONENT = Transform(SPEC, rule, prepare)
