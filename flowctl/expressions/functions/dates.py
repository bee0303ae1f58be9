"""Parts of dates and times, truncation, distances, and making them from numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from flowctl.expressions import moments
from flowctl.expressions.functions.intervals import DURATION, INSTANT, MOMENT, TIME
from flowctl.expressions.functions.signature import (
    Fixed,
    Function,
    Match,
    Operands,
    Problem,
    Result,
    Signature,
    ruled,
    takes,
)
from flowctl.expressions.lazily import pl
from flowctl.expressions.moments import DAY, INTERVAL
from flowctl.expressions.tree import Literal, Months, Tree
from flowctl.expressions.types import DATE, FLOAT64, INT64, STRING
from flowctl.records import DataType, Date, Datetime, Duration, Null, String, Time, Unknown

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
_UNITS: Final = {"hour": 3_600_000_000, "minute": 60_000_000, "second": 1_000_000,
                 "millisecond": 1000, "microsecond": 1, "day": DAY, "week": 7 * DAY}  # fmt: skip
_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12, "decade": 120, "century": 1200,
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
        return moments.micros(value, kind) / pl.when(value.is_not_null()).then(1e6)
    if name == "julian":
        whole = moments.days(value, kind)
        clock = moments.local_micros(value, kind) - whole * DAY
        return (whole + 2_440_588).cast(pl.Float64) + clock / pl.when(value.is_not_null()).then(
            float(DAY)
        )
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
        return span / pl.when(value.is_not_null()).then(1e6)
    if name == "day":
        return span.truncdiv(DAY)
    rest = span - span.truncdiv(DAY) * DAY
    if name == "hour":
        return rest.truncdiv(3_600_000_000)
    rest = rest - rest.truncdiv(3_600_000_000) * 3_600_000_000
    if name == "minute":
        return rest.truncdiv(60_000_000)
    rest = rest - rest.truncdiv(60_000_000) * 60_000_000
    return rest.truncdiv(_UNITS[name])


def _named_part(arguments: Sequence[Tree]) -> str | None:
    first = arguments[0]
    value = first.value if isinstance(first, Literal) else None
    return PARTS.get(value.lower()) if isinstance(value, str) else None


def _part_rule(arguments: Sequence[Tree]) -> Match | str | None:
    kind, name = _moment_type(arguments[1]), _named_part(arguments)
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


def _moment_type(tree: Tree) -> DataType | None:
    kind = tree.type
    if isinstance(kind, Null):
        return MOMENT
    known = isinstance(kind, Date | Datetime | Time | Duration | Unknown)
    return kind if known else None


def _verify_part(arguments: Sequence[Tree]) -> tuple[int, str] | None:
    if _named_part(arguments) is not None:
        return None
    some = ", ".join(f"`{name}`" for name in list(_SYNONYMS)[:12])
    return 0, f"this is no part of a date; there are {some} and others"


def _lower_part(call: Operands) -> pl.Expr:
    return part(call[1], call.types[1], PARTS[call.text(0).lower()])


def _one_part(name: str, doc: str, example: str, *aliases: str) -> Function:
    """A function for one part: `year(d)`."""

    def rule(arguments: Sequence[Tree]) -> Match | None:
        kind = _moment_type(arguments[0])
        if kind is None or not _has_part(kind, name):
            return None
        return Match((kind,), FLOAT64 if name in ("epoch", "julian") else INT64, 0)

    signature = ruled(MOMENT, by=rule, shown="int64",
                      lower=lambda call: part(call[0], call.types[0], name))  # fmt: skip
    return Function(aliases[0] if aliases else name, (signature,), doc, example,
                    aliases=tuple(aliases[1:]))  # fmt: skip


def _trunc_rule(arguments: Sequence[Tree]) -> Match | None:
    kind = _moment_type(arguments[1])
    if kind is None or isinstance(kind, Time | Duration) or not isinstance(arguments[0], Literal):
        return None
    return Match((STRING, kind), MOMENT if isinstance(kind, Date) else kind, 0)


def _verify_trunc(arguments: Sequence[Tree]) -> tuple[int, str] | None:
    name = _named_part(arguments)
    if name in _UNITS or name in _MONTHS or name == "isoyear":
        return None
    some = ", ".join(f"`{unit}`" for unit in (*_MONTHS, *_UNITS))
    return 0, f"this is no unit to cut a date to; there are {some}"


def _lower_trunc(call: Operands) -> pl.Expr:
    value, kind, name = call[1], call.types[1], PARTS[call.text(0).lower()]
    result = call.result
    assert isinstance(result, Datetime)
    return moments.local_moment(_truncated(value, kind, name), result)


def _truncated(value: pl.Expr, kind: DataType, name: str) -> pl.Expr:
    """Microseconds on the clock that is shown, cut to a unit."""
    if name in ("hour", "minute", "second", "millisecond", "microsecond"):
        micros = moments.local_micros(value, kind)
        return micros - micros % _UNITS[name]
    day = moments.days(value, kind)
    if name == "day":
        return day * DAY
    if name == "week":
        return (day - (day + 3) % 7) * DAY
    if name == "isoyear":
        weeks = value.dt.week().cast(pl.Int64) - 1
        return (day - (day + 3) % 7 - weeks * 7) * DAY
    year, month, _ = moments.civil(value)
    one = pl.lit(1, dtype=pl.Int64)
    if name == "month":
        return moments.days_from_civil(year, month, one) * DAY
    if name == "quarter":
        return moments.days_from_civil(year, month - (month - 1) % 3, one) * DAY
    length = _MONTHS[name] // 12
    return moments.days_from_civil(year.truncdiv(length) * length, one, one) * DAY


def _between_rule(arguments: Sequence[Tree]) -> Match | None:
    kinds = [_moment_type(item) for item in arguments[1:]]
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
    if _named_part(arguments) == "isoyear":
        return None
    return _verify_between(arguments)


def _verify_between(arguments: Sequence[Tree]) -> tuple[int, str] | None:
    name = _named_part(arguments)
    on_clock = any(isinstance(item.type, Time) for item in arguments[1:])
    if name in ("hour", "minute", "second", "millisecond", "microsecond"):
        return None
    if not on_clock and (name in _UNITS or name in _MONTHS):
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
        return value.to_physical().truncdiv(1000).truncdiv(_UNITS[name])
    if name in ("month", "quarter", "year", "decade", "century", "millennium"):
        year, month, _ = moments.civil(value)
        if name == "month":
            return year * 12 + month
        if name == "quarter":
            return year * 4 + (month - 1).truncdiv(3)
        return year.truncdiv(_MONTHS[name] // 12)
    if name == "isoyear":
        return value.dt.iso_year().cast(pl.Int64)
    if name == "day":
        return moments.days(value, kind)
    return moments.local_micros(value, kind).floordiv(_UNITS[name])


def _lower_sub(call: Operands) -> pl.Expr:
    """How many whole units lie between."""
    name, kind = PARTS[call.text(0).lower()], call.types[1]
    start, end = call.values[1:]
    if isinstance(kind, Time):
        span = end.to_physical().truncdiv(1000) - start.to_physical().truncdiv(1000)
        return span.truncdiv(_UNITS[name])
    if name in _MONTHS:
        return _whole_months(start, end, kind).truncdiv(_MONTHS[name])
    span = moments.local_micros(end, kind) - moments.local_micros(start, kind)
    return span.truncdiv(_UNITS[name])


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
    import datetime as dt

    width = call.constant(0)
    assert isinstance(width, dt.timedelta)
    return round(width / dt.timedelta(microseconds=1))


def _verify_bucket(arguments: Sequence[Tree]) -> tuple[int, str] | None:
    import datetime as dt

    width = arguments[0].value if isinstance(arguments[0], Literal) else None
    if isinstance(width, Months) and (width.rest or width.months <= 0):
        return 0, "a bucket is so many months, or so many days and hours, not both"
    if isinstance(width, dt.timedelta) and width <= dt.timedelta():
        return 0, "a bucket must be longer than nothing"
    return None


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
    from flowctl.diagnostics import nearest

    near = nearest(name, sorted(known))
    return 0, f"unknown time zone `{name}`" + (f"; did you mean `{near}`?" if near else "")


def _any_moment(
    give: DataType, lower: Callable[[Operands], pl.Expr | Result]
) -> tuple[Signature, ...]:
    return tuple(takes(kind, gives=give, lower=lower) for kind in (DATE, MOMENT, INSTANT))


def _bucket_rule(arguments: Sequence[Tree]) -> Match | None:
    width, kind = arguments[0], _moment_type(arguments[1])
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
    _one_part("isoyear", "The year to which the week belongs.", "isoyear(date '2021-01-03') → 2020"),
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
    Function("date_trunc", (ruled(_P, MOMENT, by=_trunc_rule, lower=_lower_trunc,
                                  shown="datetime"),),
             "The start of the year, quarter, month, week, day, hour… in which it lies.",
             "date_trunc('month', date '2013-02-28') → timestamp '2013-02-01'",
             aliases=("datetrunc",), verify=_verify_trunc),
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
    Function("last_day", _any_moment(DATE, _last_day), "The last day of the month.",
             "last_day(date '2013-02-03') → date '2013-02-28'"),
    Function("dayname", _any_moment(STRING, _name_of(_DAYS_OF_WEEK, "isodow")),
             "The day of the week by name.", "dayname(date '2013-02-03') → 'Sunday'"),
    Function("monthname", _any_moment(STRING, _name_of(_MONTH_NAMES, "month")),
             "The month by name.", "monthname(date '2013-02-03') → 'February'"),
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
