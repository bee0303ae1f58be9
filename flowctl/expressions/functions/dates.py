"""Parts of dates and times, and where they begin and end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from flowctl.expressions import moments, numbers
from flowctl.expressions.functions.intervals import INSTANT, MOMENT
from flowctl.expressions.functions.signature import (
    Fixed,
    Function,
    Match,
    Operands,
    Result,
    Signature,
    ruled,
    takes,
)
from flowctl.expressions.lazily import pl
from flowctl.expressions.moments import DAY
from flowctl.expressions.tree import Literal, Tree
from flowctl.expressions.types import DATE, FLOAT64, INT64, STRING
from flowctl.records import DataType, Date, Datetime, Duration, Null, Time, Unknown

_SYNONYMS: Final = {
    "year": "yr y years yrs", "month": "mon months mons", "day": "days d dayofmonth",
    "decade": "dec decades decs", "century": "cent centuries c",
    "millennium": "mil millenniums millennia mils millenium", "quarter": "quarters",
    "week": "weeks w weekofyear", "hour": "hr hours hrs h", "minute": "min minutes mins m",
    "second": "sec seconds secs s", "millisecond": "milliseconds ms msec msecs",
    "microsecond": "microseconds us usec usecs", "dow": "dayofweek weekday", "isodow": "",
    "doy": "dayofyear", "isoyear": "", "yearweek": "", "era": "", "epoch": "", "julian": "",
}  # fmt: skip
PARTS: Final = {word: part for part, words in _SYNONYMS.items() for word in (part, *words.split())}
_CLOCK: Final = ("hour", "minute", "second", "millisecond", "microsecond", "epoch")
UNITS: Final = {"hour": 3_600_000_000, "minute": 60_000_000, "second": 1_000_000,
                 "millisecond": 1000, "microsecond": 1, "day": DAY, "week": 7 * DAY}  # fmt: skip
MONTHS: Final = {"month": 1, "quarter": 3, "year": 12, "decade": 120, "century": 1200,
                  "millennium": 12000}  # fmt: skip
_DAYS_OF_WEEK: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
                        "Sunday")  # fmt: skip
_MONTH_NAMES: Final = ("January", "February", "March", "April", "May", "June", "July", "August",
                       "September", "October", "November", "December")  # fmt: skip


def part(value: pl.Expr, kind: DataType, name: str) -> pl.Expr:
    """A part of a date, a timestamp, a time or a duration, as a 64-bit integer or a double."""
    if isinstance(kind, Time | Duration):
        return _part_of_clock(value, kind, name)
    if name == "epoch":
        return numbers.quotient(moments.micros(value, kind), pl.lit(1e6), 1e6)
    if name == "julian":
        whole = moments.days(value, kind)
        clock = moments.local_micros(value, kind) - whole * DAY
        part_of_day = numbers.quotient(clock, pl.lit(float(DAY)), float(DAY))
        return (whole + 2_440_588).cast(pl.Float64) + part_of_day
    if isinstance(kind, Date) and name in _CLOCK:
        return pl.when(value.is_not_null()).then(pl.lit(0, dtype=pl.Int64))
    return _calendar_part(value, name).cast(pl.Int64)


def _calendar_part(value: pl.Expr, name: str) -> pl.Expr:
    year = value.dt.year().cast(pl.Int64)
    simple: dict[str, Callable[[], pl.Expr]] = {
        "year": lambda: year,
        "month": value.dt.month,
        "day": value.dt.day,
        "quarter": value.dt.quarter,
        "week": value.dt.week,
        "isoyear": value.dt.iso_year,
        "isodow": value.dt.weekday,
        "dow": lambda: value.dt.weekday() % 7,
        "doy": value.dt.ordinal_day,
        "hour": value.dt.hour,
        "minute": value.dt.minute,
        "second": value.dt.second,
        "decade": lambda: year.truncdiv(10),
        "century": lambda: _since_one(year, 100),
        "millennium": lambda: _since_one(year, 1000),
        "era": lambda: (year > 0).cast(pl.Int64),
    }
    if name in simple:
        return simple[name]()
    if name == "yearweek":
        iso, week = value.dt.iso_year().cast(pl.Int64), value.dt.week().cast(pl.Int64)
        return iso * 100 + pl.when(iso > 0).then(week).otherwise(-week)
    fraction = value.dt.second().cast(pl.Int64) * 1_000_000 + value.dt.microsecond()
    return fraction if name == "microsecond" else fraction.truncdiv(1000)


def _since_one(year: pl.Expr, length: int) -> pl.Expr:
    """Centuries and millennia begin with the year 1."""
    return (
        pl.when(year > 0).then((year - 1).truncdiv(length) + 1).otherwise(year.truncdiv(length) - 1)
    )


def _part_of_clock(value: pl.Expr, kind: DataType, name: str) -> pl.Expr:
    span = value.to_physical().truncdiv(1000) if isinstance(kind, Time) else value.to_physical()
    if name == "epoch":
        return numbers.quotient(span, pl.lit(1e6), 1e6)
    if name == "day":
        return span.truncdiv(DAY)
    rest = span - span.truncdiv(DAY) * DAY
    if name == "hour":
        return rest.truncdiv(3_600_000_000)
    rest = rest - rest.truncdiv(3_600_000_000) * 3_600_000_000
    if name == "minute":
        return rest.truncdiv(60_000_000)
    rest = rest - rest.truncdiv(60_000_000) * 60_000_000
    return rest.truncdiv(UNITS[name])


def named_part(arguments: Sequence[Tree]) -> str | None:
    """The part of a date that the first argument names, by its first name."""
    first = arguments[0]
    value = first.value if isinstance(first, Literal) else None
    return PARTS.get(value.lower()) if isinstance(value, str) else None


def _part_rule(arguments: Sequence[Tree]) -> Match | str | None:
    kind, name = moment_type(arguments[1]), named_part(arguments)
    if kind is None or not isinstance(arguments[0], Literal):
        return None
    if name is not None and not _has_part(kind, name):
        return f"{kind} has no {name}"
    result = FLOAT64 if name in ("epoch", "julian") else INT64
    return Match((STRING, kind), result, 0)


def _has_part(kind: DataType, name: str) -> bool:
    if isinstance(kind, Time):
        return name in _CLOCK
    if isinstance(kind, Duration):
        return name in (*_CLOCK, "day")
    return True


def moment_type(tree: Tree) -> DataType | None:
    """The type, where it is one of dates and times."""
    kind = tree.type
    if isinstance(kind, Null):
        return MOMENT
    known = isinstance(kind, Date | Datetime | Time | Duration | Unknown)
    return kind if known else None


def _verify_part(arguments: Sequence[Tree]) -> tuple[int, str] | None:
    if named_part(arguments) is not None:
        return None
    some = ", ".join(f"`{name}`" for name in list(_SYNONYMS)[:12])
    return 0, f"this is no part of a date; there are {some} and others"


def _lower_part(call: Operands) -> pl.Expr:
    return part(call[1], call.types[1], PARTS[call.text(0).lower()])


def _one_part(name: str, doc: str, example: str, *aliases: str) -> Function:
    """A function for one part: `year(d)`."""

    def rule(arguments: Sequence[Tree]) -> Match | None:
        kind = moment_type(arguments[0])
        if kind is None or not _has_part(kind, name):
            return None
        return Match((kind,), FLOAT64 if name in ("epoch", "julian") else INT64, 0)

    signature = ruled(MOMENT, by=rule, shown="int64",
                      lower=lambda call: part(call[0], call.types[0], name))  # fmt: skip
    return Function(aliases[0] if aliases else name, (signature,), doc, example,
                    aliases=tuple(aliases[1:]))  # fmt: skip


_STEPS: Final = {"day": "1d", "week": "1w", "month": "1mo", "quarter": "1q", "year": "1y"}
"""What Polars cuts to in the same way."""


def _trunc_rule(arguments: Sequence[Tree]) -> Match | None:
    kind = moment_type(arguments[1])
    if kind is None or isinstance(kind, Time | Duration) or not isinstance(arguments[0], Literal):
        return None
    return Match((STRING, kind), MOMENT if isinstance(kind, Date) else kind, 0)


def _verify_trunc(arguments: Sequence[Tree]) -> tuple[int, str] | None:
    name = named_part(arguments)
    if name in UNITS or name in MONTHS or name == "isoyear":
        return None
    some = ", ".join(f"`{unit}`" for unit in (*MONTHS, *UNITS))
    return 0, f"this is no unit to cut a date to; there are {some}"


def _lower_trunc(call: Operands) -> pl.Expr:
    value, kind, name = call[1], call.types[1], PARTS[call.text(0).lower()]
    result = call.result
    assert isinstance(result, Datetime)
    return moments.local_moment(_truncated(value, kind, name), result)


def _truncated(value: pl.Expr, kind: DataType, name: str) -> pl.Expr:
    """Microseconds on the clock that is shown, cut to a unit."""
    if name in _STEPS:
        return moments.local(value, kind).dt.truncate(_STEPS[name]).to_physical()
    if name in ("hour", "minute", "second", "millisecond", "microsecond"):
        micros = moments.local_micros(value, kind)
        return micros - micros % UNITS[name]
    day = moments.days(value, kind)
    if name == "isoyear":
        weeks = value.dt.week().cast(pl.Int64) - 1
        return (day - (day + 3) % 7 - weeks * 7) * DAY
    year, _, _ = moments.civil(value)
    one = pl.lit(1, dtype=pl.Int64)
    length = MONTHS[name] // 12
    return moments.days_from_civil(year.truncdiv(length) * length, one, one) * DAY


def _last_day(call: Operands) -> pl.Expr:
    year, month, _ = moments.civil(call[0])
    day = moments.days_from_civil(year, month, moments.month_length(year, month))
    return day.cast(pl.Int32).cast(pl.Date)


def _name_of(names: tuple[str, ...], which: str) -> Callable[[Operands], pl.Expr]:
    def lower(call: Operands) -> pl.Expr:
        number = part(call[0], call.types[0], which)
        return number.replace_strict(dict(enumerate(names, 1)), default=None,
                                     return_dtype=pl.String)  # fmt: skip

    return lower


def _any_moment(
    give: DataType, lower: Callable[[Operands], pl.Expr | Result]
) -> tuple[Signature, ...]:
    return tuple(takes(kind, gives=give, lower=lower) for kind in (DATE, MOMENT, INSTANT))


_P: Final = Fixed(STRING)

FUNCTIONS: Final = (
    Function("date_part", (ruled(_P, MOMENT, by=_part_rule, lower=_lower_part, shown="int64"),),
             "A part of a date or time: `year`, `month`, `dow`, `epoch` and others; also"
             " `extract(year from d)`.", "date_part('year', date '2013-02-28') → 2013",
             aliases=("datepart",), verify=_verify_part),
    _one_part("year", "The year.", "year(date '2013-02-28') → 2013"),
    _one_part("quarter", "The quarter, 1 to 4.", "quarter(date '2013-02-28') → 1"),
    _one_part("month", "The month, 1 to 12.", "month(date '2013-02-28') → 2"),
    _one_part("week", "The week of ISO 8601, 1 to 53.", "week(date '2021-01-03') → 53",
              "week", "weekofyear"),
    _one_part("day", "The day of the month.", "day(date '2013-02-28') → 28", "day", "dayofmonth"),
    _one_part("dow", "The day of the week, Sunday is 0.", "dayofweek(date '2013-03-03') → 0",
              "dayofweek", "weekday"),
    _one_part("isodow", "The day of the week, Monday is 1, Sunday 7.",
              "isodow(date '2013-03-03') → 7"),
    _one_part("doy", "The day of the year.", "dayofyear(date '2013-03-03') → 62", "dayofyear"),
    _one_part("isoyear", "The year to which the week belongs.",
              "isoyear(date '2021-01-03') → 2020"),
    _one_part("yearweek", "Year and week of ISO 8601 as one number.",
              "yearweek(date '2021-01-03') → 202053"),
    _one_part("decade", "The year over ten.", "decade(date '2013-02-28') → 201"),
    _one_part("century", "The century.", "century(date '2013-02-28') → 21"),
    _one_part("millennium", "The millennium.", "millennium(date '2013-02-28') → 3"),
    _one_part("era", "1 after, 0 before the year 1.", "era(date '2013-02-28') → 1"),
    _one_part("julian", "The Julian day.", "julian(date '2013-02-28') → 2456352e0"),
    _one_part("hour", "The hour.", "hour(timestamp '2013-02-28 10:30:00') → 10"),
    _one_part("minute", "The minute.", "minute(timestamp '2013-02-28 10:30:00') → 30"),
    _one_part("second", "The second, without its fraction.",
              "second(timestamp '2013-02-28 10:30:15.5') → 15"),
    _one_part("millisecond", "Seconds and their fraction, in milliseconds.",
              "millisecond(timestamp '2013-02-28 10:30:15.5') → 15500"),
    _one_part("microsecond", "Seconds and their fraction, in microseconds.",
              "microsecond(timestamp '2013-02-28 10:30:15.5') → 15500000"),
    _one_part("epoch", "Seconds since 1970.", "epoch(date '1970-01-02') → 86400e0"),
    Function("date_trunc", (ruled(_P, MOMENT, by=_trunc_rule, lower=_lower_trunc,
                                  shown="datetime"),),
             "The start of the year, quarter, month, week, day, hour… in which it lies.",
             "date_trunc('month', date '2013-02-28') → timestamp '2013-02-01'",
             aliases=("datetrunc",), verify=_verify_trunc),
    Function("last_day", _any_moment(DATE, _last_day), "The last day of the month.",
             "last_day(date '2013-02-03') → date '2013-02-28'"),
    Function("dayname", _any_moment(STRING, _name_of(_DAYS_OF_WEEK, "isodow")),
             "The day of the week by name.", "dayname(date '2013-02-03') → 'Sunday'"),
    Function("monthname", _any_moment(STRING, _name_of(_MONTH_NAMES, "month")),
             "The month by name.", "monthname(date '2013-02-03') → 'February'"),
)  # fmt: skip
