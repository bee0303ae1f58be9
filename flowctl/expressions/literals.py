"""Quoted literals that stand for a date, a time, a number: read when the workflow is compiled."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal as Number
from decimal import InvalidOperation
from typing import Final

from flowctl.expressions.reading import read_decimal
from flowctl.expressions.tree import Months, Scalar
from flowctl.expressions.types import FLOAT64, MAX_DIGITS, integer_range, is_number
from flowctl.records import (
    Boolean,
    DataType,
    Date,
    Datetime,
    Decimal,
    Duration,
    Float,
    Integer,
    String,
    Time,
)

_DATE: Final = re.compile(r"\s*(\d{1,4})([-/])(\d{1,2})\2(\d{1,2})")
_TIME: Final = re.compile(r"(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?")
_ZONE: Final = re.compile(r"\s*(?:(Z|UTC)|([+-])(\d{1,2})(?::?(\d{2}))?)", re.IGNORECASE)
_INTERVAL: Final = re.compile(
    r"([+-]?\d+(?:\.\d+)?)\s*([A-Za-z]+)|([+-]?)(\d+):(\d\d)(?::(\d\d(?:\.\d+)?))?"
)
_MONTHS: Final = {"month": 1, "mon": 1, "quarter": 3, "year": 12, "yr": 12, "y": 12,
                  "decade": 120, "century": 1200, "centurie": 1200, "millennium": 12000,
                  "millennia": 12000}  # fmt: skip
_MICROS: Final = {"microsecond": 1, "us": 1, "millisecond": 1000, "ms": 1000,
                  "second": 10**6, "sec": 10**6, "s": 10**6,
                  "minute": 60 * 10**6, "min": 60 * 10**6, "m": 60 * 10**6,
                  "hour": 3600 * 10**6, "hr": 3600 * 10**6, "h": 3600 * 10**6,
                  "day": 86400 * 10**6, "d": 86400 * 10**6,
                  "week": 604800 * 10**6, "w": 604800 * 10**6}  # fmt: skip


def read_literal(text: str, kind: DataType) -> Scalar:
    """The value of that type which the text stands for; raises ValueError where there is none.

    >>> read_literal("2013-01-31", Date())
    datetime.date(2013, 1, 31)
    """
    if isinstance(kind, String):
        return text
    if isinstance(kind, Date):
        return _read_date(text)
    if isinstance(kind, Datetime):
        return _read_datetime(text, kind)
    if isinstance(kind, Time):
        return _read_time(text)
    if isinstance(kind, Duration):
        return _read_duration(text)
    if isinstance(kind, Boolean):
        return _read_boolean(text)
    if is_number(kind):
        return _read_number(text, kind)
    raise ValueError(f"a text does not stand for a {kind}")


def _read_date(text: str) -> dt.date:
    found = _DATE.match(text)
    if found is None or text[found.end() :].strip():
        raise ValueError("a date is written `2013-01-31`")
    return dt.date(int(found[1]), int(found[3]), int(found[4]))


def _read_datetime(text: str, kind: Datetime) -> dt.datetime:
    found = _DATE.match(text)
    if found is None:
        raise ValueError("a timestamp is written `2013-01-31 12:30:00`")
    day = dt.date(int(found[1]), int(found[3]), int(found[4]))
    rest = text[found.end() :].strip()
    rest = rest[1:].strip() if rest[:1] in ("T", "t") else rest
    moment = dt.datetime.combine(day, dt.time())
    if rest:
        clock = _TIME.match(rest)
        if clock is None:
            raise ValueError("a timestamp is written `2013-01-31 12:30:00`")
        moment = dt.datetime.combine(day, _clock(clock))
        offset = _offset(rest[clock.end() :])
        # DuckDB reads an offset and drops it where the type has no zone.
        moment -= offset if kind.zone else dt.timedelta()
    return moment.replace(tzinfo=dt.UTC) if kind.zone else moment


def _offset(text: str) -> dt.timedelta:
    if not text.strip():
        return dt.timedelta()
    found = _ZONE.fullmatch(text.rstrip())
    if found is None:
        raise ValueError("behind the time only an offset may stand, such as `+01:00` or `Z`")
    if found[1]:
        return dt.timedelta()
    span = dt.timedelta(hours=int(found[3]), minutes=int(found[4] or 0))
    return -span if found[2] == "-" else span


def _read_time(text: str) -> dt.time:
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise ValueError("a time is written `12:30:00`")
    return _clock(found)


def _clock(found: re.Match[str]) -> dt.time:
    micros = int(((found[4] or "") + "000000")[:6])
    return dt.time(int(found[1]), int(found[2]), int(found[3] or 0), micros)


def _read_duration(text: str) -> dt.timedelta | Months:
    value = read_interval(text)
    if value is None:
        raise ValueError("an interval is written `2 days 3 hours`")
    return value


def _read_boolean(text: str) -> bool:
    word = text.strip().lower()
    if word in ("true", "t", "1", "yes", "y"):
        return True
    if word in ("false", "f", "0", "no", "n"):
        return False
    raise ValueError("a boolean is written `true` or `false`")


def _read_number(text: str, kind: DataType) -> Scalar:
    try:
        number = Number(text.strip())
    except InvalidOperation:
        raise ValueError("a number is written `12` or `12.5`") from None
    if isinstance(kind, Float):
        return float(number)
    if not number.is_finite():
        raise ValueError(f"it is no {kind}")
    if isinstance(kind, Integer):
        whole = int(number.to_integral_value("ROUND_HALF_UP"))
        low, high = integer_range(kind)
        if not low <= whole <= high:
            raise ValueError(f"{kind} goes from {low} to {high}")
        return whole
    assert isinstance(kind, Decimal)
    digits = read_decimal(text, kind)
    if digits is None:
        raise ValueError(f"it has more digits than {kind}")
    return Number(digits).scaleb(-kind.scale)


def decimal_type(text: str) -> DataType:
    """The type of a number that is written with a point: as many digits as stand there.

    >>> str(decimal_type("01.50"))
    'decimal(4,2)'
    """
    whole, _, rest = text.partition(".")
    digits = len(whole) + len(rest)
    return Decimal(digits, len(rest)) if digits <= MAX_DIGITS else FLOAT64


def write_decimal(number: Number, kind: Decimal) -> str:
    """The digits that `decimal_type` reads as this type again."""
    sign = "-" if number.is_signed() else ""
    digits = str(abs(int(number.scaleb(kind.scale)))).rjust(kind.precision, "0")
    cut = len(digits) - kind.scale
    return f"{sign}{digits[:cut]}.{digits[cut:]}"


def read_interval(text: str) -> dt.timedelta | Months | None:
    """The span that the text stands for; with months where their length depends on the calendar.

    >>> read_interval("1 month 2 days")
    Months(months=1, rest=datetime.timedelta(days=2))
    """
    months, micros, position = 0, 0, 0
    text = text.strip()
    for found in _INTERVAL.finditer(text):
        if text[position : found.start()].strip():
            return None
        position = found.end()
        if found[1] is None:
            sign = -1 if found[3] == "-" else 1
            seconds = int(found[4]) * 3600 + int(found[5]) * 60
            micros += sign * (seconds * 10**6 + int(Number(found[6] or 0) * 10**6))
            continue
        unit = found[2].lower()
        unit = unit[:-1] if unit.endswith("s") and unit not in ("s", "us", "ms") else unit
        amount = Number(found[1])
        if unit in _MONTHS:
            whole = amount * _MONTHS[unit]
            if whole != int(whole):
                return None
            months += int(whole)
        elif unit in _MICROS:
            micros += int(amount * _MICROS[unit])
        else:
            return None
    if position == 0 or text[position:].strip():
        return None
    try:
        rest = dt.timedelta(microseconds=micros)
    except OverflowError:
        return None
    return Months(months, rest) if months else rest
