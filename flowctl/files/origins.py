"""Where the records of a chunk of text stand in their file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import polars as pl

from flowctl.dataclass import dataclass
from flowctl.dataflow import RECORD, SOURCE_FILE, SOURCE_LINE, Origin, Stretch
from flowctl.files.cutting import Chunk
from flowctl.files.fingerprints import digest_of
from flowctl.files.streams import Packed

if TYPE_CHECKING:
    from flowctl.files.spans import Positions, Spans


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
        from flowctl.files.spans import lines_before

        return self.chunk.line + lines_before(self.chunk.data, starts)
