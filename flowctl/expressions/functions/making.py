"""Dates and times made of numbers and turned into numbers, and moved between time zones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from flowctl.diagnostics import nearest
from flowctl.expressions import moments
from flowctl.expressions.functions.intervals import DURATION, INSTANT, MOMENT, TIME
from flowctl.expressions.functions.signature import (
    Fixed,
    Function,
    Operands,
    Problem,
    Result,
    takes,
)
from flowctl.expressions.lazily import pl
from flowctl.expressions.moments import DAY
from flowctl.expressions.tree import Literal, Tree
from flowctl.expressions.types import DATE, FLOAT64, INT64, STRING
from flowctl.records import Datetime, Duration, Time


def _make_date(call: Operands) -> Result:
    year, month, day = call.values
    legal = year.is_between(-262_143, 262_142) & month.is_between(1, 12) & (day >= 1)
    safe = [pl.when(legal).then(item) for item in call.values]
    exists = legal & (day <= moments.month_length(safe[0], safe[1]))
    found = moments.days_from_civil(*(pl.when(exists).then(item) for item in safe))
    given = year.is_not_null() & month.is_not_null() & day.is_not_null()
    problem = Problem(~exists & given, f"no such date in {call.shown}")
    return Result(found.cast(pl.Int32).cast(pl.Date), (problem,))


def _make_clock(hour: pl.Expr, minute: pl.Expr, second: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Microseconds since midnight, and whether there is such a time."""
    micros = (second * 1e6).round(0, mode="half_to_even")
    legal = hour.is_between(0, 24) & minute.is_between(0, 59) & (micros >= 0) & (micros <= 60e6)
    safe = [pl.when(legal).then(item) for item in (hour, minute, micros)]
    total = safe[0] * 3_600_000_000 + safe[1] * 60_000_000 + safe[2].cast(pl.Int64)
    return total, legal & (total <= DAY)


def _make_time(call: Operands) -> Result:
    total, legal = _make_clock(*call.values)
    legal = legal & (total < DAY)
    given = pl.all_horizontal(*(value.is_not_null() for value in call.values))
    found = pl.when(legal).then(total * 1000).cast(pl.Time)
    return Result(found, (Problem(~legal & given, f"no such time in {call.shown}"),))


def _make_timestamp(call: Operands) -> Result:
    if len(call) == 1:
        return moments.moment_of(call[0], MOMENT, f"date out of range in {call.shown}")
    day = _make_date(
        Operands(call.values[:3], call.types[:3], call.trees[:3], DATE, (), call.shown)
    )
    total, legal = _make_clock(*call.values[3:])
    found = day.value.to_physical().cast(pl.Int64) * DAY + pl.when(legal).then(total)
    given = pl.all_horizontal(*(value.is_not_null() for value in call.values))
    fault = (day.problems[0].when | ~legal) & given
    problem = Problem(fault, f"no such time in {call.shown}")
    return Result(pl.when(~fault).then(found).cast(pl.Datetime("us")), (problem,))


def _to_timestamp(call: Operands) -> Result:
    exact = call[0] * 1e6
    legal = (exact >= moments.FIRST_MICRO) & (exact <= moments.LAST_MICRO) & exact.is_finite()
    whole = pl.when(legal).then(exact).round(0, mode="half_to_even").cast(pl.Int64)
    found = whole.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    return Result(found, (Problem(~legal, f"date out of range in {call.shown}"),))


def _from_epoch(unit: int) -> Callable[[Operands], Result]:
    def lower(call: Operands) -> Result:
        micros = call[0].cast(pl.Int128) * unit
        return moments.moment_of(micros, MOMENT, f"date out of range in {call.shown}")

    return lower


def _epoch_number(divisor: int, factor: int = 1) -> Callable[[Operands], Result]:
    def lower(call: Operands) -> Result:
        kind = call.types[0]
        micros = call[0].to_physical() if isinstance(kind, Duration) else (
            call[0].to_physical().truncdiv(1000) if isinstance(kind, Time)
            else moments.micros(call[0], kind))  # fmt: skip
        if factor == 1:
            if isinstance(kind, Datetime) and divisor > 1:
                micros = micros + divisor // 2
            rounding = micros.truncdiv if isinstance(kind, Duration) else micros.floordiv
            return Result(rounding(divisor) if divisor > 1 else micros)
        limit = (2**63 - 1) // factor
        fault = ~micros.is_between(-limit, limit)
        return Result(micros * factor, (Problem(fault, f"overflow of int64 in {call.shown}"),))

    return lower


def _zone(call: Operands) -> Result:
    zone, value, kind = call.text(0), call[1], call.types[1]
    if isinstance(kind, Datetime) and kind.zone:
        return Result(value.dt.convert_time_zone(zone).dt.replace_time_zone(None))
    naive = value.cast(pl.Datetime("us"))
    found = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    message = f"the clock skips this time in {zone}"
    fault = found.is_null() & value.is_not_null()
    return Result(found.dt.convert_time_zone("UTC"), (Problem(fault, message),))


def _verify_zone(arguments: Sequence[Tree]) -> tuple[int, str] | None:
    import zoneinfo

    name = arguments[0].value if isinstance(arguments[0], Literal) else None
    known = zoneinfo.available_timezones()
    if not isinstance(name, str) or not known or name in known:
        return None
    near = nearest(name, sorted(known))
    return 0, f"unknown time zone `{name}`" + (f"; did you mean `{near}`?" if near else "")


_P: Final = Fixed(STRING)

FUNCTIONS: Final = (
    Function("epoch_ms", (takes(INT64, gives=MOMENT, lower=_from_epoch(1000)),
                          *(takes(kind, gives=INT64, lower=_epoch_number(1000))
                            for kind in (DATE, MOMENT, INSTANT, TIME, DURATION))),
             "Milliseconds since 1970; or the timestamp of such a number.",
             "epoch_ms(timestamp '1970-01-01 00:00:01') → 1000"),
    Function("epoch_us", tuple(takes(kind, gives=INT64, lower=_epoch_number(1))
                               for kind in (DATE, MOMENT, INSTANT, TIME, DURATION)),
             "Microseconds since 1970.", "epoch_us(timestamp '1970-01-01 00:00:01') → 1000000"),
    Function("epoch_ns", tuple(takes(kind, gives=INT64, lower=_epoch_number(1, 1000))
                               for kind in (DATE, MOMENT, INSTANT, TIME, DURATION)),
             "Nanoseconds since 1970.", "epoch_ns(timestamp '1970-01-01 00:00:01') → 1000000000"),
    Function("make_date", (takes(INT64, INT64, INT64, gives=DATE, lower=_make_date),),
             "A date from year, month and day.", "make_date(2013, 2, 28) → date '2013-02-28'"),
    Function("make_time", (takes(INT64, INT64, FLOAT64, gives=TIME, lower=_make_time),),
             "A time from hour, minute and second.", "make_time(10, 30, 15.5) → time '10:30:15.5'"),
    Function("make_timestamp", (takes(INT64, gives=MOMENT, lower=_make_timestamp),
                                takes(INT64, INT64, INT64, INT64, INT64, FLOAT64, gives=MOMENT,
                                      lower=_make_timestamp)),
             "A timestamp from its parts, or from microseconds since 1970.",
             "make_timestamp(2013, 2, 28, 10, 30, 0) → timestamp '2013-02-28 10:30:00'"),
    Function("to_timestamp", (takes(FLOAT64, gives=INSTANT, lower=_to_timestamp),),
             "The instant of a number of seconds since 1970.",
             "to_timestamp(86400) → timestamptz '1970-01-02 00:00:00+00'"),
    Function("timezone", (takes(_P, INSTANT, gives=MOMENT, lower=_zone),
                          takes(_P, MOMENT, gives=INSTANT, lower=_zone)),
             "`t at time zone 'Europe/Berlin'`: the clock of an instant there, or the instant of"
             " a clock there.",
             "timezone('Europe/Berlin', timestamptz '2013-01-01 00:00:00+00')"
             " → timestamp '2013-01-01 01:00:00'", verify=_verify_zone),
)  # fmt: skip
