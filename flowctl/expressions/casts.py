"""Casts: the value as another type, and where DuckDB has none.

Polars is asked first; where it finds nothing, the text is read again by DuckDB's own rules.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal as Number
from typing import Any, Final

from flowctl.expressions import moments, numbers, reading
from flowctl.expressions.elementwise import elementwise, patched
from flowctl.expressions.functions.signature import Problem, Result
from flowctl.expressions.lazily import pl
from flowctl.expressions.polars_types import polars_type
from flowctl.expressions.tree import Literal, Months, Scalar, Tree
from flowctl.expressions.types import integer_range
from flowctl.records import (
    Binary,
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
_LARGEST_FLOAT32: Final = 3.4028235677973366e38


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
        return _zoned(pl.lit(value, dtype=pl.Datetime("us", "UTC")), kind.zone)
    return pl.lit(value, dtype=polars_type(kind))


def _zoned(value: pl.Expr, zone: str) -> pl.Expr:
    return value if zone == "UTC" else value.dt.convert_time_zone(zone)


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
            return Result(_to_text(value, given))
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
    shown = _to_text(value, given) if not isinstance(given, List | Struct) else pl.lit("a value")
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
    fault = value.is_finite() & (value.abs() >= _LARGEST_FLOAT32)
    return Result(target, (Problem(fault, _refusal(value, given, Float(32))),))


def _rounded(value: pl.Expr, given: DataType, wanted: Integer) -> Result:
    whole = value.cast(pl.Float64).round(0, mode="half_to_even")
    low, high = integer_range(wanted)
    fault = ~((whole >= float(low)) & (whole < float(high + 1)) & whole.is_not_nan())
    target = whole.cast(polars_type(wanted), strict=False)
    return Result(target, (Problem(fault, _refusal(value, given, wanted)),))


def _float_to_decimal(value: pl.Expr, given: DataType, wanted: Decimal) -> Result:
    """DuckDB nudges the product away from zero before it rounds."""
    scaled = value.cast(pl.Float64) * float(10**wanted.scale)
    nudged = scaled + scaled.sign() * 1e-9
    limit = float(10**wanted.precision)
    fault = ~((nudged > -limit) & (nudged < limit) & nudged.is_finite())
    whole = nudged.round(0, mode="half_to_even").cast(pl.Int128, strict=False)
    target = numbers.as_decimal(pl.when(fault).then(None).otherwise(whole), wanted)
    return Result(target, (Problem(fault, _refusal(value, given, wanted)),))


def _rescale(whole: pl.Expr, scale: int, wanted: int) -> pl.Expr:
    if wanted >= scale:
        return whole * numbers.constant(10 ** (wanted - scale))
    return numbers.halfway_division(whole, 10 ** (scale - wanted))


def _scaled(whole: pl.Expr, scale: int, wanted: Decimal, value: pl.Expr, given: DataType) -> Result:
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


def _to_text(value: pl.Expr, given: DataType) -> pl.Expr:
    match given:
        case Float(bits):
            text = value.cast(pl.String) if bits == 64 else _short_text(value)
            text = text.str.replace(r"e([+-])(\d)$", "e${1}0${2}")
            return pl.when(value.is_nan()).then(pl.lit("nan")).otherwise(text)
        case Date():
            return _day_text(value, moments.within(value, given).cast(pl.String))
        case Datetime(zone):
            near = moments.within(value, given)
            clock = _trimmed(near.dt.strftime("%H:%M:%S%.6f"))
            shown = _day_text(near.dt.date(), near.dt.strftime("%Y-%m-%d")) + " " + clock
            shown = shown.str.replace(r"^(\S+)( \(BC\))( .*)$", "${1}${3}${2}")
            return shown + _offset(near) if zone else shown
        case Time():
            return _trimmed(value.dt.strftime("%H:%M:%S%.6f"))
        case Duration():
            return elementwise(_show_duration, (value.dt.total_microseconds(),), String())
        case Binary():
            return elementwise(_show_blob, (value,), String())
        case _:
            return value.cast(pl.String)


def _short_text(value: pl.Expr) -> pl.Expr:
    """A 32-bit float in its own digits, without an exponent up to 1e16."""
    text = value.cast(pl.String)
    plain = text.cast(pl.Float64, strict=False).cast(pl.String)
    return pl.when(text.str.contains("e+", literal=True)).then(plain).otherwise(text)


def _day_text(day: pl.Expr, fast: pl.Expr) -> pl.Expr:
    """A date; years before 1 and after 9999 as DuckDB writes them."""
    odd = ~day.to_physical().is_between(-719_162, 2_932_896)
    return patched(day.to_physical(), fast, odd, _show_far_day, String())


def _show_far_day(days: int) -> str:
    year, month, day = reading.civil_from_days(days)
    shown = f"{year if year > 0 else 1 - year:04}-{month:02}-{day:02}"
    return shown if year > 0 else f"{shown} (BC)"


def _trimmed(clock: pl.Expr) -> pl.Expr:
    """Without zeros at the end of the fraction."""
    return (
        clock.str.strip_chars_end("0")
        .str.strip_chars_end(".")
        .pipe(
            lambda short: (
                pl.when(clock.str.ends_with(".000000"))
                .then(clock.str.strip_suffix(".000000"))
                .otherwise(short)
            )
        )
    )


def _offset(value: pl.Expr) -> pl.Expr:
    return value.dt.strftime("%:z").str.strip_suffix(":00")


def _show_duration(micros: int) -> str:
    sign, rest = ("-" if micros < 0 else ""), abs(micros)
    days, rest = divmod(rest, 86_400_000_000)
    seconds, fraction = divmod(rest, 1_000_000)
    clock = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if fraction:
        clock += f".{fraction:06}".rstrip("0")
    shown = f"{sign}{days} day{'' if days == 1 else 's'}" if days else ""
    return f"{shown} {clock}".strip() if rest or not days else shown


def _show_blob(value: bytes) -> str:
    return "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in "\\'\"" else f"\\x{byte:02X}"
        for byte in value
    )


def _from_text(value: pl.Expr, wanted: DataType) -> Result:
    found, fast = _read(value, wanted)
    fault = found.is_null() & value.is_not_null()
    suspect = fast.is_null() & value.is_not_null()
    return Result(found, (Problem(fault, _refusal(value, String(), wanted), suspect),))


def _read(value: pl.Expr, wanted: DataType) -> tuple[pl.Expr, pl.Expr]:
    """The values, and what Polars alone makes of the text."""
    match wanted:
        case Integer():
            fast = value.cast(polars_type(wanted), strict=False)
            found = mended(value, fast, lambda text: reading.read_integer(text, wanted), wanted)
            return found, fast
        case Float(bits):
            fast = value.cast(pl.Float64, strict=False)
            whole = mended(value, fast, reading.read_float, Float())
            return (whole, fast) if bits == 64 else (_narrow(whole), _narrow(fast))
        case Decimal():
            digits = elementwise(
                lambda text: reading.read_decimal(text, wanted), (value,), Integer(128)
            )
            return numbers.as_decimal(digits, wanted), digits
        case Boolean():
            fast = pl.when(value == "true").then(True).when(value == "false").then(False)
            return mended(value, fast, reading.read_boolean, wanted), fast
        case Date():
            fast = value.str.to_date("%Y-%m-%d", strict=False).to_physical()
            return mended(value, fast, reading.read_date, Integer(32)).cast(pl.Date), fast
        case Datetime(zone):
            fast = value.str.to_datetime("%Y-%m-%d %H:%M:%S", strict=False, time_unit="us")
            micros = mended(
                value,
                fast.to_physical(),
                lambda text: reading.read_timestamp(text, bool(zone)),
                Integer(64),
            )
            moment = micros.cast(pl.Datetime("us"))
            if zone:
                moment = _zoned(moment.dt.replace_time_zone("UTC"), zone)
            return moment, fast
        case Time():
            fast = value.str.to_time("%H:%M:%S", strict=False).to_physical()
            return mended(value, fast, reading.read_time, Integer(64)).cast(pl.Time), fast
        case Duration():
            micros = elementwise(_read_duration, (value,), Integer(64))
            return micros.cast(pl.Duration("us")), micros
        case _:
            found = elementwise(reading.read_blob, (value,), Binary())
            return found, found


def _narrow(value: pl.Expr) -> pl.Expr:
    too_large = value.is_finite() & (value.abs() >= _LARGEST_FLOAT32)
    return pl.when(too_large).then(None).otherwise(value).cast(pl.Float32)


def _read_duration(text: str) -> int | None:
    from flowctl.expressions.literals import read_interval

    value = read_interval(text)
    return (
        None if not isinstance(value, dt.timedelta) else round(value / dt.timedelta(microseconds=1))
    )


def mended(value: pl.Expr, fast: pl.Expr, read: Callable[[str], Any], kind: DataType) -> pl.Expr:
    """What Polars has read, and where that is null the text read again."""
    dtype = polars_type(kind)

    def mend(series: pl.Series) -> pl.Series:
        text, found = series.struct.unnest().get_columns()
        missing = found.is_null() & text.is_not_null()
        if not missing.any():
            return found
        read_again = {item: read(item) for item in text.filter(missing).unique().to_list()}
        mended = [
            read_again[item] if lost else known
            for item, known, lost in zip(
                text.to_list(), found.to_list(), missing.to_list(), strict=True
            )
        ]
        return pl.Series(text.name, mended, dtype=dtype)

    both = pl.struct(value.alias("text"), fast.cast(dtype).alias("found"))
    return both.map_batches(mend, return_dtype=dtype, is_elementwise=True)
