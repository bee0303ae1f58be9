"""`derive: {new: expr}`: computes columns, each from the columns that come in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowctl.arguments import ON_ERROR, checked_tree, expression, expression_schema, hazards, pairs
from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.expressions.scope import Scope
from flowctl.operators import Operator, Rowwise
from flowctl.records import Column, Schema

if TYPE_CHECKING:
    import polars as pl

SPEC = Spec(
    kind="derive",
    summary="Computes columns: new ones come last, others are replaced in their place.",
    argument={
        "description": "Names of columns, each with the expression that computes it. All "
        "expressions see the columns that come in, not each other's results.",
        "type": "object",
        "additionalProperties": expression_schema("An expression over the record."),
        "minProperties": 1,
    },
    options=ON_ERROR,
    example="""derive:
  speed_mph: distance / (air_time / 60.0)
  late: dep_delay > 15
""",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    found = {
        name: expression(value, schema, situation.scope, ("derive", name))
        for name, value in pairs(arguments["derive"])
    }
    return Typed(
        {"derive": [[name, computed.text] for name, computed in found.items()]},
        schema.with_columns(Column(name, computed.type) for name, computed in found.items()),
        tuple(fault for computed in found.values() for fault in computed.faults),
    )


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    from flowctl.expressions.lower import lower

    found = {
        name: lower(checked_tree(value, schema, scope))
        for name, value in pairs(arguments["derive"])
    }
    columns = [lowered.value.alias(name) for name, lowered in found.items()]

    def apply(frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.with_columns(columns)

    return Rowwise(
        apply,
        tuple(
            hazard
            for name, lowered in found.items()
            for hazard in hazards(lowered, "derive", ("derive", name))
        ),
    )


COMPONENT = Transform(SPEC, rule, prepare)
