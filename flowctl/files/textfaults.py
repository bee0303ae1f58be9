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
        missing = value.is_null() & ((text != "") | pl.Series([not nullable]))
        for row in missing.fill_null(value=False).arg_true():
            faults.setdefault(row, _fault(row, conversion, text[row]))
    return faults


def _fault(row: int, conversion: Conversion, text: str | None) -> RecordFault:
    column = conversion.column
    if not text:
        message = f"column `{column.name}` is empty, but {column.type} without `?` allows no null"
        return RecordFault(row, "null", message, ("columns", column.name))
    if isinstance(column.type, Null | Unknown):
        message = (
            f"column `{column.name}` holds {shown(text)}, but was empty wherever the file was "
            "sampled; declare its type in `columns`"
        )
    else:
        message = f"column `{column.name}`: {shown(text)} is no {column.type}"
    return RecordFault(row, "type", message, ("columns", column.name))


def shown(text: str) -> str:
    r"""A value as a message shows it: on one line, not too long.

    >>> shown("a\nb")
    '`a\\nb`'
    """
    plain = text.encode("unicode_escape").decode() if not text.isprintable() else text
    return f"`{plain[:_LONGEST_SHOWN]}…`" if len(plain) > _LONGEST_SHOWN else f"`{plain}`"
