"""Records as delimited text and as JSON lines."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from flowctl.dataflow import Part
from flowctl.files.compressing import compressed


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

    def _text(self, frame: pl.DataFrame, header: bool) -> bytes:
        buffer = io.BytesIO()
        frame.write_csv(
            buffer,
            include_header=header,
            separator=self.delimiter,
            datetime_format="%Y-%m-%d %H:%M:%S%.6f",
        )
        return compressed(buffer.getvalue(), self.path)


@dataclass(frozen=True, slots=True)
class JsonLinesWriter:
    """Writes one JSON object a line."""

    path: str
    rows: int = 0

    def begin(self) -> bytes:
        return b""

    def encode(self, frame: pl.DataFrame) -> Part:
        buffer = io.BytesIO()
        frame.write_ndjson(buffer)
        return Part(compressed(buffer.getvalue(), self.path))

    def finish(self, footers: Sequence[tuple[int, bytes]]) -> bytes:
        return b""
