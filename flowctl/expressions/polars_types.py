"""The types of columns as Polars knows them, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowctl.expressions.lazily import pl
from flowctl.records import (
    Binary,
    Boolean,
    Column,
    DataType,
    Date,
    Datetime,
    Decimal,
    Duration,
    Float,
    Integer,
    Interval,
    List,
    Null,
    Schema,
    String,
    Struct,
    Time,
)

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsType
    from polars.datatypes import DataTypeClass


def polars_type(kind: DataType) -> PolarsType:
    """The type of Polars that holds the values of a column; raises TypeError on `unknown`."""
    match kind:
        case Integer(bits, signed):
            return getattr(pl, f"{'' if signed else 'U'}Int{bits}")()  # type: ignore[no-any-return]
        case Float(bits):
            return pl.Float64() if bits == 64 else pl.Float32()
        case Decimal(precision, scale):
            return pl.Decimal(precision, scale)
        case Datetime(zone):
            return pl.Datetime("us", zone)
        case Duration():
            return pl.Duration("us")
        case Interval():
            return pl.Struct({"months": pl.Int64(), "rest": pl.Duration("us")})
        case List(item):
            return pl.List(polars_type(item))
        case Struct(fields):
            return pl.Struct({field.name: polars_type(field.type) for field in fields})
        case Boolean():
            return pl.Boolean()
        case String():
            return pl.String()
        case Binary():
            return pl.Binary()
        case Date():
            return pl.Date()
        case Time():
            return pl.Time()
        case Null():
            return pl.Null()
    raise TypeError(f"no column holds values of type {kind}")


def from_polars(dtype: PolarsType | DataTypeClass) -> DataType:
    """The type of a column that Polars has read; raises TypeError on what has no counterpart.

    Categories and enums are read as text, times and timestamps as microseconds.
    """
    kind = dtype() if isinstance(dtype, type) else dtype
    if isinstance(kind, pl.Decimal):
        return Decimal(kind.precision or 38, kind.scale)
    if isinstance(kind, pl.Datetime):
        return Datetime(kind.time_zone)
    if isinstance(kind, pl.List | pl.Array):
        return List(from_polars(kind.inner))
    if isinstance(kind, pl.Struct):
        return Struct(tuple(Column(f.name, from_polars(f.dtype)) for f in kind.fields))
    if kind.is_integer():
        name = str(kind)
        return Integer(int(name.lstrip("UInt")), signed=not name.startswith("U"))  # type: ignore[arg-type]
    if isinstance(kind, pl.Float32 | pl.Float64):
        return Float(64 if isinstance(kind, pl.Float64) else 32)
    if isinstance(kind, pl.String | pl.Categorical | pl.Enum):
        return String()
    simple: dict[type, DataType] = {
        pl.Boolean: Boolean(),
        pl.Binary: Binary(),
        pl.Date: Date(),
        pl.Time: Time(),
        pl.Duration: Duration(),
        pl.Null: Null(),
    }
    if type(kind) in simple:
        return simple[type(kind)]
    raise TypeError(f"a column of type {kind} has no counterpart in flowctl")


def schema_of(frame: pl.DataFrame | pl.LazyFrame) -> Schema:
    """The columns of a frame."""
    found = frame.collect_schema()
    return Schema(tuple(Column(name, from_polars(kind)) for name, kind in found.items()))
