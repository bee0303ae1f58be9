"""Records as delimited text and as JSON lines."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from flowctl.dataclass import dataclass
from flowctl.dataflow import Part
from flowctl.diagnostics import Fault
from flowctl.files.appending import other_header
from flowctl.files.compressing import compressed
from flowctl.files.nonfinite import restored
from flowctl.files.paths import DataFile

_MOMENT = "%Y-%m-%d %H:%M:%S%.f"


@dataclass(frozen=True, slots=True)
class DelimitedWriter:
    """Writes RFC 4180: null is an empty field, empty text is `""`, so both come back."""

    path: str
    names: tuple[str, ...]
    delimiter: str = ","
    header: bool = True
    rows: int = 0

    def begin(self) -> bytes:
        if not self.header:
            return b""
        return self._text(pl.DataFrame(schema=dict.fromkeys(self.names, pl.String())), header=True)

    def encode(self, frame: pl.DataFrame) -> Part:
        return Part(self._text(frame, header=False))

    def finish(self, footers: Sequence[tuple[int, bytes]]) -> bytes:
        return b""

    def misfit(self, path: Path, name: str) -> Fault | None:
        if not self.header:
            return None
        return other_header(DataFile(path, name), self.names, self.delimiter)

    def _text(self, frame: pl.DataFrame, header: bool) -> bytes:
        buffer = io.BytesIO()
        _with_offsets(frame).write_csv(
            buffer,
            include_header=header,
            separator=self.delimiter,
            datetime_format=_MOMENT,
            time_format="%H:%M:%S%.f",
        )
        return compressed(buffer.getvalue(), self.path)


def _with_offsets(frame: pl.DataFrame) -> pl.DataFrame:
    """Instants as text with their offset from UTC, without which they would come back as others."""
    zoned = [
        pl.col(name).dt.to_string(f"{_MOMENT}%:z")
        for name, kind in frame.schema.items()
        if isinstance(kind, pl.Datetime) and kind.time_zone is not None
    ]
    return frame.with_columns(zoned) if zoned else frame


@dataclass(frozen=True, slots=True)
class JsonLinesWriter:
    """Writes one JSON object a line; NaN and infinity, which JSON does not have, as texts."""

    path: str
    rows: int = 0

    def begin(self) -> bytes:
        return b""

    def encode(self, frame: pl.DataFrame) -> Part:
        return Part(compressed(_lines(frame), self.path))

    def finish(self, footers: Sequence[tuple[int, bytes]]) -> bytes:
        return b""

    def misfit(self, path: Path, name: str) -> Fault | None:
        return None


@dataclass(frozen=True, slots=True)
class JsonArrayWriter:
    """Writes the same objects as an array, of which each stands on a line."""

    path: str
    rows: int = 0

    def begin(self) -> bytes:
        return compressed(b"[", self.path)

    def encode(self, frame: pl.DataFrame) -> Part:
        # Within texts and names, line ends are escaped.
        objects = _lines(frame).rstrip(b"\n").replace(b"\n", b",\n")
        return Part(compressed(objects, self.path), between=compressed(b",\n", self.path))

    def finish(self, footers: Sequence[tuple[int, bytes]]) -> bytes:
        return compressed(b"]\n", self.path)


def _lines(frame: pl.DataFrame) -> bytes:
    """Records as JSON, each with a line's end behind it."""
    buffer = io.BytesIO()
    frame.write_ndjson(buffer)
    return restored(buffer.getvalue(), frame)


@dataclass(frozen=True, slots=True)
class LineWriter:
    """Writes the one column as lines."""

    path: str
    rows: int = 0

    def begin(self) -> bytes:
        return b""

    def encode(self, frame: pl.DataFrame) -> Part:
        lines = frame.to_series().cast(pl.String).fill_null("")
        text = "".join(f"{line}\n" for line in lines)
        return Part(compressed(text.encode(), self.path))

    def finish(self, footers: Sequence[tuple[int, bytes]]) -> bytes:
        return b""

    def misfit(self, path: Path, name: str) -> Fault | None:
        return None
