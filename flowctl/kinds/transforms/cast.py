"""`cast: {a: int64}`: gives columns another type."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flowctl.arguments import ON_ERROR, ReadType, column_type, hazards, pairs, unknown_column
from flowctl.codes.names import NO_CAST
from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.expressions.types import fits_cast
from flowctl.operators import Hazard, Operator, Rowwise
from flowctl.records import Column, DataType, Schema, Unknown
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl

    from flowctl.expressions.lower import Lowered

SPEC = Spec(
    kind="cast",
    summary="Gives columns another type; they keep their place.",
    argument={
        "description": "Columns, each with its new type; `?` behind the type admits nulls.",
        "type": "object",
        "additionalProperties": {"type": "string", "format": "type"},
        "minProperties": 1,
    },
    options=ON_ERROR,
    example="""cast:
  flight: int64
  dep_delay: float64?
on_error: reject
""",
    detail="A value that the new type does not have, and a null where the type has no `?`, is a "
    "fault of its record.",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    found = {
        name: column_type(str(text), ("cast", name)) for name, text in pairs(arguments["cast"])
    }
    columns = [Column(name, read.type or Unknown(), read.nullable) for name, read in found.items()]
    canonical: list[Json] = [
        [name, str(text) if read.type is None else _shown(read.type, read.nullable)]
        for (name, text), read in zip(pairs(arguments["cast"]), found.values(), strict=True)
    ]
    faults = tuple(_faults(found, schema))
    return Typed({"cast": canonical}, schema.with_columns(columns), faults)


def _faults(found: dict[str, ReadType], schema: Schema) -> Iterator[Fault]:
    for name, read in found.items():
        unknown = unknown_column(name, schema, ("cast", name), key=True)
        if unknown is not None:
            yield unknown
        if read.fault is not None:
            yield read.fault
        elif name in schema and read.type is not None:
            given = schema[name].type
            if not fits_cast(given, read.type):
                message = f"column `{name}` is {given}, which cannot be cast to {read.type}"
                help = "take it apart with `derive`"
                yield Fault(NO_CAST, message, ("cast", name), help=help)


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    columns: list[pl.Expr] = []
    found: list[Hazard] = []
    for name, text in pairs(arguments["cast"]):
        read = column_type(str(text), ("cast", name))
        if read.type is None:
            raise ValueError(f"{text!r} is no type")
        lowered = _lowered(schema[name], read.type)
        columns.append(lowered.value.alias(name))
        found += hazards(lowered, "cast", ("cast", name))
        found += [] if read.nullable else [_no_nulls(name, read.type)]

    def apply(frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.with_columns(columns)

    return Rowwise(apply, tuple(found))


def _lowered(column: Column, to: DataType) -> Lowered:
    from flowctl.expressions import tree as trees
    from flowctl.expressions.lower import lower

    operand = trees.Column(column.name, 0, 0, column.type)
    return lower(operand if column.type == to else trees.Cast(operand, to, "cast", 0, 0, to))


def _no_nulls(name: str, kind: DataType) -> Hazard:
    import polars as pl

    null = pl.col(name).is_null()
    message = f"`{name}` is null, but is to be {kind}; `{kind}?` would admit nulls"

    def examine(frame: pl.DataFrame) -> pl.Series:
        return frame.select(pl.when(null).then(pl.lit(message))).to_series()

    return Hazard(null, examine, "cast", ("cast", name))


def _shown(kind: DataType, nullable: bool) -> str:
    return f"{kind}{'?' if nullable else ''}"


COMPONENT = Transform(SPEC, rule, prepare)
