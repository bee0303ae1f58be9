"""How far moments are apart, and buckets of equal length."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from flowctl.expressions import moments
from flowctl.expressions.functions.dates import MONTHS, PARTS, UNITS, moment_type, named_part
from flowctl.expressions.functions.intervals import DURATION, MOMENT, TIME
from flowctl.expressions.functions.signature import (
    Fixed,
    Function,
    Match,
    Operands,
    Result,
    ruled,
)
from flowctl.expressions.lazily import pl
from flowctl.expressions.moments import DAY, INTERVAL
from flowctl.expressions.tree import Literal, Months, Tree
from flowctl.expressions.types import DATE, INT64, STRING
from flowctl.records import DataType, Date, Datetime, Duration, String, Time


def _between_rule(arguments: Sequence[Tree]) -> Match | None:
    kinds = [moment_type(item) for item in arguments[1:]]
    texts = [isinstance(item.type, String) and isinstance(item, Literal) for item in arguments[1:]]
    kinds = [MOMENT if text else kind for kind, text in zip(kinds, texts, strict=True)]
    if any(kind is None for kind in kinds) or not isinstance(arguments[0], Literal):
        return None
    left, right = kinds
    assert left is not None and right is not None
    if isinstance(left, Time) and isinstance(right, Time):
        return Match((STRING, TIME, TIME), INT64, 0)
    if any(isinstance(kind, Time | Duration) for kind in (left, right)):
        return None
    if isinstance(left, Date) and isinstance(right, Date):
        return Match((STRING, DATE, DATE), INT64, 0)
    zone = next((k.zone for k in (left, right) if isinstance(k, Datetime) and k.zone), None)
    kind = Datetime(zone)
    return Match((STRING, kind, kind), INT64, 0)


def _verify_diff(arguments: Sequence[Tree]) -> tuple[int, str] | None:
    if named_part(arguments) == "isoyear":
        return None
    return _verify_between(arguments)


def _verify_between(arguments: Sequence[Tree]) -> tuple[int, str] | None:
    name = named_part(arguments)
    on_clock = any(isinstance(item.type, Time) for item in arguments[1:])
    if name in ("hour", "minute", "second", "millisecond", "microsecond"):
        return None
    if not on_clock and (name in UNITS or name in MONTHS):
        return None
    return 0, "this is no unit to count; there are `day`, `month`, `year`, `hour` and others"


def _lower_diff(call: Operands) -> pl.Expr:
    """How many boundaries of the unit lie between."""
    name, kind = PARTS[call.text(0).lower()], call.types[1]
    if name == "week":
        start, end = (moments.days(value, kind) for value in call.values[1:])
        return (end - start).truncdiv(7)
    start, end = (_unit_number(value, kind, name) for value in call.values[1:])
    return end - start


def _unit_number(value: pl.Expr, kind: DataType, name: str) -> pl.Expr:
    if isinstance(kind, Time):
        return value.to_physical().truncdiv(1000).truncdiv(UNITS[name])
    if name in ("month", "quarter", "year", "decade", "century", "millennium"):
        year, month, _ = moments.civil(value)
        if name == "month":
            return year * 12 + month
        if name == "quarter":
            return year * 4 + (month - 1).truncdiv(3)
        return year.truncdiv(MONTHS[name] // 12)
    if name == "isoyear":
        return value.dt.iso_year().cast(pl.Int64)
    if name == "day":
        return moments.days(value, kind)
    return moments.local_micros(value, kind).floordiv(UNITS[name])


def _lower_sub(call: Operands) -> pl.Expr:
    """How many whole units lie between."""
    name, kind = PARTS[call.text(0).lower()], call.types[1]
    start, end = call.values[1:]
    if isinstance(kind, Time):
        span = end.to_physical().truncdiv(1000) - start.to_physical().truncdiv(1000)
        return span.truncdiv(UNITS[name])
    if name in MONTHS:
        return _whole_months(start, end, kind).truncdiv(MONTHS[name])
    span = moments.local_micros(end, kind) - moments.local_micros(start, kind)
    return span.truncdiv(UNITS[name])


def _whole_months(start: pl.Expr, end: pl.Expr, kind: DataType) -> pl.Expr:
    swap = moments.local_micros(start, kind) > moments.local_micros(end, kind)
    early = pl.when(swap).then(end).otherwise(start)
    late = pl.when(swap).then(start).otherwise(end)
    early_year, early_month, early_day = moments.civil(early)
    late_year, late_month, late_day = moments.civil(late)
    months = (late_year - early_year) * 12 + late_month - early_month
    early_rest = moments.local_micros(early, kind) - moments.days(early, kind) * DAY
    late_rest = moments.local_micros(late, kind) - moments.days(late, kind) * DAY
    last = late_day == moments.month_length(late_year, late_month)
    short = (late_day < early_day) & ~last | (
        (late_day == early_day) | last & (late_day < early_day)
    ) & (late_rest < early_rest)
    months = months - short.cast(pl.Int64)
    return pl.when(swap).then(-months).otherwise(months)


def _bucket(call: Operands) -> Result:
    value, kind = call[1], call.types[1]
    width = call.constant(0)
    if isinstance(width, Months):
        year, month, _ = moments.civil(value)
        months = year * 12 + month - 1 - 2000 * 12
        cut = months - months % width.months + 2000 * 12
        one = pl.lit(1, dtype=pl.Int64)
        day = moments.days_from_civil(cut.floordiv(12), cut % 12 + 1, one)
        start = day * DAY
    else:
        size = _micros_of(call)
        origin = 10_959 * DAY
        micros = moments.local_micros(value, kind)
        start = micros - (micros - origin) % size
    message = f"date out of range in {call.shown}"
    if isinstance(kind, Date):
        return moments.date_of(start.floordiv(DAY), message)
    assert isinstance(kind, Datetime)
    if kind.zone in (None, "UTC"):
        return moments.moment_of(start, kind, message)
    return Result(moments.local_moment(start, kind))


def _micros_of(call: Operands) -> int:
    width = call.constant(0)
    assert isinstance(width, dt.timedelta)
    return round(width / dt.timedelta(microseconds=1))


def _verify_bucket(arguments: Sequence[Tree]) -> tuple[int, str] | None:
    width = arguments[0].value if isinstance(arguments[0], Literal) else None
    if isinstance(width, Months) and (width.rest or width.months <= 0):
        return 0, "a bucket is so many months, or so many days and hours, not both"
    if isinstance(width, dt.timedelta) and width <= dt.timedelta():
        return 0, "a bucket must be longer than nothing"
    return None


def _bucket_rule(arguments: Sequence[Tree]) -> Match | None:
    width, kind = arguments[0], moment_type(arguments[1])
    if not isinstance(width, Literal) or kind is None or isinstance(kind, Time | Duration):
        return None
    wide = width.type
    if isinstance(wide, String):
        wide = DURATION
    if wide not in (DURATION, INTERVAL):
        return None
    return Match((wide, kind), kind, 0)


_P: Final = Fixed(STRING)

FUNCTIONS: Final = (
    Function("date_diff", (ruled(_P, MOMENT, MOMENT, by=_between_rule, lower=_lower_diff,
                                 shown="int64"),),
             "How many boundaries of the unit lie between two moments.",
             "date_diff('month', date '2013-01-31', date '2013-02-01') → 1",
             aliases=("datediff",), verify=_verify_diff),
    Function("date_sub", (ruled(_P, MOMENT, MOMENT, by=_between_rule, lower=_lower_sub,
                                shown="int64"),),
             "How many whole units lie between two moments.",
             "date_sub('month', date '2013-01-31', date '2013-02-01') → 0",
             aliases=("datesub",), verify=_verify_between),
    Function("time_bucket", (ruled(Fixed(DURATION), MOMENT, by=_bucket_rule, lower=_bucket,
                                   shown="datetime"),),
             "The start of the interval in which it lies, counted from 2000-01-03 (a Monday), or"
             " from 2000-01-01 for months.",
             "time_bucket(interval '1 hour', timestamp '2013-02-28 10:59:00')"
             " → timestamp '2013-02-28 10:00:00'", verify=_verify_bucket),
)  # fmt: skip
