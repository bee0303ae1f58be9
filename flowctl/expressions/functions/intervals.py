"""Dates, timestamps, times and intervals under `+ - *`, and functions that make intervals.

An interval without months is a duration; with months it can only be added to a moment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flowctl.expressions import moments
from flowctl.expressions.functions.signature import (
    Function,
    Operands,
    Problem,
    Result,
    Signature,
    takes,
)
from flowctl.expressions.lazily import pl
from flowctl.expressions.moments import DAY, INTERVAL
from flowctl.expressions.tree import Literal, Months, Tree
from flowctl.expressions.types import DATE, FLOAT64, INT32, INT64
from flowctl.records import Datetime, Duration, Time

DURATION: Final = Duration()
TIME: Final = Time()
MOMENT: Final = Datetime()
INSTANT: Final = Datetime("UTC")
_LIMIT: Final = 2**63 - 1


def _out_of_range(call: Operands) -> str:
    return f"date out of range in {call.shown}"


def _move_days(sign: int, first: int = 0) -> Callable[[Operands], Result]:
    def lower(call: Operands) -> Result:
        day = call[first].to_physical().cast(pl.Int64)
        count = call[1 - first].cast(pl.Int64)
        return moments.date_of(day + count if sign > 0 else day - count, _out_of_range(call))

    return lower


def _move(sign: int, first: int = 0) -> Callable[[Operands], Result]:
    """A moment plus or minus a duration."""

    def lower(call: Operands) -> Result:
        start = moments.micros(call[first], call.types[first]).cast(pl.Int128)
        span = call[1 - first].to_physical().cast(pl.Int128)
        assert isinstance(call.result, Datetime)
        moved = start + span if sign > 0 else start - span
        return moments.moment_of(moved, call.result, _out_of_range(call))

    return lower


def _move_months(sign: int, first: int = 0) -> Callable[[Operands], Result]:
    """A moment plus or minus an interval: first the months, then the rest."""

    def lower(call: Operands) -> Result:
        moment, interval, kind = call[first], call[1 - first], call.types[first]
        rest = interval.struct.field("rest").to_physical().cast(pl.Int128) * sign
        fixed = _fixed_months(call.trees[1 - first])
        if fixed is not None:
            moved = moments.plus_fixed_months(moment, kind, fixed * sign).cast(pl.Int128) + rest
            far = moved.is_null() & moment.is_not_null()
        else:
            months = interval.struct.field("months") * sign
            day, far = moments.plus_months(moment, kind, months)
            clock = moments.local_micros(moment, kind) - moments.days(moment, kind) * DAY
            moved = day.cast(pl.Int128) * DAY + clock + rest
        return _shown_again(moved, far, call)

    return lower


def _fixed_months(tree: Tree) -> int | None:
    """The months of an interval that stands in the text, where the calendar reaches so far."""
    value = tree.value if isinstance(tree, Literal) else None
    return value.months if isinstance(value, Months) and abs(value.months) < 120_000 else None


def _shown_again(moved: pl.Expr, far: pl.Expr, call: Operands) -> Result:
    """Microseconds on the clock that is shown as a timestamp of the result's zone."""
    assert isinstance(call.result, Datetime)
    result = moments.moment_of(moved, call.result, _out_of_range(call))
    if call.result.zone not in (None, "UTC"):
        naive = moments.moment_of(moved, MOMENT, "").value
        result = Result(moments.local_again(naive, call.result), result.problems)
    problem = result.problems[0]
    return Result(result.value, (Problem(problem.when | far, problem.message),))


def _add_time(first: int) -> Callable[[Operands], pl.Expr]:
    def lower(call: Operands) -> pl.Expr:
        clock = call[1 - first].to_physical().floordiv(1000)
        return (moments.micros(call[first], DATE) + clock).cast(pl.Datetime("us"))

    return lower


def _turn_clock(sign: int, first: int = 0) -> Callable[[Operands], pl.Expr]:
    """A time of day plus or minus a duration, round the clock."""

    def lower(call: Operands) -> pl.Expr:
        clock = call[first].to_physical().floordiv(1000)
        span = call[1 - first].to_physical() % DAY
        moved = (clock + span if sign > 0 else clock - span) % DAY
        return (moved * 1000).cast(pl.Time)

    return lower


def _checked_duration(value: pl.Expr, call: Operands) -> Result:
    fault = ~value.is_between(-_LIMIT, _LIMIT)
    safe = pl.when(fault).then(None).otherwise(value).cast(pl.Int64)
    message = f"overflow of the interval in {call.shown}"
    return Result(safe.cast(pl.Duration("us")), (Problem(fault, message),))


def _add_durations(sign: int) -> Callable[[Operands], Result]:
    def lower(call: Operands) -> Result:
        a, b = (value.to_physical().cast(pl.Int128) for value in call.values)
        return _checked_duration(a + b if sign > 0 else a - b, call)

    return lower


def _add_intervals(sign: int) -> Callable[[Operands], pl.Expr]:
    def lower(call: Operands) -> pl.Expr:
        a, b = call.values
        months = a.struct.field("months") + b.struct.field("months") * sign
        rest = a.struct.field("rest") + b.struct.field("rest") * sign
        return pl.struct(months.alias("months"), rest.alias("rest"))

    return lower


def _difference(call: Operands) -> Result:
    a, b = (
        moments.micros(value, kind).cast(pl.Int128)
        for value, kind in zip(call.values, call.types, strict=True)
    )
    return _checked_duration(a - b, call)


def _days_between(call: Operands) -> pl.Expr:
    a, b = (value.to_physical().cast(pl.Int64) for value in call.values)
    return a - b


def _times(first: int) -> Callable[[Operands], Result]:
    def lower(call: Operands) -> Result:
        span = call[first].to_physical().cast(pl.Int128)
        return _checked_duration(span * call[1 - first].cast(pl.Int128), call)

    return lower


def _move_all(sign: int) -> tuple[Signature, ...]:
    return (
        takes(DATE, INT32, gives=DATE, lower=_move_days(sign)),
        takes(DATE, DURATION, gives=MOMENT, lower=_move(sign)),
        takes(MOMENT, DURATION, gives=MOMENT, lower=_move(sign)),
        takes(INSTANT, DURATION, gives=_first, lower=_move(sign)),
        takes(DATE, INTERVAL, gives=MOMENT, lower=_move_months(sign)),
        takes(MOMENT, INTERVAL, gives=MOMENT, lower=_move_months(sign)),
        takes(INSTANT, INTERVAL, gives=_first, lower=_move_months(sign)),
        takes(TIME, DURATION, gives=TIME, lower=_turn_clock(sign)),
        takes(DURATION, DURATION, gives=DURATION, lower=_add_durations(sign)),
        takes(INTERVAL, INTERVAL, gives=INTERVAL, lower=_add_intervals(sign)),
    )


def _first(kinds: tuple[object, ...]) -> Datetime:
    return next(kind for kind in kinds if isinstance(kind, Datetime))


SUMS: Final[tuple[Signature, ...]] = (
    *_move_all(1),
    takes(INT32, DATE, gives=DATE, lower=_move_days(1, first=1)),
    takes(DURATION, DATE, gives=MOMENT, lower=_move(1, first=1)),
    takes(DURATION, MOMENT, gives=MOMENT, lower=_move(1, first=1)),
    takes(DURATION, INSTANT, gives=_first, lower=_move(1, first=1)),
    takes(INTERVAL, DATE, gives=MOMENT, lower=_move_months(1, first=1)),
    takes(INTERVAL, MOMENT, gives=MOMENT, lower=_move_months(1, first=1)),
    takes(DURATION, TIME, gives=TIME, lower=_turn_clock(1, first=1)),
    takes(DATE, TIME, gives=MOMENT, lower=_add_time(0)),
    takes(TIME, DATE, gives=MOMENT, lower=_add_time(1)),
)
DIFFERENCES: Final[tuple[Signature, ...]] = (
    *_move_all(-1),
    takes(DATE, DATE, gives=INT64, lower=_days_between),
    takes(MOMENT, MOMENT, gives=DURATION, lower=_difference),
    takes(INSTANT, INSTANT, gives=DURATION, lower=_difference),
)
PRODUCTS: Final[tuple[Signature, ...]] = (
    takes(DURATION, INT64, gives=DURATION, lower=_times(0)),
    takes(INT64, DURATION, gives=DURATION, lower=_times(1)),
)
NEGATIONS: Final[tuple[Signature, ...]] = (
    takes(DURATION, gives=DURATION, lower=lambda call: -call[0]),
)


def _make_duration(unit: int) -> Callable[[Operands], Result]:
    def lower(call: Operands) -> Result:
        return _checked_duration(call[0].cast(pl.Int128) * unit, call)

    return lower


def _make_fraction(unit: int) -> Callable[[Operands], Result]:
    """From a floating-point number, rounded to the microsecond."""

    def lower(call: Operands) -> Result:
        exact = call[0] * float(unit)
        fault = ~((exact > -9.2e18) & (exact < 9.2e18) & exact.is_finite())
        whole = pl.when(fault).then(None).otherwise(exact).round(0, mode="half_to_even")
        message = f"overflow of the interval in {call.shown}"
        return Result(whole.cast(pl.Int64).cast(pl.Duration("us")), (Problem(fault, message),))

    return lower


def _make_months(unit: int) -> Callable[[Operands], pl.Expr]:
    def lower(call: Operands) -> pl.Expr:
        months = call[0].clip(-(10**9), 10**9) * unit
        rest = pl.when(call[0].is_not_null()).then(
            pl.lit(0, dtype=pl.Int64).cast(pl.Duration("us"))
        )
        return pl.struct(months.alias("months"), rest.alias("rest"))

    return lower


def _maker(name: str, micros: int, fraction: bool = False) -> Function:
    kind = FLOAT64 if fraction else INT64
    make = _make_fraction if fraction else _make_duration
    signature = takes(kind, gives=DURATION, lower=make(micros))
    return Function(f"to_{name}", (signature,), f"An interval of so many {name}.",
                    f"to_{name}(2) → interval '2 {name}'")  # fmt: skip


def _month_maker(name: str, months: int) -> Function:
    signature = takes(INT64, gives=INTERVAL, lower=_make_months(months))
    return Function(f"to_{name}", (signature,),
                    f"An interval of so many {name}, to be added to a date.",
                    f"date '2013-01-31' + to_{name}(0) → timestamp '2013-01-31'")  # fmt: skip


FUNCTIONS: Final = (
    _maker("microseconds", 1),
    _maker("milliseconds", 1000, fraction=True),
    _maker("seconds", 1_000_000, fraction=True),
    _maker("minutes", 60_000_000),
    _maker("hours", 3_600_000_000),
    _maker("days", DAY),
    _maker("weeks", 7 * DAY),
    _month_maker("months", 1),
    _month_maker("quarters", 3),
    _month_maker("years", 12),
    _month_maker("decades", 120),
    _month_maker("centuries", 1200),
    _month_maker("millennia", 12000),
)
