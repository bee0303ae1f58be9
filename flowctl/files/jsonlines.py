"""Records in JSON as splits, read by Polars.

Where its parser refuses a split, each record is looked at by itself: those that are no JSON object,
or hold a value of another type than their column, are at fault; the rest is read by the same parser
again. What that still refuses is found by halving.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from flowctl.dataclass import dataclass
from flowctl.dataflow import SUSPECT, Examined, Origin, RecordFault, Scan, Stretch
from flowctl.files.jsontypes import misfit_of, with_nonfinite
from flowctl.files.origins import Place
from flowctl.files.polars_quirks import REFUSALS, reason
from flowctl.files.spans import Positions, Spans, join, line_spans
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
class JsonText:
    """Records as lines for the parser, where each stands there and where in the chunk itself.

    A `doubtful` text has to be examined, since the parser might not refuse what is wrong in it.
    """

    data: bytes
    lines: Spans
    records: Spans
    doubtful: bool


def json_lines(data: bytes) -> JsonText:
    """NDJSON: blank lines are no records."""
    spans = _spans(data)
    return JsonText(data, spans, spans, doubtful=lone_surrogates(data))


@dataclass(frozen=True, slots=True)
class JsonSplit:
    """A run of records of one file; `noun` is what a record is called there."""

    columns: JsonColumns
    place: Place
    after: Json
    text: Callable[[bytes], JsonText] = json_lines
    noun: str = "line"

    @property
    def file(self) -> str:
        return self.place.file

    @property
    def size(self) -> int:
        return self.place.chunk.size

    def taken(self) -> Sequence[Stretch]:
        return self.place.taken()

    def scan(self, columns: Sequence[str], thorough: bool) -> Scan | None:
        text = self.text(self.place.chunk.data)
        if text.doubtful:
            return None
        frame = self.place.marked(self._parse(text.data), columns, lambda: text.records)
        made = self.columns.conversions.values()
        values = [conversion.quick for conversion in made if conversion.convert is not None]
        if doubts := suspects(self.columns.read(columns), columns):
            values.append(pl.any_horizontal(doubts).alias(SUSPECT))
        return Scan(len(text.records.ends), frame.with_columns(values))

    def examine(self, columns: Sequence[str]) -> Examined:
        found = self.text(self.place.chunk.data)
        spans = found.records
        read = self.columns.read(columns)
        faults = {fault.record: fault for fault in self._record_faults(spans, read)}
        sound = np.delete(np.arange(len(spans.ends)), list(faults))
        names = [conversion.column.name for conversion in read]
        for fault in self._refused(found, sound, names):
            faults[fault.record] = fault
        sound = np.delete(np.arange(len(spans.ends)), list(faults))
        text = join(found.data, found.lines, sound)
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
        return self.place.origins(self.text(self.place.chunk.data).records, records)

    def _parse(self, data: bytes, lenient: bool = False) -> pl.LazyFrame:
        return pl.scan_ndjson(data, schema=self.columns.parsed, ignore_errors=lenient)

    def _record_faults(
        self, spans: Spans, conversions: Sequence[Conversion]
    ) -> Iterator[RecordFault]:
        """Records that are no JSON object, and values of another type than their column."""
        data, noun = self.place.chunk.data, self.noun
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

    def _refused(
        self, found: JsonText, records: Positions, names: list[str]
    ) -> Iterator[RecordFault]:
        """The records that the parser refuses, although they look sound, found by halving."""
        if not len(records):
            return
        try:
            text = join(found.data, found.lines, records)
            pl.scan_ndjson(text, schema=self.columns.judged).select(names).collect()
        except REFUSALS as error:
            if len(records) == 1:
                yield RecordFault(int(records[0]), "type", reason(error))
                return
            middle = len(records) // 2
            yield from self._refused(found, records[:middle], names)
            yield from self._refused(found, records[middle:], names)


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


def lone_surrogates(data: bytes) -> bool:
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
