"""`flatten: col`: makes columns of the fields of a struct."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowctl.arguments import unknown_column
from flowctl.codes.names import DUPLICATE_COLUMN, WRONG_COLUMN
from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.operators import Operator, Rowwise
from flowctl.records import Column, Schema, Struct, Unknown
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl

SPEC = Spec(
    kind="flatten",
    summary="Makes columns of the fields of a struct, in its place.",
    argument={
        "description": "The column that holds structs.",
        "type": "string",
        "format": "column",
    },
    options={
        "prefix": {
            "description": "What the names of the new columns begin with (default: nothing).",
            "type": "string",
        }
    },
    example="""flatten: address
prefix: address_
""",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    name, prefix = str(arguments["flatten"]), str(arguments.get("prefix", ""))
    canonical: dict[str, Json] = {"flatten": name}
    canonical |= {"prefix": prefix} if prefix else {}
    unknown = unknown_column(name, schema, ("flatten",))
    kind = schema[name].type if name in schema else Unknown()
    others = [column for column in schema if column.name != name]
    if unknown is not None:
        return Typed(canonical, Schema(tuple(others), open=True), (unknown,))
    if isinstance(kind, Unknown):
        return Typed(canonical, Schema(tuple(others), open=True))
    if not isinstance(kind, Struct):
        message = f"`{name}` is of type {kind}, and only structs have fields"
        fault = Fault(WRONG_COLUMN, message, ("flatten",))
        return Typed(canonical, Schema(tuple(others), open=True), (fault,))
    taken = {column.name for column in others}
    fields = [Column(prefix + field.name, field.type) for field in kind.fields]
    faults = tuple(_taken(field.name) for field in fields if field.name in taken)
    columns = tuple(
        new for column in schema for new in (fields if column.name == name else [column])
    )
    return Typed(canonical, Schema(columns, schema.open), faults)


def _taken(name: str) -> Fault:
    message = f"there is a column `{name}` already"
    help = "set the fields apart with a `prefix`"
    return Fault(DUPLICATE_COLUMN, message, ("flatten",), help=help)


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    name, prefix = str(arguments["flatten"]), str(arguments.get("prefix", ""))
    kind = schema[name].type
    if not isinstance(kind, Struct):
        raise ValueError(f"{name} is no struct")
    fields = [field.name for field in kind.fields]

    def apply(frame: pl.LazyFrame) -> pl.LazyFrame:
        import polars as pl
        from polars import selectors

        from flowctl.dataflow import CARRIED

        struct = pl.col(name).struct
        columns = [
            expression
            for column in schema.names
            for expression in (
                [struct.field(field).alias(prefix + field) for field in fields]
                if column == name
                else [pl.col(column)]
            )
        ]
        return frame.select(*columns, selectors.matches(CARRIED))

    return Rowwise(apply)


COMPONENT = Transform(SPEC, rule, prepare)
