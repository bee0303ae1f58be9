"""Values as text, letter for letter as DuckDB writes them."""

from __future__ import annotations

from flowctl.expressions import moments, reading
from flowctl.expressions.elementwise import elementwise, patched
from flowctl.expressions.lazily import pl
from flowctl.records import Binary, DataType, Date, Datetime, Duration, Float, String, Time


def to_text(value: pl.Expr, given: DataType) -> pl.Expr:
    """A value of a plain type as text; null of null."""
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
