"""Points in time as numbers: days and microseconds since 1970, the calendar, and its limits.

Polars takes dates apart from the year -262143 to 262142; DuckDB goes further, here that is a fault.
"""

from __future__ import annotations

from typing import Final

from flowctl.expressions.functions.signature import Problem, Result
from flowctl.expressions.lazily import pl
from flowctl.expressions.reading import FIRST_DAY, LAST_DAY
from flowctl.records import DataType, Date, Datetime, Interval

DAY: Final = 86_400_000_000
FIRST_MICRO: Final = FIRST_DAY * DAY
LAST_MICRO: Final = LAST_DAY * DAY + DAY - 1
NOW_TYPE: Final = Datetime("UTC")
INTERVAL: Final = Interval()


def within(value: pl.Expr, kind: DataType) -> pl.Expr:
    """The moment, or null where Polars could not take it apart."""
    first, last = (FIRST_DAY, LAST_DAY) if isinstance(kind, Date) else (FIRST_MICRO, LAST_MICRO)
    return pl.when(value.to_physical().is_between(first, last)).then(value)


def days(value: pl.Expr, kind: DataType) -> pl.Expr:
    """Whole days since 1970, of the date that is shown."""
    if isinstance(kind, Date):
        return value.to_physical().cast(pl.Int64)
    return local_micros(value, kind).floordiv(DAY)


def local_micros(value: pl.Expr, kind: DataType) -> pl.Expr:
    """Microseconds since 1970 on the clock that is shown."""
    if isinstance(kind, Date):
        return value.to_physical().cast(pl.Int64) * DAY
    if isinstance(kind, Datetime) and kind.zone not in (None, "UTC"):
        value = value.dt.replace_time_zone(None)
    return value.to_physical()


def local(value: pl.Expr, kind: DataType) -> pl.Expr:
    """The clock that is shown, as a timestamp without zone."""
    if isinstance(kind, Datetime) and kind.zone is not None:
        return value.dt.replace_time_zone(None)
    return value.cast(pl.Datetime("us"))


def plus_fixed_months(value: pl.Expr, kind: DataType, months: int) -> pl.Expr:
    """Microseconds on the clock that is shown, so many months later; null beyond the calendar."""
    clock = local(value, kind)
    reach = (abs(months) + 1) * 31 * DAY
    near = clock.to_physical().is_between(FIRST_MICRO + reach, LAST_MICRO - reach)
    return pl.when(near).then(clock).dt.offset_by(f"{months}mo").to_physical()


def micros(value: pl.Expr, kind: DataType) -> pl.Expr:
    """Microseconds since 1970 of the instant."""
    return local_micros(value, kind) if isinstance(kind, Date) else value.to_physical()


def date_of(value: pl.Expr, message: str) -> Result:
    """Days since 1970 as a date."""
    fault = ~value.is_between(FIRST_DAY, LAST_DAY)
    target = pl.when(fault).then(None).otherwise(value).cast(pl.Int32).cast(pl.Date)
    return Result(target, (Problem(fault, message),))


def moment_of(value: pl.Expr, kind: Datetime, message: str) -> Result:
    """Microseconds since 1970 of an instant as a timestamp."""
    fault = ~value.is_between(FIRST_MICRO, LAST_MICRO)
    safe = pl.when(fault).then(None).otherwise(value).cast(pl.Int64)
    target = safe.cast(pl.Datetime("us"))
    if kind.zone:
        target = target.dt.replace_time_zone("UTC").dt.convert_time_zone(kind.zone)
    return Result(target, (Problem(fault, message),))


def local_moment(value: pl.Expr, kind: Datetime) -> pl.Expr:
    """Microseconds on the clock that is shown, as a timestamp; they must be in range."""
    return local_again(value.cast(pl.Datetime("us")), kind)


def local_again(clock: pl.Expr, kind: Datetime) -> pl.Expr:
    """A clock without zone as the instant at which the zone's clock shows it first."""
    if kind.zone is None:
        return clock
    return clock.dt.replace_time_zone(kind.zone, ambiguous="earliest", non_existent="null")


def shown_in(value: pl.Expr, zone: str) -> pl.Expr:
    """An instant in UTC, shown in another zone."""
    return value if zone == "UTC" else value.dt.convert_time_zone(zone)


def days_from_civil(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    """Days since 1970 of a date that exists."""
    shifted = year - pl.when(month <= 2).then(1).otherwise(0)
    era = shifted.floordiv(400)
    of_era = shifted - era * 400
    of_year = (month + pl.when(month > 2).then(-3).otherwise(9)) * 153 + 2
    of_year = of_year.floordiv(5) + day - 1
    total = of_era * 365 + of_era.floordiv(4) - of_era.floordiv(100) + of_year
    return era * 146_097 + total - 719_468


def month_length(year: pl.Expr, month: pl.Expr) -> pl.Expr:
    """How many days the month has."""
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    short = month.is_in([4, 6, 9, 11])
    february = pl.when(leap).then(29).otherwise(28)
    return pl.when(month == 2).then(february).when(short).then(30).otherwise(31).cast(pl.Int64)


def civil(value: pl.Expr) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Year, month and day of a date or timestamp, as 64-bit integers."""
    parts = (value.dt.year(), value.dt.month(), value.dt.day())
    year, month, day = (part.cast(pl.Int64) for part in parts)
    return year, month, day


def plus_months(value: pl.Expr, kind: DataType, months: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Days since 1970 after so many months, cut to the month's end; and where that fails."""
    year, month, day = civil(value)
    far = ~months.is_between(-10_000_000, 10_000_000)
    total = year * 12 + month - 1 + pl.when(far).then(0).otherwise(months)
    new_year = total.floordiv(12)
    new_month = total - new_year * 12 + 1
    new_day = pl.min_horizontal(day, month_length(new_year, new_month))
    return days_from_civil(new_year, new_month, new_day), far
