"""Which records a JSON Schema may have something against, asked of whole columns at once.

The answer is true wherever the schema complains, and perhaps a little more often. Only what columns
can answer for sure is understood; None means that each record must be judged by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Final, TypeAlias

from flowctl.records import (
    Boolean,
    Column,
    DataType,
    Float,
    Integer,
    Schema,
    String,
)
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl

_SILENT: Final = frozenset(
    ("$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default",
     "examples", "deprecated", "readOnly", "writeOnly")
)  # fmt: skip
_NAMES: Final[dict[type, frozenset[str]]] = {
    Boolean: frozenset(("boolean",)),
    Integer: frozenset(("integer", "number")),
    String: frozenset(("string",)),
    Float: frozenset(("number",)),
}
# Where JSON Schema's regular expressions and the engine's mean the same: no escapes of classes,
# no `.`, whose idea of a line's end differs.
_SHARED_PATTERN: Final = re.compile(
    r"""(?:[A-Za-z0-9_ ,:;@#%&!<>~/=\-^$|+*?\[\]{}'"]|\\[.\-/+*?$^|])*"""
)


_Question: TypeAlias = "Callable[[pl.Expr, Json, DataType], pl.Expr | None]"


class _NotForColumns(Exception):
    """The schema says something that columns cannot answer."""


def suspects(schema: Json, columns: Schema) -> pl.Expr | None:
    """True at least for each record that breaks the schema; None where columns cannot tell."""
    import polars as pl

    if columns.open or not isinstance(schema, dict):
        return None
    try:
        found = list(_of_record(schema, columns))
    except _NotForColumns:
        return None
    return reduce(or_, found, pl.lit(value=False))


def _of_record(schema: dict[str, Json], columns: Schema) -> Iterator[pl.Expr]:
    for keyword, value in schema.items():
        if keyword in _SILENT:
            continue
        if keyword == "properties" and isinstance(value, dict):
            for name, rules in value.items():
                if name in columns:
                    yield from _of_column(rules, columns[name])
        elif keyword == "required" and isinstance(value, list):
            if not set(map(str, value)) <= set(columns.names):
                raise _NotForColumns
        elif keyword == "additionalProperties":
            named = schema.get("properties")
            listed = named if isinstance(named, dict) else {}
            if value is not True and not set(columns.names) <= listed.keys():
                raise _NotForColumns
        elif not (keyword == "type" and value == "object"):
            raise _NotForColumns


def _of_column(rules: Json, column: Column) -> Iterator[pl.Expr]:
    import polars as pl

    if rules is True:
        return
    if not isinstance(rules, dict) or type(column.type) not in _NAMES:
        raise _NotForColumns
    value = pl.col(column.name)
    if isinstance(column.type, Float):
        # JSON has neither NaN nor infinity.
        yield value.is_finite().not_().fill_null(value=False)
    for keyword, argument in rules.items():
        if keyword in _SILENT:
            continue
        ask = _QUESTIONS.get(keyword)
        if ask is None:
            raise _NotForColumns
        found = ask(value, argument, column.type)
        if found is not None:
            yield found


def _type(value: pl.Expr, argument: Json, kind: DataType) -> pl.Expr | None:
    import polars as pl

    names = {argument} if isinstance(argument, str) else set(map(str, _list(argument)))
    fits = bool(names & _NAMES[type(kind)])
    if not fits and isinstance(kind, Float) and "integer" in names:
        raise _NotForColumns
    wrong: pl.Expr = pl.lit(value=not fits)
    return wrong & value.is_not_null() if "null" in names else wrong | value.is_null()


def _enum(value: pl.Expr, argument: Json, kind: DataType) -> pl.Expr:
    import polars as pl

    allowed = _list(argument)
    known = [item for item in allowed if item is not None]
    if not all(_same_family(item, kind) for item in known):
        raise _NotForColumns
    if not known:
        return value.is_not_null() if allowed else pl.lit(value=True)
    return value.is_in(known).not_().fill_null(value=None not in allowed)


def _const(value: pl.Expr, argument: Json, kind: DataType) -> pl.Expr:
    return _enum(value, [argument], kind)


def _bound(compare: Callable[[pl.Expr, float], pl.Expr]) -> _Question:
    def ask(value: pl.Expr, argument: Json, kind: DataType) -> pl.Expr | None:
        if not isinstance(kind, Integer | Float):
            return None
        if isinstance(argument, bool) or not isinstance(argument, int | float):
            raise _NotForColumns
        if isinstance(argument, float) != isinstance(kind, Float) or abs(argument) > 2**53:
            raise _NotForColumns
        return compare(value, argument).fill_null(value=False)

    return ask


def _length(compare: Callable[[pl.Expr, int], pl.Expr]) -> _Question:
    def ask(value: pl.Expr, argument: Json, kind: DataType) -> pl.Expr | None:
        if not isinstance(kind, String):
            return None
        if isinstance(argument, bool) or not isinstance(argument, int):
            raise _NotForColumns
        return compare(value.str.len_chars(), argument).fill_null(value=False)

    return ask


def _pattern(value: pl.Expr, argument: Json, kind: DataType) -> pl.Expr | None:
    if not isinstance(kind, String):
        return None
    if not isinstance(argument, str) or not _SHARED_PATTERN.fullmatch(argument):
        raise _NotForColumns
    return value.str.contains(argument).not_().fill_null(value=False)


def _list(argument: Json) -> list[Json]:
    if not isinstance(argument, list):
        raise _NotForColumns
    return argument


def _same_family(item: Json, kind: DataType) -> bool:
    if isinstance(kind, Boolean):
        return isinstance(item, bool)
    if isinstance(kind, Integer):
        return isinstance(item, int) and not isinstance(item, bool) and abs(item) < 2**63
    return isinstance(kind, String) and isinstance(item, str)


_QUESTIONS: Final[dict[str, _Question]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "minimum": _bound(lambda value, least: value < least),
    "maximum": _bound(lambda value, most: value > most),
    "exclusiveMinimum": _bound(lambda value, least: value <= least),
    "exclusiveMaximum": _bound(lambda value, most: value >= most),
    "minLength": _length(lambda text, least: text < least),
    "maxLength": _length(lambda text, most: text > most),
    "pattern": _pattern,
}
