"""Records in JSON, read with care: which of them are at fault, and why.

Each record is looked at by itself: those that are no JSON object, or hold a value of another type
than their column, are at fault; the rest is read by the parser again. What that still refuses is
found by halving.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from flowctl.dataclass import dataclass
from flowctl.dataflow import Examined, RecordFault
from flowctl.files.jsontypes import misfit_of, with_nonfinite
from flowctl.files.polars_quirks import REFUSALS, reason
from flowctl.files.spans import Positions, Spans, join
from flowctl.files.textfaults import shown, value_faults

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsType

    from flowctl.files.jsonlines import JsonSplit
    from flowctl.files.texttypes import Conversion


def examine(split: JsonSplit, columns: Sequence[str]) -> Examined:
    """The sound records of a split, and what is wrong with each of the others."""
    text = split.text(split.place.chunk.data)
    lines, spans = text.spans()
    read = split.columns.read(columns)
    faults = {fault.record: fault for fault in _record_faults(split, spans, read)}
    sound = np.delete(np.arange(len(spans.ends)), list(faults))
    judged = split.columns.judged
    judging = _Judging(text.data, lines, judged, [made.column.name for made in read])
    for fault in judging.refused(sound):
        faults[fault.record] = fault
    sound = np.delete(np.arange(len(spans.ends)), list(faults))
    data = join(text.data, lines, sound)
    made = split.columns.conversions.values()
    # First with_columns: a select of constants alone would be a frame of one row.
    converted = split.parse(data, lenient=True).with_columns(each.value for each in made)
    values = converted.select(list(split.columns.conversions)).collect()
    texts = pl.scan_ndjson(data, schema={each.column.name: pl.String() for each in made}).collect()
    values = with_nonfinite(values, texts, (each.column for each in made))
    bad = value_faults(values, texts, read)
    for row, fault in bad.items():
        faults[int(sound[row])] = replace(fault, record=int(sound[row]))
    kept = np.delete(np.arange(len(sound)), list(bad))
    frame = split.place.marked_rows(values, columns, spans, sound)
    return Examined(
        len(spans.ends), frame[kept], tuple(faults[record] for record in sorted(faults))
    )


def _record_faults(
    split: JsonSplit, spans: Spans, conversions: Sequence[Conversion]
) -> Iterator[RecordFault]:
    """Records that are no JSON object, and values of another type than their column."""
    data, noun = split.place.chunk.data, split.noun
    for record in range(len(spans.ends)):
        try:
            found = json.loads(
                spans.bytes_of(data, record),
                parse_constant=_refuse,
                parse_float=_finite,
                object_pairs_hook=_first_of_each,
            )
            json.dumps(found, ensure_ascii=False).encode()
        except _TooLarge as error:
            message = f"the number {shown(str(error))} is beyond float64"
            yield RecordFault(record, "type", message)
            continue
        except (ValueError, RecursionError) as error:
            message = f"the {noun} is no JSON: {_reason(error)}"
            yield RecordFault(record, "syntax", message)
            continue
        if not isinstance(found, dict):
            yield RecordFault(record, "syntax", f"the {noun} is no JSON object")
            continue
        fault = _misfit_fault(record, found, conversions)
        if fault is not None:
            yield fault


@dataclass(frozen=True, slots=True)
class _Judging:
    """The columns of these `names` as the parser is to read them from lines of a text."""

    text: bytes
    lines: Spans
    types: dict[str, PolarsType]
    names: list[str]

    def refused(self, records: Positions) -> Iterator[RecordFault]:
        """The records that the parser refuses, although they look sound, found by halving."""
        if not len(records):
            return
        try:
            text = join(self.text, self.lines, records)
            pl.scan_ndjson(text, schema=self.types).select(self.names).collect()
        except REFUSALS as error:
            if len(records) == 1:
                yield RecordFault(int(records[0]), "type", reason(error))
                return
            middle = len(records) // 2
            yield from self.refused(records[:middle])
            yield from self.refused(records[middle:])


def _misfit_fault(
    record: int, found: dict[str, object], conversions: Sequence[Conversion]
) -> RecordFault | None:
    for conversion in conversions:
        column = conversion.column
        value = found.get(column.name)
        broken = misfit_of(value, column)
        if broken is not None:
            text = shown(json.dumps(value, ensure_ascii=False))
            within = "" if broken == column.type else f" in {column.type}"
            message = f"column `{column.name}`: {text} is no {broken}{within}"
            return RecordFault(record, "type", message, ("columns", column.name))
    return None


class _TooLarge(ValueError):
    """A number that no float64 holds."""


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _TooLarge(text)
    return value


def _first_of_each(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    """An object as Polars' parser sees it: where a key stands twice, its first value counts."""
    return dict(reversed(pairs))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON value")


def _reason(error: Exception) -> str:
    match error:
        case UnicodeError():
            return "it is not UTF-8"
        case RecursionError():
            return "it is nested too deep"
        case json.JSONDecodeError(msg=message, lineno=line, colno=column):
            within = f"line {line} of it, " if line > 1 else ""
            return f"{message.lower().removesuffix(' at')} at {within}column {column}"
    return str(error)
