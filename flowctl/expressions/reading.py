"""How DuckDB reads values out of text: the exact rules, in Python, for what Polars cannot read.

Each function gives None where the text stands for no value.
"""

from __future__ import annotations

import re
from decimal import Decimal as Number
from typing import Final

from flowctl.expressions.types import integer_range
from flowctl.records import Decimal, Integer

_NUMBER: Final = re.compile(
    r"([+-]?)(?:(\d+(?:_\d+)*)(?:\.(\d+(?:_\d+)*)?)?|\.(\d+(?:_\d+)*))(?:[eE]([+-]?\d{1,6}))?"
)
_BASED: Final = re.compile(r"0([xX][0-9a-fA-F]+|[bB][01]+)")
_DATE: Final = re.compile(r"(-?\d{1,7})([-/\\ ])(\d{1,2})\2(\d{1,2})(?!\d)( \(BC\))?")
_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d*))?)?")
_ZONE: Final = re.compile(
    r"\s*(?:Z|UTC|[A-Za-z_]+/[A-Za-z_/]+|([+-])(\d{1,2})(?::?(\d{2})(?::?(\d{2}))?)?)",
    re.IGNORECASE,
)
_SPACE: Final = " \t\n\v\f\r"
_DAY: Final = 86_400_000_000
FIRST_DAY: Final = -96_465_292
LAST_DAY: Final = 95_026_236
"""From the year -262143 to 262142: what Polars can take apart."""
_MONTH_DAYS: Final = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)

TRUE: Final = frozenset(("true", "t", "yes", "y", "1"))
FALSE: Final = frozenset(("false", "f", "no", "n", "0"))


def read_integer(text: str, kind: Integer) -> int | None:
    """A whole number; a fraction is rounded half away from zero.

    >>> read_integer(" 25e-1 ", Integer(32)), read_integer("abc", Integer(32))
    (3, None)
    """
    text = text.strip(_SPACE)
    based = _BASED.fullmatch(text)
    if based is not None:
        digits = based[1]
        value = int(digits[1:], 16 if digits[0] in "xX" else 2)
    else:
        number = _read_number(text)
        if number is None or number.adjusted() > 60:
            return None
        value = int(number.to_integral_value("ROUND_HALF_UP"))
    low, high = integer_range(kind)
    return value if low <= value <= high else None


def read_decimal(text: str, kind: Decimal) -> int | None:
    """The digits of a decimal as a whole number, rounded half away from zero."""
    number = _read_number(text.strip(_SPACE))
    if number is None or number.adjusted() > 60:
        return None
    if number.adjusted() < -kind.scale - 2:
        return 0
    value = int(number.scaleb(kind.scale).to_integral_value("ROUND_HALF_UP"))
    return value if abs(value) < 10**kind.precision else None


def read_float(text: str) -> float | None:
    """A floating-point number, infinity or NaN."""
    text = text.strip(_SPACE)
    bare = text.lstrip("+-").lower() if text[:2] not in ("+-", "-+", "++", "--") else ""
    if bare in ("inf", "infinity", "nan"):
        return float(text)
    return float(text.replace("_", "")) if _NUMBER.fullmatch(text) else None


def read_boolean(text: str) -> bool | None:
    word = text.lower()
    return True if word in TRUE else False if word in FALSE else None


def read_date(text: str) -> int | None:
    """Days since 1970-01-01; a time behind the date is dropped.

    >>> read_date("1970-1-2"), read_date("2013-02-30")
    (1, None)
    """
    text = text.strip(_SPACE)
    if text.lower() == "epoch":
        return 0
    found = _DATE.match(text)
    if found is None:
        return None
    rest = text[found.end() :]
    if rest and _read_clock_and_zone(rest) is None:
        return None
    return _days(found)


def read_timestamp(text: str, zoned: bool) -> int | None:
    """Microseconds since 1970; where the type has no zone, an offset is read and dropped."""
    text = text.strip(_SPACE)
    if text.lower() == "epoch":
        return 0
    found = _DATE.match(text)
    if found is None:
        return None
    days = _days(found)
    if days is None:
        return None
    rest = text[found.end() :]
    if not rest:
        return days * _DAY
    clock = _read_clock_and_zone(rest)
    if clock is None:
        return None
    micros, offset = clock
    value = days * _DAY + micros - (offset if zoned else 0)
    return value if FIRST_DAY <= value // _DAY <= LAST_DAY else None


def read_time(text: str) -> int | None:
    """Nanoseconds since midnight, to the microsecond."""
    text = text.strip(_SPACE)
    day = _DATE.match(text)
    if day is not None:
        moment = read_timestamp(text, zoned=False)
        return moment % _DAY * 1000 if moment is not None else None
    found = _CLOCK.fullmatch(text)
    if found is None:
        return None
    micros = _micros(found)
    return micros * 1000 if micros is not None and micros < _DAY else None


def read_blob(text: str) -> bytes | None:
    r"""The bytes of the text, in which `\x41` stands for one byte; other text must be ASCII."""
    if not text.isascii() or re.search(r"\\(?!x[0-9a-fA-F]{2})", text):
        return None
    return re.sub(rb"\\x([0-9a-fA-F]{2})", lambda m: bytes([int(m[1], 16)]), text.encode())


def days_from_civil(year: int, month: int, day: int) -> int | None:
    """Days since 1970-01-01 in the proleptic Gregorian calendar; None where there is no such day.

    >>> days_from_civil(1970, 1, 1), days_from_civil(2013, 2, 29)
    (0, None)
    """
    if not 1 <= month <= 12 or not 1 <= day <= _month_length(year, month):
        return None
    shifted = year - (month <= 2)
    era = shifted // 400
    of_era = shifted - era * 400
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    days = of_era * 365 + of_era // 4 - of_era // 100 + of_year
    return era * 146097 + days - 719468


def civil_from_days(days: int) -> tuple[int, int, int]:
    """Year, month and day of so many days since 1970-01-01.

    >>> civil_from_days(0), civil_from_days(-719_529)
    ((1970, 1, 1), (-1, 12, 31))
    """
    shifted = days + 719_468
    era = shifted // 146_097
    of_era = shifted - era * 146_097
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month += 3 if month < 10 else -9
    return year + era * 400 + (month <= 2), month, day


def _month_length(year: int, month: int) -> int:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return 29 if month == 2 and leap else _MONTH_DAYS[month - 1]


def _days(found: re.Match[str]) -> int | None:
    year = int(found[1])
    if found[5]:
        year = 1 - year
    days = days_from_civil(year, int(found[3]), int(found[4]))
    return days if days is not None and FIRST_DAY <= days <= LAST_DAY else None


def _read_clock_and_zone(text: str) -> tuple[int, int] | None:
    """Microseconds of the clock and of the offset, behind a date."""
    rest = text[1:].lstrip(_SPACE) if text[0] in "Tt " else None
    if rest is None:
        return None
    found = _CLOCK.match(rest)
    if found is None:
        return None
    micros = _micros(found)
    zone = rest[found.end() :].rstrip(_SPACE)
    if micros is None:
        return None
    if not zone:
        return micros, 0
    offset = _ZONE.fullmatch(zone)
    if offset is None:
        return None
    seconds = int(offset[2] or 0) * 3600 + int(offset[3] or 0) * 60 + int(offset[4] or 0)
    return micros, seconds * 1_000_000 * (-1 if offset[1] == "-" else 1)


def _micros(found: re.Match[str]) -> int | None:
    hour, minute, second = int(found[1]), int(found[2]), int(found[3] or 0)
    fraction = int(((found[4] or "") + "000000")[:6])
    if minute > 59 or second > 59 or hour > 24 or (hour == 24 and minute + second + fraction):
        return None
    return ((hour * 60 + minute) * 60 + second) * 1_000_000 + fraction


def _read_number(text: str) -> Number | None:
    found = _NUMBER.fullmatch(text)
    return Number(text.replace("_", "")) if found else None
