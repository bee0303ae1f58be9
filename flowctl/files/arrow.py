"""Arrow files and streams as splits of whole record batches."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
from polars.io.plugins import register_io_source

from flowctl.codes.environment import DAMAGED, HEADER
from flowctl.dataclass import dataclass
from flowctl.dataflow import RECORD, BadInput, Examined, Origin, Scan, Split, Stretch
from flowctl.diagnostics import Fault
from flowctl.expressions.polars_types import schema_of
from flowctl.files.arrowframes import Batch, Frames, find_frames, stream_of
from flowctl.files.columnar import as_typed, check_columns, examined, numbered, origins_in
from flowctl.files.fingerprints import stretch_of_file
from flowctl.files.paths import DataFile
from flowctl.files.polars_quirks import REFUSALS, reason
from flowctl.files.streams import unreadable
from flowctl.records import Schema
from flowctl.syntax.node import Json


def schema_of_arrow(file: DataFile) -> Schema:
    """The columns of an Arrow file; raises BadInput on one that cannot be read."""
    return _schema(file, find_frames(file))


def _schema(file: DataFile, frames: Frames) -> Schema:
    try:
        return schema_of(_read(stream_of(frames.schema), None))
    except REFUSALS as error:
        message = f"`{file.name}` is no whole Arrow file: {reason(error)}"
        raise BadInput(Fault(DAMAGED, message), file.name) from error
    except TypeError as error:
        raise BadInput(Fault(HEADER, f"`{file.name}`: {error}"), file.name) from error


def _read(stream: bytes, columns: list[str] | None) -> pl.DataFrame:
    return pl.read_ipc_stream(io.BytesIO(stream), columns=columns)


@dataclass(frozen=True, slots=True)
class ArrowFiles:
    """An opened Arrow source; all files have the columns of `schema`, in any order."""

    files: tuple[DataFile, ...]
    schema: Schema
    size: int | None

    def splits(self, target: int, start: Json = None) -> Iterator[Split]:
        first, rows = _position(start)
        for index in range(first, len(self.files)):
            file = self.files[index]
            frames = find_frames(file)
            check_columns(file, _schema(file, frames), self.schema)
            for split in self._splits_of(index, frames, target):
                if split.start >= rows:
                    yield split
            rows = 0

    def _splits_of(self, index: int, frames: Frames, target: int) -> Iterator[ArrowSplit]:
        """Batches are read together until they come to `target` bytes."""
        start = rows = size = 0
        batches: list[Batch] = []
        ends: tuple[tuple[int, int], ...] = (frames.ends,)
        records = [batch for batch in frames.batches if not batch.dictionary]
        for number, batch in enumerate(records, 1):
            batches.append(batch)
            rows += batch.rows
            size += batch.end - batch.start
            if size >= target or number == len(records):
                if rows:
                    used = (*frames.dictionaries(batch.start), *batches)
                    yield ArrowSplit(self, index, start, rows, size, frames.schema, used, ends)
                    ends = ()
                batches, start, rows, size = [], start + rows, 0, 0

    def close(self) -> None:
        pass


def _position(start: Json) -> tuple[int, int]:
    if isinstance(start, list):
        index, rows = (part for part in start if isinstance(part, int))
        return index, rows
    return 0, 0


@dataclass(frozen=True, slots=True)
class ArrowSplit:
    """A run of record batches, with the dictionaries before them; records have no lines.

    `ends` are the bytes that tell of the whole file, with its first split.
    """

    reader: ArrowFiles
    index: int
    start: int
    rows: int
    size: int
    schema: bytes
    batches: tuple[Batch, ...]
    ends: tuple[tuple[int, int], ...]

    @property
    def file(self) -> str:
        return self._file.name

    @property
    def after(self) -> Json:
        return [self.index, self.start + self.rows]

    def taken(self) -> Sequence[Stretch]:
        file, next = self._file, self.start + self.rows + 1
        places = (*self.ends, *((batch.start, batch.end) for batch in self.batches))
        return tuple(
            stretch_of_file(file.path, file.name, start, end, next) for start, end in places
        )

    @property
    def _file(self) -> DataFile:
        return self.reader.files[self.index]

    def scan(self, columns: Sequence[str]) -> Scan:
        return Scan(self.rows, numbered(self._frame(), self._file.name, self.start, columns))

    def examine(self, columns: Sequence[str]) -> Examined:
        scan = self.scan([*columns, RECORD])
        return examined(self.rows, scan.frame, self.file)

    def origins(self, records: Sequence[int]) -> list[Origin]:
        return origins_in(self._frame(), self.file, self.start, records)

    def _frame(self) -> pl.LazyFrame:
        """The columns that a query asks for are the only ones that are decoded."""
        types = _read(stream_of(self.schema), None).schema

        def read(
            wanted: list[str] | None,
            predicate: pl.Expr | None,
            limit: int | None,
            size: int | None,
        ) -> Iterator[pl.DataFrame]:
            frame = _read(stream_of(self.schema, self._messages()), wanted)
            if wanted is not None:
                frame = frame.select(wanted)
            frame = frame if limit is None else frame.head(limit)
            yield frame if predicate is None else frame.filter(predicate)

        return as_typed(register_io_source(read, schema=types), self.reader.schema)

    def _messages(self) -> list[bytes]:
        path = self._file.path
        try:
            with Path(path).open("rb") as file:
                return [_at(file, batch) for batch in self.batches]
        except OSError as error:
            raise unreadable(self._file.name, error) from error


def _at(file: io.BufferedReader, batch: Batch) -> bytes:
    file.seek(batch.start)
    return file.read(batch.end - batch.start)
