"""The types that values seen in data have in common."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from typing import Final

from flowctl.records import (
    Boolean,
    Column,
    DataType,
    Date,
    Datetime,
    Float,
    Integer,
    List,
    Null,
    String,
    Struct,
    Time,
)

_INT64: Final = range(-(2**63), 2**63)
_SURELY_INT64: Final = 18
_INTEGER: Final = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,18})").fullmatch
_DIGITS: Final = re.compile(r"[+-]?[0-9]+").fullmatch
_FLOAT: Final = re.compile(
    r"[+-]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+"
    r"|inf|infinity|nan)",
    re.IGNORECASE,
).fullmatch
_SURE_INTEGER: Final = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,16})").fullmatch
_NUMBER: Final = re.compile(
    r"[+-]?(?:0|[1-9][0-9]{0,16}|(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
).fullmatch
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_CLOCK: Final = re.compile(r"[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?").fullmatch
_QUICKLY: Final[tuple[tuple[Callable[[str], object], DataType], ...]] = (
    (_SURE_INTEGER, Integer(64)),
    (_NUMBER, Float(64)),
)
"""What most columns of numbers are told by, without a look at each value by itself."""
_OFFSET: Final = re.compile(r"(?:Z|[+-][0-9]{2}:?[0-9]{2})$").search


def infer_text(values: Iterable[str]) -> DataType:
    """The type of fields of text; `null` where there is none.

    Digits with a leading zero, and too many for int64, are text: they are names, not amounts.

    >>> str(infer_text(["1", "2.5"])), str(infer_text(["007"])), str(infer_text(["2024-01-31"]))
    ('float64', 'string', 'date')
    """
    different = set(values)
    found: DataType = Null()
    if different:
        for fits, kind in _QUICKLY:
            if all(map(fits, different)):
                return kind
    for value in different:
        found = _common(found, _text_type(value))
        if isinstance(found, String):
            break
    return found


def infer_json(values: Iterable[object]) -> DataType:
    """The type of JSON values; texts are dates or timestamps where all of them are.

    Whole numbers too long for int64 are text, which keeps all their digits.

    >>> str(infer_json([1, None, 2.5])), str(infer_json([{"a": [1]}])), str(infer_json([2**63, 1]))
    ('float64', 'struct<a: list<int64?>?>', 'string')
    """
    found: DataType = Null()
    for value in values:
        kind = _moment_type(value) if isinstance(value, str) else _json_type(value)
        found = _common(found, String() if isinstance(kind, Time) else kind)
    return _settled(found)


def _settled(kind: DataType) -> DataType:
    """Text inside a list or struct where nothing but nulls was seen."""
    match kind:
        case List(item):
            return List(String() if isinstance(item, Null) else _settled(item))
        case Struct(fields):
            return Struct(
                tuple(
                    Column(f.name, String() if isinstance(f.type, Null) else _settled(f.type))
                    for f in fields
                )
            )
    return kind


def _text_type(value: str) -> DataType:
    if _INTEGER(value):
        return Integer(64) if len(value) < _SURELY_INT64 or int(value) in _INT64 else String()
    if _FLOAT(value):
        return Float(64)
    if value.lower() in ("true", "false"):
        return Boolean()
    return String() if _DIGITS(value) else _moment_type(value)


def _moment_type(value: str) -> DataType:
    if len(value) < 5 or not (value[2] == ":" or value[4] == "-"):
        return String()
    try:
        if _CLOCK(value):
            dt.time.fromisoformat(value)
            return Time()
        if _DATE(value):
            dt.date.fromisoformat(value)
            return Date()
        date, clock = value[:10], value[11:]
        zoned = _OFFSET(clock)
        if not _DATE(date) or value[10:11] not in (" ", "T"):
            return String()
        if not _CLOCK(clock[: zoned.start()] if zoned else clock):
            return String()
        dt.datetime.fromisoformat(value)
        return Datetime("UTC") if zoned else Datetime()
    except ValueError:
        return String()


def _json_type(value: object) -> DataType:
    match value:
        case None:
            return Null()
        case bool():
            return Boolean()
        case int():
            return Integer(64) if value in _INT64 else String()
        case float():
            return Float(64)
        case str():
            return String()
        case list():
            item: DataType = Null()
            for inner in value:
                item = _common(item, _json_type(inner))
            return List(item)
        case dict():
            fields = (Column(str(name), _json_type(inner)) for name, inner in value.items())
            return Struct(tuple(fields))
    raise TypeError(f"{value!r} is no JSON value")


def _common(first: DataType, second: DataType) -> DataType:
    """The narrowest type that holds the values of both."""
    if first == second or isinstance(second, Null):
        return first
    match first, second:
        case Null(), _:
            return second
        case (Integer() | Float(), Integer() | Float()):
            return Float(64)
        case (Date(), Datetime(None)) | (Datetime(None), Date()):
            return Datetime()
        case List(one), List(other):
            return List(_common(one, other))
        case Struct(some), Struct(others):
            types = {field.name: field.type for field in some}
            for field in others:
                types[field.name] = _common(types.get(field.name, Null()), field.type)
            return Struct(tuple(Column(name, kind) for name, kind in types.items()))
    return String()
