"""How JSON values become values of a column's type, and which do not fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import polars as pl

from flowctl.expressions.polars_types import polars_type
from flowctl.files.nonfinite import NONFINITE
from flowctl.files.texttypes import Conversion, conversion
from flowctl.records import (
    Boolean,
    Column,
    DataType,
    Date,
    Datetime,
    Float,
    Integer,
    List,
    Null,
    String,
    Struct,
    Time,
    Unknown,
)

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsType


def json_conversions(columns: Mapping[str, Column]) -> dict[str, Conversion]:
    """A conversion for each column: what Polars' parser reads, and what is then made of it."""
    return {name: _conversion(column) for name, column in columns.items()}


def _conversion(column: Column) -> Conversion:
    kind = column.type
    if isinstance(kind, Integer) and kind.bits < 64:
        return _narrowed(column, pl.Int64())
    if isinstance(kind, Float) and kind.bits < 64:
        return _narrowed(column, pl.Float64())
    if isinstance(kind, Boolean | Integer | Float | List | Struct):
        return Conversion(column, polars_type(kind))
    if isinstance(kind, String | Null | Unknown):
        return conversion(column)
    made = conversion(column)
    if made.convert is not None:
        return made
    value = pl.col(column.name).cast(polars_type(kind), strict=False)
    return Conversion(column, pl.String(), value)


def _narrowed(column: Column, parsed: PolarsType) -> Conversion:
    value = pl.col(column.name).cast(polars_type(column.type), strict=False)
    return Conversion(column, parsed, value)


def misfit_of(value: object, column: Column) -> DataType | None:
    """The innermost type that a column's value breaks; `"NaN"` and infinities fit a float."""
    if isinstance(column.type, Float) and isinstance(value, str) and value in NONFINITE:
        return None
    return misfit(value, column.type)


def with_nonfinite(
    values: pl.DataFrame, texts: pl.DataFrame, columns: Iterable[Column]
) -> pl.DataFrame:
    """The table with the numbers that stand in it as texts, such as `"NaN"`."""
    floats = [column.name for column in columns if isinstance(column.type, Float)]
    return values.with_columns(
        pl.coalesce(
            values[name],
            texts[name].replace_strict(NONFINITE, default=None, return_dtype=values[name].dtype),
        ).alias(name)
        for name in floats
    )


def misfit(value: object, kind: DataType) -> DataType | None:
    """The innermost type that a JSON value breaks; None where it fits.

    Whether a text is a date is not looked at here. Any value is text too, as JSON.

    >>> str(misfit([1, "x"], List(Integer(64))))
    'int64'
    """
    if value is None:
        return None
    match kind:
        case Boolean():
            return None if isinstance(value, bool) else kind
        case Integer(bits, signed):
            fits = isinstance(value, int) and not isinstance(value, bool)
            return None if fits and _within(value, bits, signed) else kind
        case Float():
            fits = isinstance(value, int | float) and not isinstance(value, bool)
            return None if fits else kind
        case List(item):
            if not isinstance(value, list):
                return kind
            return next((found for inner in value if (found := misfit(inner, item))), None)
        case Struct(fields):
            if not isinstance(value, dict):
                return kind
            inner = (misfit(value.get(field.name), field.type) for field in fields)
            return next((found for found in inner if found), None)
        case Date() | Datetime() | Time():
            return None if isinstance(value, str) else kind
    return None


def _within(value: object, bits: int, signed: bool) -> bool:
    limit = 1 << (bits - 1 if signed else bits)
    return isinstance(value, int) and (-limit if signed else 0) <= value < limit
