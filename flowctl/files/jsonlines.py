"""NDJSON as splits, read by Polars.

Where its parser refuses a split, each line is looked at by itself: those that are no JSON object,
or hold a value of another type than their column, are at fault; the rest is read by the same parser
again. What that still refuses is found by halving.
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
from flowctl.dataflow import SUSPECT, Examined, Origin, RecordFault, Scan, Stretch
from flowctl.files.jsontypes import misfit_of, with_nonfinite
from flowctl.files.lines import after
from flowctl.files.origins import Place, join, line_spans
from flowctl.files.polars_quirks import REFUSALS, reason
from flowctl.files.structure import Positions, Spans
from flowctl.files.textfaults import shown, value_faults
from flowctl.files.texttypes import Conversion, suspects
from flowctl.records import Float
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsType


@dataclass(frozen=True, slots=True)
class JsonColumns:
    """What the columns become; those in `always` are read even where nothing uses them."""

    conversions: dict[str, Conversion]
    always: frozenset[str] = frozenset()

    @property
    def parsed(self) -> dict[str, PolarsType]:
        """What the parser reads."""
        return {name: made.parsed for name, made in self.conversions.items()}

    @property
    def judged(self) -> dict[str, PolarsType]:
        """The same with text for floats, which may be `"NaN"`: that they fit is known before."""
        floats = {
            name for name, made in self.conversions.items() if isinstance(made.column.type, Float)
        }
        return self.parsed | dict.fromkeys(floats, pl.String())

    def read(self, columns: Sequence[str]) -> list[Conversion]:
        """The columns that can be at fault."""
        wanted = self.always.union(columns)
        return [made for name, made in self.conversions.items() if name in wanted]


@dataclass(frozen=True, slots=True)
class JsonSplit:
    """A run of lines of one file; blank ones are no records."""

    columns: JsonColumns
    index: int
    place: Place

    @property
    def size(self) -> int:
        return self.place.chunk.size

    @property
    def after(self) -> Json:
        return after(self.index, self.place.chunk)

    def taken(self) -> Sequence[Stretch]:
        return self.place.taken()

    def scan(self, columns: Sequence[str], thorough: bool) -> Scan | None:
        data = self.place.chunk.data
        spans = _spans(data)
        if _lone_surrogates(data):
            return None
        frame = self.place.marked(self._parse(data), columns, lambda: spans)
        made = self.columns.conversions.values()
        values = [conversion.quick for conversion in made if conversion.convert is not None]
        if doubts := suspects(self.columns.read(columns), columns):
            values.append(pl.any_horizontal(doubts).alias(SUSPECT))
        return Scan(len(spans.ends), frame.with_columns(values))

    def examine(self, columns: Sequence[str]) -> Examined:
        data = self.place.chunk.data
        spans = _spans(data)
        read = self.columns.read(columns)
        faults = {fault.record: fault for fault in _line_faults(data, spans, read)}
        sound = np.delete(np.arange(len(spans.ends)), list(faults))
        names = [conversion.column.name for conversion in read]
        for fault in self._refused(data, spans, sound, names):
            faults[fault.record] = fault
        sound = np.delete(np.arange(len(spans.ends)), list(faults))
        text = join(data, spans, sound)
        made = self.columns.conversions.values()
        # First with_columns: a select of constants alone would be a frame of one row.
        converted = self._parse(text, lenient=True).with_columns(each.value for each in made)
        values = converted.select(list(self.columns.conversions)).collect()
        texts = pl.scan_ndjson(
            text, schema={each.column.name: pl.String() for each in made}
        ).collect()
        values = with_nonfinite(values, texts, (each.column for each in made))
        bad = value_faults(values, texts, read)
        for row, fault in bad.items():
            faults[int(sound[row])] = replace(fault, record=int(sound[row]))
        kept = np.delete(np.arange(len(sound)), list(bad))
        frame = self.place.marked_rows(values, columns, spans, sound)
        return Examined(
            len(spans.ends), frame[kept], tuple(faults[record] for record in sorted(faults))
        )

    def origins(self, records: Sequence[int]) -> list[Origin]:
        return self.place.origins(_spans(self.place.chunk.data), records)

    def _parse(self, data: bytes, lenient: bool = False) -> pl.LazyFrame:
        return pl.scan_ndjson(data, schema=self.columns.parsed, ignore_errors=lenient)

    def _refused(
        self, data: bytes, spans: Spans, records: Positions, names: list[str]
    ) -> Iterator[RecordFault]:
        """The records that the parser refuses, although they look sound, found by halving."""
        if not len(records):
            return
        try:
            text = join(data, spans, records)
            pl.scan_ndjson(text, schema=self.columns.judged).select(names).collect()
        except REFUSALS as error:
            if len(records) == 1:
                yield RecordFault(int(records[0]), "type", reason(error))
                return
            middle = len(records) // 2
            yield from self._refused(data, spans, records[:middle], names)
            yield from self._refused(data, spans, records[middle:], names)


def _spans(data: bytes) -> Spans:
    """The lines that are not blank."""
    spans = line_spans(data)
    first = np.frombuffer(data, np.uint8)[spans.starts]
    kept = first == ord("{")
    for line in np.flatnonzero(~kept).tolist():
        kept[line] = bool(data[spans.starts[line] : spans.ends[line]].strip())
    if kept.all():
        return spans
    return Spans(spans.starts[kept], spans.ends[kept], spans.fields[kept], spans.stray[kept])


def _lone_surrogates(data: bytes) -> bool:
    """Whether an escape may stand for half a character, which the parser reads as NUL."""
    if b"\\" not in data:
        return False
    raw = np.frombuffer(data + b"\0" * 12, np.uint8)
    escapes = np.flatnonzero(raw == ord("\\"))
    escapes = escapes[(raw[escapes + 1] == ord("u")) & (raw[escapes + 2] | 32 == ord("d"))]
    digit = raw[escapes + 3] | 32
    low = (digit >= ord("c")) & (digit <= ord("f"))
    high = (digit == ord("8")) | (digit == ord("9")) | (digit == ord("a")) | (digit == ord("b"))
    return not np.array_equal(escapes[high] + 6, escapes[low])


def _line_faults(
    data: bytes, spans: Spans, conversions: Sequence[Conversion]
) -> Iterator[RecordFault]:
    """Lines that are no JSON object, and values that are of another type than their column."""
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
            yield RecordFault(record, "type", f"the number {shown(str(error))} is beyond float64")
            continue
        except (ValueError, RecursionError) as error:
            message = f"the line is no JSON: {_reason(error)}"
            yield RecordFault(record, "syntax", message)
            continue
        if not isinstance(found, dict):
            yield RecordFault(record, "syntax", "the line is no JSON object")
            continue
        fault = _misfit_fault(record, found, conversions)
        if fault is not None:
            yield fault


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
        case json.JSONDecodeError(msg=message, colno=column):
            return f"{message.lower()} at column {column}"
    return str(error)
