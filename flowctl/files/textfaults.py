"""Which records hold a text that is no value of its column's type, and how that is said."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from flowctl.dataflow import RecordFault
from flowctl.files.texttypes import Conversion
from flowctl.records import Null, Unknown

_LONGEST_SHOWN = 60


def value_faults(
    values: pl.DataFrame, texts: pl.DataFrame, conversions: Iterable[Conversion]
) -> dict[int, RecordFault]:
    """The first fault of each row, by row: `texts` is the same table before it became `values`."""
    faults: dict[int, RecordFault] = {}
    for conversion in conversions:
        name, nullable = conversion.column.name, conversion.column.nullable
        value, text = values[name], texts[name]
        unseen = isinstance(conversion.column.type, Null | Unknown)
        missing = text.is_not_null() if unseen else value.is_null() & (text != "")
        if not nullable:
            missing |= value.is_null()
        for row in missing.fill_null(value=False).arg_true():
            faults.setdefault(row, _fault(row, conversion, text[row]))
    return faults


def _fault(row: int, conversion: Conversion, text: str | None) -> RecordFault:
    column = conversion.column
    pointer = ("columns", column.name)
    unseen = isinstance(column.type, Null | Unknown)
    if text is None or (text == "" and not unseen):
        message = f"column `{column.name}` is empty, but {column.type} without `?` allows no null"
        return RecordFault(row, "null", message, pointer)
    if unseen:
        message = f"column `{column.name}` was empty where the file was sampled, but here is "
        return RecordFault(row, "type", f"{message}{shown(text)}; declare its type", pointer)
    message = f"column `{column.name}`: {shown(text)} is no {column.type}"
    return RecordFault(row, "type", message, pointer)


def shown(text: str) -> str:
    r"""A value as a message shows it: on one line, not too long.

    >>> shown("a\nb")
    '`a\\nb`'
    """
    plain = text.encode("unicode_escape").decode() if not text.isprintable() else text
    return f"`{plain[:_LONGEST_SHOWN]}…`" if len(plain) > _LONGEST_SHOWN else f"`{plain}`"
