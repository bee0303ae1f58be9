"""`union: [{csv: b.csv}]`: the stream's records, followed by those of other sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial, reduce
from typing import TYPE_CHECKING

from flowctl.arguments import listed
from flowctl.codes.names import UNION_COLUMNS, UNION_TYPES
from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.dataflow import CARRIED
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.expressions.types import common
from flowctl.operators import Confluence, Operator, Rowwise
from flowctl.records import Column, DataType, Integer, Null, Schema, Unknown

if TYPE_CHECKING:
    import polars as pl

SPEC = Spec(
    kind="union",
    summary="Puts the records of other sources behind those of the stream.",
    argument={
        "description": "The other sources, one after the other: `[{csv: b.csv}, {step: clean}]`.",
        "type": "array",
        "items": {"$ref": "#/$defs/source"},
        "minItems": 1,
    },
    detail="""\
Each source must have the stream's columns, by name and in any order, and no others. Types of
numbers widen where they differ (`int32` and `int64` are `int64`); other types must be the same.
`source_file()` and `source_line()` are those of the record's own source. Transforms before the
union see the stream's own records alone, those behind it see all.
""",
    example="""union:
  - rows: [{carrier: UA, dest: IAH, origin: EWR, dep_delay: 20, arr_delay: 5,
      flight: 1545, tags: [a], tailnum: N14228, distance: 1400, air_time: 227,
      line: '10.0.0.1 bob GET', address: {city: Ulm},
      time_hour: 2013-01-01T05:00:00Z, day: 2013-01-01, month: 1}]
""",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    faults = [
        fault.below("union", number)
        for number, other in enumerate(situation.inputs)
        for fault in _faults(schema, other)
    ]
    return Typed({}, _united(schema, situation.inputs), tuple(faults))


def _faults(schema: Schema, other: Schema) -> Iterator[Fault]:
    """What keeps the records of a source from coming behind those of the stream."""
    missing = [name for name in schema.names if name not in other]
    if missing and not other.open:
        message = f"this source has no column {listed(missing)}"
        help = f"the stream's columns are {listed(schema.names)}"
        yield Fault(UNION_COLUMNS, message, help=help)
    further = [name for name in other.names if name not in schema]
    if further and not schema.open:
        message = f"the stream has no column {listed(further)}, as this source has"
        help = "`drop` it in a step of its own and read that, or `derive` it before the union"
        yield Fault(UNION_COLUMNS, message, help=help)
    for column in other:
        if column.name in schema and _common(schema[column.name].type, column.type) is None:
            message = (
                f"`{column.name}` is {column.type} here, and {schema[column.name].type} in the "
                "stream"
            )
            help = "say its type with `columns`, or `cast` it before the union"
            yield Fault(UNION_TYPES, message, help=help)


def _common(left: DataType, right: DataType) -> DataType | None:
    """The type that holds the values of both; no file holds integers of 128 bits."""
    found = common(left, right)
    return None if found == Integer(128) and found not in (left, right) else found


def _united(schema: Schema, others: Sequence[Schema]) -> Schema:
    columns = tuple(_column(column, others) for column in schema)
    return Schema(columns, schema.open)


def _column(column: Column, others: Sequence[Schema]) -> Column:
    same = [other[column.name] for other in others if column.name in other]

    def both(left: DataType, right: DataType) -> DataType:
        return _common(left, right) or Unknown()

    kind = reduce(both, (one.type for one in same), column.type)
    # A source whose columns are not all known may lack this one.
    nullable = column.nullable or any(one.nullable for one in same)
    return replace(column, type=kind, nullable=nullable)


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    return Confluence(partial(_bring, schema))


def _bring(schema: Schema, others: Sequence[Schema]) -> list[Rowwise]:
    united = _united(schema, others)
    return [_as(united, one) for one in (schema, *others)]


def _as(united: Schema, own: Schema) -> Rowwise:
    """Brings records into the common columns; nothing is lost where types widen."""

    def apply(frame: pl.LazyFrame) -> pl.LazyFrame:
        import polars as pl

        values = [_value(own[column.name], column.type) for column in united]
        return frame.select(*values, pl.col(CARRIED))

    return Rowwise(apply)


def _value(column: Column, kind: DataType) -> pl.Expr:
    import polars as pl

    from flowctl.expressions.casts import convert
    from flowctl.expressions.polars_types import polars_type

    value = pl.col(column.name)
    if column.type == kind or isinstance(kind, Unknown):
        return value
    if isinstance(column.type, Null | Unknown):
        return value.cast(polars_type(kind))
    return convert(value, column.type, kind).value.alias(column.name)


# Who sees only some of the stream's records must not have those of the others come behind them.
COMPONENT = Transform(SPEC, rule, prepare, order="in-order", inputs="many")
