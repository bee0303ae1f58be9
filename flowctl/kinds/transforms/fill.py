"""`fill: {a: expr}`: puts values in the place of nulls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from flowctl.arguments import (
    ON_ERROR,
    checked_tree,
    expression,
    expression_schema,
    hazards,
    pairs,
    unknown_column,
)
from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.operators import Operator, Rowwise
from flowctl.records import Column, DataType, Null, Schema, Unknown
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl

    from flowctl.expressions.lower import Lowered

SPEC = Spec(
    kind="fill",
    summary="Puts values in the place of nulls; columns keep their types.",
    argument={
        "description": "Columns, each with the expression that gives the value where the column "
        "is null. All expressions see the columns that come in.",
        "type": "object",
        "additionalProperties": expression_schema("An expression of the column's type."),
        "minProperties": 1,
    },
    options=ON_ERROR,
    example="""fill:
  dep_delay: 0
  tailnum: "'unknown'"
""",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    faults: list[Fault] = []
    texts: list[Json] = []
    columns: list[Column] = []
    for name, value in pairs(arguments["fill"]):
        unknown = unknown_column(name, schema, ("fill", name), key=True)
        kind = _kind(name, schema)
        found = expression(value, schema, situation.scope, ("fill", name), kind)
        faults += [unknown] if unknown is not None else []
        faults += found.faults
        texts.append([name, found.text])
        if name in schema:
            columns.append(replace(schema[name], type=found.type if kind is None else kind))
    return Typed({"fill": texts}, schema.with_columns(columns), tuple(faults))


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    found = dict(_lowered(arguments, schema, scope))
    columns = [lowered.value.alias(name) for name, lowered in found.items()]

    def apply(frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.with_columns(columns)

    return Rowwise(
        apply,
        tuple(
            hazard
            for name, lowered in found.items()
            for hazard in hazards(lowered, "fill", ("fill", name))
        ),
    )


def _lowered(arguments: Arguments, schema: Schema, scope: Scope) -> Iterator[tuple[str, Lowered]]:
    """Each column as the `coalesce` that it becomes, which computes the value only for nulls."""
    from flowctl.expressions import tree as trees
    from flowctl.expressions.lower import lower

    for name, value in pairs(arguments["fill"]):
        filling = checked_tree(value, schema, scope, _kind(name, schema))
        column = trees.Column(name, filling.start, filling.end, filling.type)
        whole = trees.Call("coalesce", (column, filling), filling.start, filling.end, filling.type)
        yield name, lower(whole)


def _kind(name: str, schema: Schema) -> DataType | None:
    """The type that the values must have; None where any type will do."""
    if name not in schema or isinstance(schema[name].type, Null | Unknown):
        return None
    return schema[name].type


COMPONENT = Transform(SPEC, rule, prepare)
