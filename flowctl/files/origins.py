"""Where the records of a chunk of text stand in their file."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from flowctl.dataclass import dataclass
from flowctl.dataflow import RECORD, SOURCE_FILE, SOURCE_LINE, Origin, Stretch
from flowctl.files.cutting import Chunk
from flowctl.files.fingerprints import digest_of
from flowctl.files.streams import Packed
from flowctl.files.structure import NEWLINE, Positions, Spans, lines_before


@dataclass(frozen=True, slots=True)
class Place:
    """A chunk in the file that the workflow names so.

    `behind` is the number of the record behind it, from 1, where lines do not tell records.
    """

    file: str
    chunk: Chunk
    behind: int | None = None

    def taken(self) -> tuple[Stretch, ...]:
        """The chunk as what was read, with what stands before the first record."""
        chunk = self.chunk
        packed = chunk.packed or Packed(
            chunk.offset - len(chunk.before),
            chunk.offset + len(chunk.data),
            digest_of(chunk.before, chunk.data),
        )
        run, raw = (packed.start, packed.end), chunk.packed is not None
        if self.behind is not None:
            digest = packed.digest
            return (Stretch(self.file, *run, self.behind, digest, raw=raw, counted="records"),)
        line, unended = chunk.line + chunk.lines, chunk.data[-1:] != b"\n"
        return (Stretch(self.file, *run, line, packed.digest, raw=raw, unended=unended),)

    def origins(self, spans: Spans, records: Sequence[int]) -> list[Origin]:
        """Where these records stand."""
        data = self.chunk.data
        lines = self._lines(spans.starts[list(records)]).tolist()
        return [
            Origin(
                self.file,
                line,
                self.chunk.offset + int(spans.starts[record]),
                spans.bytes_of(data, record).decode(errors="replace"),
            )
            for record, line in zip(records, lines, strict=True)
        ]

    def marked(
        self, frame: pl.LazyFrame, columns: Sequence[str], spans: Callable[[], Spans]
    ) -> pl.LazyFrame:
        """The frame of all records with those of the engine's columns that are asked for."""
        if SOURCE_FILE in columns:
            frame = frame.with_columns(pl.lit(self.file).alias(SOURCE_FILE))
        if SOURCE_LINE in columns:
            lines = pl.lit(pl.Series(self._lines(spans().starts), dtype=pl.Int64))
            frame = frame.with_columns(lines.gather(pl.int_range(pl.len())).alias(SOURCE_LINE))
        if RECORD in columns:
            frame = frame.with_columns(pl.int_range(pl.len()).alias(RECORD))
        return frame

    def marked_rows(
        self, frame: pl.DataFrame, columns: Sequence[str], spans: Spans, records: Positions
    ) -> pl.DataFrame:
        """The frame of these records with RECORD and what else is asked for."""
        found = [pl.Series(RECORD, records, dtype=pl.Int64)]
        if SOURCE_FILE in columns:
            found.append(pl.repeat(self.file, frame.height, eager=True).alias(SOURCE_FILE))
        if SOURCE_LINE in columns:
            lines = self._lines(spans.starts[records])
            found.append(pl.Series(SOURCE_LINE, lines, dtype=pl.Int64))
        return frame.with_columns(found)

    def _lines(self, starts: Positions) -> Positions:
        return self.chunk.line + lines_before(self.chunk.data, starts)


def line_spans(data: bytes) -> Spans:
    """Every line as a record."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == NEWLINE) + 1
    if data[-1:] != b"\n":
        ends = np.append(ends, len(data))
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
    return Spans(starts, ends, np.ones_like(ends), np.zeros(len(ends), np.bool_))


def not_utf8(data: bytes, spans: Spans) -> npt.NDArray[np.bool_]:
    """Which records are not UTF-8."""
    found = np.zeros(len(spans.ends), np.bool_)
    try:
        data.decode()
    except UnicodeDecodeError:
        for record in range(len(found)):
            try:
                spans.bytes_of(data, record).decode()
            except UnicodeDecodeError:
                found[record] = True
    return found


def join(data: bytes, spans: Spans, records: Positions) -> bytes:
    """The text of these records alone."""
    if not len(records):
        return b""
    starts, ends = spans.starts[records], spans.ends[records]
    breaks = starts[1:] != ends[:-1]
    firsts = starts[np.concatenate(([True], breaks))].tolist()
    lasts = ends[np.concatenate((breaks, [True]))].tolist()
    return b"".join(data[first:last] for first, last in zip(firsts, lasts, strict=True))
