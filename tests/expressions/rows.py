"""Values of every type that are apt to go wrong: nulls, extremes, odd text, far dates."""

from __future__ import annotations

import datetime as dt
import random
import re
from decimal import Decimal as Number
from typing import Final

import polars as pl

from flowctl.expressions.polars_types import polars_type
from flowctl.records import (
    Binary,
    Boolean,
    Column,
    DataType,
    Date,
    Datetime,
    Decimal,
    Duration,
    Float,
    Integer,
    List,
    String,
    Struct,
    Time,
)

TEXTS = [
    "", " ", "a", "abc", "ABC", "héllo", "Ünï", "a,b,,c", " x y ", "😀a", "a\nb", "%_",
    "2013-01-05", "12", "-7.5", "1e3", "true", "aaa", "abcabc", "straße", "Z", "\\d+", "a.b.c",
    "/x/y.txt",
]  # fmt: skip
DATES = ["1970-01-01", "2013-02-28", "2024-02-29", "1969-12-31", "1900-03-01", "0001-01-01",
         "9999-12-31", "2012-12-31", "2021-01-03", "2000-01-01"]  # fmt: skip
TIMESTAMPS = ["1970-01-01T00:00:00", "2013-02-28T23:59:59.999999", "2024-02-29T12:30:15.5",
              "1969-12-31T23:59:59", "1900-03-01T06:07:08", "2012-12-31T00:00:00",
              "0001-01-01T00:00:00", "9999-12-31T23:59:59.999999",
              "2021-01-03T10:00:00.001"]  # fmt: skip
FLOATS: list[object] = [0.0, -0.0, 1.0, -1.5, 2.5, 0.1, 1e15, 1e300, -1e300,
                        float("inf"), float("-inf"), float("nan"), 1e-7, 3.5, 123.456, -0.5,
                        1e-300]  # fmt: skip


def values(kind: DataType) -> list[object]:
    """Telling values of a type, null first."""
    return [None, *_values(kind)]


def _values(kind: DataType) -> list[object]:
    match kind:
        case Boolean():
            return [True, False]
        case Integer(bits, signed):
            low = -(2 ** (bits - 1)) if signed else 0
            high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
            some = [0, 1, 2, 3, 5, 7, 10, 12, 100, low, high, high - 1]
            return some + ([-1, -2, -7, low + 1] if signed else [])
        case Float(bits):
            return FLOATS if bits == 64 else [x for x in FLOATS if x not in (1e300, -1e300)]
        case Decimal(precision, scale):
            top = 10**precision - 1
            some = [0, 1, -1, 15, -25, 99, 150, -255, 12345, top, -top]
            return [Number(x).scaleb(-scale) for x in some if abs(x) <= top]
        case String():
            return list(TEXTS)
        case Binary():
            return [b"", b"abc", b"\x00\xff", "é".encode()]
        case Date():
            return [dt.date.fromisoformat(text) for text in DATES]
        case Datetime(zone):
            naive: list[object] = [dt.datetime.fromisoformat(text) for text in TIMESTAMPS]
            return [_in_utc(moment) for moment in naive] if zone else naive
        case Time():
            return [dt.time(0, 0), dt.time(10, 30, 15, 500000), dt.time(23, 59, 59, 999999)]
        case Duration():
            return [dt.timedelta(0), dt.timedelta(days=1, hours=2), dt.timedelta(seconds=-90),
                    dt.timedelta(microseconds=1), dt.timedelta(days=40000)]  # fmt: skip
        case List(item):
            some = values(item)
            return [[], [some[1]], some[:4], [some[-1], some[1], some[-1]], [None], some[2:7]]
        case Struct(fields):
            columns = [values(field.type) for field in fields]
            return [
                {field.name: column[index % len(column)]
                 for field, column in zip(fields, columns, strict=True)}
                for index in range(4)
            ]  # fmt: skip
    raise AssertionError(kind)


def _in_utc(moment: object) -> object:
    assert isinstance(moment, dt.datetime)
    return moment.replace(tzinfo=dt.UTC)


def frame(kinds: dict[str, DataType], rows: int = 60, seed: int = 0) -> pl.DataFrame:
    """Rows that put these values beside each other."""
    chance = random.Random(seed)
    columns = {}
    for name, kind in kinds.items():
        some = values(kind)
        chosen = (some + [chance.choice(some) for _ in range(rows)])[:rows]
        chance.shuffle(chosen)
        columns[name] = pl.Series(name, chosen, dtype=polars_type(kind), strict=False)
    return pl.DataFrame(columns)


KINDS: dict[str, DataType] = {
    "a": Integer(64),
    "b": Integer(64),
    "i": Integer(32),
    "j": Integer(32),
    "k": Integer(8),
    "u": Integer(64, signed=False),
    "v": Integer(8, signed=False),
    "f": Float(64),
    "g": Float(64),
    "h": Float(32),
    "p": Decimal(10, 2),
    "q": Decimal(18, 3),
    "r": Decimal(38, 4),
    "s": String(),
    "t": String(),
    "d": Date(),
    "e": Date(),
    "m": Datetime(),
    "n": Datetime(),
    "z": Datetime("UTC"),
    "c": Time(),
    "o": Boolean(),
    "w": Boolean(),
    "l": List(Integer(64)),
    "x": List(String()),
    "y": Struct((Column("a", Integer(64)), Column("b", String()))),
    "dur": Duration(),
    "bin": Binary(),
}
"""A column of each type, two of those that tests compare with each other."""

ROWS: Final = frame(KINDS, rows=150)


def columns_of(text: str) -> pl.DataFrame:
    """The rows, with no more columns than the expression may read."""
    bare = re.sub(r"'[^']*'", "", text)
    used = [name for name in KINDS if re.search(rf"(?<![.\w]){name}(?![\w(])", bare)]
    return ROWS.select(used or ["a"])
