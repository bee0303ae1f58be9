"""`flatten: address`: the fields of a struct become columns in its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from flowctl.arguments import unknown_column
from flowctl.codes.expressions import OPERAND_TYPES
from flowctl.codes.names import DUPLICATE_COLUMN
from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.dataflow import Operator, Rowwise
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.records import Column, Null, Schema, Struct, Unknown

if TYPE_CHECKING:
    import polars as pl

SPEC = Spec(
    kind="flatten",
    summary="Puts the fields of a struct, as columns, in the place of the struct.",
    argument={
        "description": "The column that holds the struct.",
        "type": "string",
        "format": "column",
    },
    example="flatten: address",
    detail="The columns have the names of the fields; where the struct is null, all of them are.",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    name = str(arguments["flatten"])
    fields = _fields(name, schema)
    faults = tuple(_faults(name, fields, schema))
    if fields is None:
        others = tuple(column for column in schema if column.name != name)
        return Typed({"flatten": name}, Schema(others, open=True), faults)
    columns: list[Column] = []
    for column in schema:
        columns += fields if column.name == name else [column]
    leaving = {column.name: column for column in columns}
    return Typed({"flatten": name}, replace(schema, columns=tuple(leaving.values())), faults)


def _fields(name: str, schema: Schema) -> tuple[Column, ...] | None:
    """The columns that the struct becomes; None where it is no struct, or not known."""
    if name not in schema or not isinstance(schema[name].type, Struct):
        return None
    struct = schema[name]
    assert isinstance(struct.type, Struct)
    return tuple(
        replace(field, nullable=field.nullable or struct.nullable) for field in struct.type.fields
    )


def _faults(name: str, fields: tuple[Column, ...] | None, schema: Schema) -> Iterator[Fault]:
    unknown = unknown_column(name, schema, ("flatten",))
    known = name in schema and not isinstance(schema[name].type, Unknown | Null)
    if unknown is not None:
        yield unknown
    elif fields is None and known:
        message = f"only a struct can be flattened, but column `{name}` is {schema[name].type}"
        yield Fault(OPERAND_TYPES, message, ("flatten",))
    for field in fields or ():
        if field.name != name and field.name in schema:
            message = f"there is a column `{field.name}` already, beside the field of `{name}`"
            help = f"rename it first: `- rename: {{{name}_{field.name}: {field.name}}}`"
            yield Fault(DUPLICATE_COLUMN, message, ("flatten",), help=help)


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    name = str(arguments["flatten"])

    def apply(frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.unnest(name)

    return Rowwise(apply)


COMPONENT = Transform(SPEC, rule, prepare)
