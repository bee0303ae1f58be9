"""A split of delimited text, read with care: which records are at fault, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from flowctl.dataflow import Examined, RecordFault
from flowctl.files.spans import Spans, join, not_utf8
from flowctl.files.textfaults import value_faults

if TYPE_CHECKING:
    from flowctl.files.delimited import CsvSplit


def examine(split: CsvSplit, columns: Sequence[str]) -> Examined:
    """The sound records of a split, and what is wrong with each of the others."""
    spans = split.spans()
    faults = {fault.record: fault for fault in _structural_faults(split, spans)}
    sound = np.delete(np.arange(len(spans.ends)), list(faults))
    data = join(split.chunk.data, spans, sound)
    conversions = split.reader.conversions.values()
    types = {made.column.name: made.parsed for made in conversions}
    parsed = split.parse(data, types, lenient=True)
    # First with_columns: a select of constants alone would be a frame of one row.
    converted = parsed.with_columns(made.value for made in conversions)
    values = converted.select(list(types)).collect()
    texts = split.parse(data, dict.fromkeys(types, pl.String())).select(list(types)).collect()
    bad = value_faults(values, texts, split.read(columns))
    for row, fault in bad.items():
        faults[int(sound[row])] = replace(fault, record=int(sound[row]))
    frame = split.place.marked_rows(values, columns, spans, sound)
    kept = np.delete(np.arange(len(sound)), list(bad))
    return Examined(
        len(spans.ends), frame[kept], tuple(faults[record] for record in sorted(faults))
    )


def _structural_faults(split: CsvSplit, spans: Spans) -> Iterator[RecordFault]:
    wanted = len(split.names)
    uneven = spans.fields != wanted
    wrong = uneven | spans.stray | not_utf8(split.chunk.data, spans)
    for record in np.flatnonzero(wrong).tolist():
        if spans.stray[record]:
            message = 'a quote stands where none may; `quote: ""` reads quotes as text'
            yield RecordFault(record, "quotes", message)
        elif uneven[record]:
            number = int(spans.fields[record])
            found = "1 field" if number == 1 else f"{number} fields"
            allowed = "there is 1 column" if wanted == 1 else f"there are {wanted} columns"
            yield RecordFault(record, "fields", f"the record has {found}, but {allowed}")
        else:
            yield RecordFault(record, "encoding", "the record is not UTF-8")
