"""Values read from text: Polars is asked first, and what it does not know is read again.

`reading` has DuckDB's own rules, one text at a time.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from flowctl.expressions import moments, numbers, reading
from flowctl.expressions.elementwise import elementwise
from flowctl.expressions.lazily import pl
from flowctl.expressions.literals import read_interval
from flowctl.expressions.polars_types import polars_type
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
    Time,
)


def read_text(value: pl.Expr, wanted: DataType) -> tuple[pl.Expr, pl.Expr]:
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
                moment = moments.shown_in(moment.dt.replace_time_zone("UTC"), zone)
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
    too_large = value.is_finite() & (value.abs() >= numbers.LARGEST_FLOAT32)
    return pl.when(too_large).then(None).otherwise(value).cast(pl.Float32)


def _read_duration(text: str) -> int | None:
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
