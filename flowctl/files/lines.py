"""Files whose records are lines, as splits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import polars as pl

from flowctl.dataclass import dataclass
from flowctl.dataflow import Examined, Origin, RecordFault, Scan, Split, Stretch
from flowctl.files.cutting import Chunk, cut
from flowctl.files.origins import Place
from flowctl.files.paths import DataFile
from flowctl.files.polars_quirks import seems_packed
from flowctl.files.streams import ByteStream, open_stream
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    from flowctl.files.spans import Spans

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class LineFiles:
    """An opened source of lines; `make` turns a chunk of the file with this index into a split.

    `opened` gives the bytes of a file in an encoding.
    """

    files: tuple[DataFile, ...]
    make: Callable[[int, Place], Split]
    encoding: str = "utf-8"
    size: int | None = None
    opened: Callable[[DataFile, str], ByteStream] = open_stream

    def splits(self, target: int, start: Json = None) -> Iterator[Split]:
        first, offset, line = _position(start)
        for index in range(first, len(self.files)):
            for chunk in self._chunks(self.files[index], target, offset, line):
                yield self.make(index, Place(self.files[index].name, chunk))
            offset, line = 0, 1

    def _chunks(self, file: DataFile, target: int, offset: int, line: int) -> Iterator[Chunk]:
        stream = self.opened(file, self.encoding)
        try:
            before = b""
            if offset == 0 and stream.peek(0, 3) == _BYTE_ORDER_MARK:
                before, offset = _BYTE_ORDER_MARK, len(_BYTE_ORDER_MARK)
            stream.skip(offset)
            yield from cut(stream, file.name, target, None, offset, line, before)
        finally:
            stream.close()

    def close(self) -> None:
        pass


def _position(start: Json) -> tuple[int, int, int]:
    if isinstance(start, list):
        index, offset, line = (part for part in start if isinstance(part, int))
        return index, offset, line
    return 0, 0, 1


def after(index: int, chunk: Chunk) -> Json:
    """The position behind a chunk."""
    return [index, chunk.offset + len(chunk.data), chunk.line + chunk.lines]


@dataclass(frozen=True, slots=True)
class TextSplit:
    """Lines as they are, in a column `line`."""

    index: int
    place: Place

    @property
    def file(self) -> str:
        return self.place.file

    @property
    def size(self) -> int:
        return self.place.chunk.size

    @property
    def after(self) -> Json:
        return after(self.index, self.place.chunk)

    def taken(self) -> Sequence[Stretch]:
        return self.place.taken()

    def scan(self, columns: Sequence[str]) -> Scan:
        chunk = self.place.chunk
        frame = _lines(chunk.data)
        return Scan(chunk.records, self.place.marked(frame, columns, self._spans))

    def examine(self, columns: Sequence[str]) -> Examined:
        import numpy as np

        from flowctl.files.spans import join, not_utf8

        data, spans = self.place.chunk.data, self._spans()
        bad = np.flatnonzero(not_utf8(data, spans))
        sound = np.delete(np.arange(len(spans.ends)), bad)
        frame = _lines(join(data, spans, sound)).collect()
        message = "the line is not UTF-8; say how the file is encoded: `encoding: latin-1`"
        return Examined(
            len(spans.ends),
            self.place.marked_rows(frame, columns, spans, sound),
            tuple(RecordFault(record, "encoding", message) for record in bad.tolist()),
        )

    def origins(self, records: Sequence[int]) -> list[Origin]:
        return self.place.origins(self._spans(), records)

    def _spans(self) -> Spans:
        from flowctl.files.spans import line_spans

        return line_spans(self.place.chunk.data)


def _lines(text: bytes) -> pl.LazyFrame:
    if seems_packed(text):
        return pl.scan_lines(b"\n" + text, name="line").slice(1)
    return pl.scan_lines(text, name="line")
