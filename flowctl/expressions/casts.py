"""Casts: the value as another type, and where DuckDB has none.

Polars is asked first; where it finds nothing, the text is read again by DuckDB's own rules.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal as Number
from typing import Final

from flowctl.expressions import moments, numbers
from flowctl.expressions.fromtext import read_text
from flowctl.expressions.functions.signature import Problem, Result
from flowctl.expressions.lazily import pl
from flowctl.expressions.polars_types import polars_type
from flowctl.expressions.tree import Literal, Months, Scalar, Tree
from flowctl.expressions.types import as_decimal, integer_range
from flowctl.expressions.writing import to_text
from flowctl.records import (
    Boolean,
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
    String,
    Struct,
    Time,
)

_EXACT: Final = {32: 2**24, 64: 2**53}


def literal(value: Scalar, kind: DataType) -> pl.Expr:
    """A constant of this type."""
    if isinstance(value, Months):
        return pl.struct(
            pl.lit(value.months, dtype=pl.Int64).alias("months"),
            pl.lit(value.rest, dtype=pl.Duration("us")).alias("rest"),
        )
    if isinstance(kind, Decimal) and isinstance(value, Number | int):
        digits = int(Number(value).scaleb(kind.scale))
        return numbers.as_decimal(numbers.constant(digits), kind)
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        value = value.astimezone(dt.UTC).replace(tzinfo=None)
        assert isinstance(kind, Datetime) and kind.zone is not None
        return moments.shown_in(pl.lit(value, dtype=pl.Datetime("us", "UTC")), kind.zone)
    return pl.lit(value, dtype=polars_type(kind))


def cast(value: pl.Expr, operand: Tree, wanted: DataType) -> Result:
    """The value as another type; `operand` is the tree that it comes from."""
    folded = _folded(operand, wanted)
    if folded is not None:
        return Result(folded)
    return convert(value, operand.type, wanted)


def _folded(operand: Tree, wanted: DataType) -> pl.Expr | None:
    """A literal number as another number at once."""
    if not isinstance(operand, Literal) or isinstance(operand.value, bool | str):
        return None
    value = operand.value
    if isinstance(wanted, Float) and wanted.bits == 64 and isinstance(value, int | float | Number):
        return pl.lit(float(value), dtype=pl.Float64)
    if isinstance(wanted, Integer) and isinstance(value, int):
        low, high = integer_range(wanted)
        return pl.lit(value, dtype=polars_type(wanted)) if low <= value <= high else None
    if isinstance(wanted, Decimal) and isinstance(value, int):
        fits = abs(value) < 10 ** (wanted.precision - wanted.scale)
        return literal(value, wanted) if fits else None
    return None


def convert(value: pl.Expr, given: DataType, wanted: DataType) -> Result:
    """The value as another type, whichever both are."""
    if given == wanted:
        return Result(value)
    if isinstance(given, Null):
        return Result(pl.lit(None, dtype=polars_type(wanted)))
    match given, wanted:
        case String(), _:
            return _from_text(value, wanted)
        case _, String():
            return Result(to_text(value, given))
        case _, Boolean():
            return Result(_truth(value, given))
        case Integer() | Boolean(), Integer():
            return _integer(value, given, wanted)
        case Integer() | Boolean() | Float(), Float(bits):
            return _float(value, given, bits)
        case Float(), Integer():
            return _rounded(value, given, wanted)
        case Float(), Decimal():
            return _float_to_decimal(value, given, wanted)
        case Integer() | Boolean(), Decimal():
            scaled = value.cast(pl.Int128)
            return _scaled(scaled, 0, wanted, value, given)
        case Decimal(_, scale), Decimal():
            return _scaled(numbers.unscaled(value), scale, wanted, value, given)
        case Decimal(_, scale), Integer():
            whole = _rescale(numbers.unscaled(value), scale, 0)
            return _in_range(whole, value, given, wanted)
        case Decimal(_, scale), Float(bits):
            return Result(_decimal_to_float(numbers.unscaled(value), scale, bits))
        case Duration(), Interval():
            months = pl.when(value.is_not_null()).then(pl.lit(0, dtype=pl.Int64))
            return Result(pl.struct(months.alias("months"), value.alias("rest")))
        case List(item), List(other):
            return _list(value, item, other)
        case Struct(), Struct():
            return _struct(value, given, wanted)
        case _:
            return Result(_moment(value, given, wanted))


def _refusal(value: pl.Expr, given: DataType, wanted: DataType) -> pl.Expr:
    shown = to_text(value, given) if not isinstance(given, List | Struct) else pl.lit("a value")
    if isinstance(given, String):
        return pl.format("cannot read '{}' as {}", shown, pl.lit(str(wanted)))
    return pl.format("{} is out of range for {}", shown, pl.lit(str(wanted)))


def _integer(value: pl.Expr, given: DataType, wanted: Integer) -> Result:
    target = value.cast(polars_type(wanted), strict=False)
    if not isinstance(given, Integer):
        return Result(target)
    low, high = integer_range(wanted)
    least, greatest = integer_range(given)
    if low <= least and greatest <= high:
        return Result(target)
    fault = numbers.outside(value, max(low, least), min(high, greatest))
    return Result(target, (Problem(fault, _refusal(value, given, wanted)),))


def _in_range(whole: pl.Expr, value: pl.Expr, given: DataType, wanted: Integer) -> Result:
    fault = numbers.outside(whole, *integer_range(wanted))
    target = whole.cast(polars_type(wanted), strict=False)
    return Result(target, (Problem(fault, _refusal(value, given, wanted)),))


def _float(value: pl.Expr, given: DataType, bits: int) -> Result:
    if bits == 64:
        return Result(value.cast(pl.Float64))
    target = value.cast(pl.Float32)
    if not isinstance(given, Float):
        return Result(target)
    fault = value.is_finite() & (value.abs() >= numbers.LARGEST_FLOAT32)
    return Result(target, (Problem(fault, _refusal(value, given, Float(32))),))


def _rounded(value: pl.Expr, given: DataType, wanted: Integer) -> Result:
    whole = value.cast(pl.Float64).round(0, mode="half_to_even")
    low, high = integer_range(wanted)
    fault = ~((whole >= float(low)) & (whole < float(high + 1)) & whole.is_not_nan())
    target = whole.cast(polars_type(wanted), strict=False)
    return Result(target, (Problem(fault, _refusal(value, given, wanted)),))


def _float_to_decimal(value: pl.Expr, given: DataType, wanted: Decimal) -> Result:
    scaled = (value.cast(pl.Float64) * float(10**wanted.scale)).round(0, "half_away_from_zero")
    limit = float(10**wanted.precision)
    fault = ~((scaled > -limit) & (scaled < limit) & scaled.is_finite())
    whole = pl.when(fault).then(None).otherwise(scaled).cast(pl.Int128, strict=False)
    target = numbers.as_decimal(whole, wanted)
    return Result(target, (Problem(fault, _refusal(value, given, wanted)),))


def _rescale(whole: pl.Expr, scale: int, wanted: int) -> pl.Expr:
    if wanted >= scale:
        return whole * numbers.constant(10 ** (wanted - scale))
    return numbers.halfway_division(whole, 10 ** (scale - wanted))


def _scaled(whole: pl.Expr, scale: int, wanted: Decimal, value: pl.Expr, given: DataType) -> Result:
    if isinstance(given, Integer) and _holds(as_decimal(given), wanted):
        return Result(numbers.as_decimal(_rescale(whole, scale, wanted.scale), wanted))
    limit = 10**wanted.precision - 1
    room = limit // 10 ** (wanted.scale - scale) if wanted.scale >= scale else None
    if room is not None:
        fault = numbers.outside(whole, -room, room)
        whole = pl.when(fault).then(None).otherwise(whole)
    target = _rescale(whole, scale, wanted.scale)
    if room is None:
        fault = numbers.outside(target, -limit, limit)
        target = pl.when(fault).then(None).otherwise(target)
    target = numbers.as_decimal(target, wanted)
    if isinstance(given, Decimal) and _holds(given, wanted):
        return Result(target)
    return Result(target, (Problem(fault, _refusal(value, given, wanted)),))


def _holds(given: Decimal, wanted: Decimal) -> bool:
    room = wanted.precision - wanted.scale >= given.precision - given.scale
    return wanted.scale >= given.scale and room


def _decimal_to_float(whole: pl.Expr, scale: int, bits: int) -> pl.Expr:
    """Divides as DuckDB does: at once where the digits fit, else whole and fraction apart."""
    dtype = polars_type(Float(64 if bits == 64 else 32))
    power = float(10**scale)
    divisor = pl.lit(power, dtype=dtype)
    at_once = numbers.quotient(whole.cast(dtype), divisor, power)
    if scale == 0:
        return at_once
    quotient = whole.truncdiv(numbers.constant(10**scale))
    rest = whole - quotient * numbers.constant(10**scale)
    apart = quotient.cast(dtype) + numbers.quotient(rest.cast(dtype), divisor, power)
    exact = whole.is_between(-_EXACT[bits], _EXACT[bits])
    return pl.when(exact).then(at_once).otherwise(apart)


def _truth(value: pl.Expr, given: DataType) -> pl.Expr:
    return numbers.unscaled(value) != 0 if isinstance(given, Decimal) else value != 0


def _list(value: pl.Expr, given: DataType, wanted: DataType) -> Result:
    item = convert(pl.element(), given, wanted)
    problems = tuple(
        Problem(
            value.list.eval(problem.when.fill_null(False)).list.any(),
            f"an item of the list is no {wanted}",
        )
        for problem in item.problems
    )
    return Result(value.list.eval(item.value), problems)


def _struct(value: pl.Expr, given: Struct, wanted: Struct) -> Result:
    problems: list[Problem] = []
    fields: list[pl.Expr] = []
    for mine, theirs in zip(given.fields, wanted.fields, strict=True):
        part = convert(value.struct.field(mine.name), mine.type, theirs.type)
        problems += part.problems
        fields.append(part.value.alias(theirs.name))
    return Result(pl.when(value.is_not_null()).then(pl.struct(*fields)), tuple(problems))


def _moment(value: pl.Expr, given: DataType, wanted: DataType) -> pl.Expr:
    match given, wanted:
        case Datetime(zone), Datetime(other) if zone and other:
            return value.dt.convert_time_zone(other)
        case Datetime(zone), Datetime(None) if zone:
            return value.dt.replace_time_zone(None)
        case Date() | Datetime(None), Datetime("UTC"):
            return value.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        case Date() | Datetime(None), Datetime(zone) if zone:
            naive = value.cast(pl.Datetime("us"))
            return naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        case Datetime(), Date():
            return value.dt.date()
        case Datetime(), Time():
            return value.dt.time()
        case _:
            return value.cast(polars_type(wanted), strict=False)


def _from_text(value: pl.Expr, wanted: DataType) -> Result:
    found, fast = read_text(value, wanted)
    fault = found.is_null() & value.is_not_null()
    suspect = fast.is_null() & value.is_not_null()
    return Result(found, (Problem(fault, _refusal(value, String(), wanted), suspect),))
