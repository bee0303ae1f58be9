"""Dates and times as text, and read from text, by a format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flowctl.expressions import timeformat
from flowctl.expressions.fromtext import mended
from flowctl.expressions.functions.intervals import INSTANT, MOMENT
from flowctl.expressions.functions.signature import (
    Fixed,
    Function,
    Lowering,
    Match,
    Operands,
    Problem,
    Result,
    ruled,
    takes,
)
from flowctl.expressions.lazily import pl
from flowctl.expressions.tree import Call, Literal, Tree
from flowctl.expressions.types import DATE, INT64, STRING
from flowctl.records import Datetime, List, Null, String, Unknown


def _strftime(moment: int) -> Lowering:
    def lower(call: Operands) -> pl.Expr:
        kind = call.types[moment]
        zoned = isinstance(kind, Datetime) and kind.zone is not None
        text = timeformat.writing(call.text(1 - moment), zoned)
        if not text:
            return pl.when(call[moment].is_not_null()).then(pl.lit(""))
        shown = call[moment].dt.strftime(text)
        if "%Y" not in text and "%G" not in text:
            return shown
        # Polars writes a sign before years of five digits.
        far = call[moment].dt.year() > 9999
        return pl.when(far).then(shown.str.replace_all(r"\+(\d{5,})", "${1}")).otherwise(shown)

    return lower


def _verify_writing(arguments: Sequence[Tree]) -> tuple[int, str] | None:
    for index, item in enumerate(arguments):
        if isinstance(item, Literal) and isinstance(item.value, str):
            try:
                timeformat.writing(item.value, zoned=True)
            except timeformat.BadFormat as problem:
                return index, str(problem)
    return None


def _formats(tree: Tree) -> list[str] | None:
    """The formats that a literal, or a list of literals, names."""
    items = tree.arguments if isinstance(tree, Call) and tree.name == "list_value" else (tree,)
    found = [item.value for item in items if isinstance(item, Literal)]
    texts = [value for value in found if isinstance(value, str)]
    return texts if texts and len(texts) == len(items) else None


def _strptime_rule(arguments: Sequence[Tree]) -> Match | str | None:
    given = arguments[0].type
    if not isinstance(given, String | Null | Unknown):
        return None
    formats = _formats(arguments[1])
    if formats is None:
        return "the format must be a literal, or a list of them"
    zoned = any("%z" in text for text in formats)
    second = STRING if isinstance(arguments[1], Literal) else List(STRING)
    return Match((STRING, second), INSTANT if zoned else MOMENT, 0)


def _read(call: Operands) -> pl.Expr:
    readers = [timeformat.reading(text) for text in _formats(call.trees[1]) or []]

    def read(text: str) -> int | None:
        found = (reader.read(text) for reader in readers)
        return next((value for value in found if value is not None), None)

    fast = pl.lit(None, dtype=pl.Int64)
    if len(readers) == 1 and readers[0].fast is not None:
        parsed = call[0].str.to_datetime(readers[0].fast, strict=False, time_unit="us")
        # A year has four digits in a format; Polars would read more.
        fast = pl.when(parsed.dt.year().is_between(0, 9999)).then(parsed).to_physical()
    micros = mended(call[0], fast, read, INT64)
    moment = micros.cast(pl.Datetime("us"))
    return moment.dt.replace_time_zone("UTC") if call.result == INSTANT else moment


def _strptime(call: Operands) -> Result:
    found = _read(call)
    shown = " or ".join(f"'{text}'" for text in _formats(call.trees[1]) or [])
    message = pl.format("cannot read '{}' as {}", call[0], pl.lit(shown))
    return Result(found, (Problem(found.is_null() & call[0].is_not_null(), message),))


def _verify_reading(arguments: Sequence[Tree]) -> tuple[int, str] | None:
    for text in _formats(arguments[1]) or []:
        try:
            timeformat.reading(text)
        except timeformat.BadFormat as problem:
            return 1, str(problem)
    return None


_P: Final = Fixed(STRING)

FUNCTIONS: Final = (
    Function("strftime",
             tuple(takes(kind, _P, gives=STRING, lower=_strftime(0))
                   for kind in (DATE, MOMENT, INSTANT)),
             "As text, by a format such as `%d.%m.%Y %H:%M`.",
             "strftime(date '2013-02-28', '%d.%m.%Y') → '28.02.2013'", verify=_verify_writing),
    Function("strptime", (ruled(STRING, STRING, by=_strptime_rule, lower=_strptime,
                                shown="datetime"),),
             "A timestamp from text, by a format or the first that fits of a list; text that does"
             " not fit is a fault.",
             "strptime('28.02.2013', '%d.%m.%Y') → timestamp '2013-02-28'",
             verify=_verify_reading),
    Function("try_strptime", (ruled(STRING, STRING, by=_strptime_rule, lower=_read,
                                    shown="datetime"),),
             "Like `strptime`; null where the text does not fit.",
             "try_strptime('28.2', '%d.%m.%Y') → null", verify=_verify_reading),
)  # fmt: skip
