"""Parquet files as splits of whole row groups, and a single one that grows part by part."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from flowctl.codes.environment import DAMAGED, HEADER, NOT_JOINED
from flowctl.dataclass import dataclass
from flowctl.dataflow import RECORD, BadInput, Examined, Joined, Origin, Part, Scan, Split, Stretch
from flowctl.diagnostics import Fault
from flowctl.expressions.polars_types import polars_type, schema_of
from flowctl.files.appending import other_columns
from flowctl.files.columnar import as_typed, check_columns, examined, numbered, origins_in
from flowctl.files.fingerprints import stretch_of_file
from flowctl.files.footers import (
    MAGIC,
    body_of,
    columns_of,
    put_together,
    row_groups,
    take_apart,
)
from flowctl.files.paths import DataFile
from flowctl.files.polars_quirks import REFUSALS, reason
from flowctl.files.streams import unreadable
from flowctl.ordinary import open_file
from flowctl.records import Schema
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    from polars._typing import ParquetCompression

ROW_GROUP = 100_000
"""Records that a row group has at least, but for the last: fewer compress badly."""


def schema_of_file(path: Path) -> Schema:
    """The columns of a Parquet file; raises BadInput on one that cannot be read."""
    try:
        os.close(open_file(path))
        return schema_of(pl.scan_parquet(path, glob=False, hive_partitioning=False))
    except OSError as error:
        raise unreadable(path.name, error) from error
    except REFUSALS as error:
        message = f"`{path.name}` is no whole Parquet file: {reason(error)}"
        raise BadInput(Fault(DAMAGED, message), path.name) from error
    except TypeError as error:
        raise BadInput(Fault(HEADER, f"`{path.name}`: {error}"), path.name) from error


@dataclass(frozen=True, slots=True)
class ParquetFiles:
    """An opened Parquet source; all files have the columns of `schema`, in any order."""

    files: tuple[DataFile, ...]
    schema: Schema
    size: int | None

    def splits(self, target: int, start: Json = None) -> Iterator[Split]:
        first, rows = _position(start)
        for index in range(first, len(self.files)):
            file = self.files[index]
            check_columns(file, schema_of_file(file.path), self.schema)
            for split in self._splits_of(index, target):
                if split.start >= rows:
                    yield split
            rows = 0

    def _splits_of(self, index: int, target: int) -> Iterator[ParquetSplit]:
        """Row groups are read together until they come to `target` bytes, uncompressed."""
        file = self.files[index]
        groups = row_groups(file.path, file.name)
        file_size = file.path.stat().st_size
        whole = sum(group.bytes for group in groups) or 1
        start = rows = size = 0
        places = [(groups[-1].end, file_size)] if groups else []
        for number, group in enumerate(groups, 1):
            rows += group.rows
            size += group.bytes
            places.append((group.start, group.end))
            if size >= target or number == len(groups):
                if rows:
                    share = size * file_size // whole
                    yield ParquetSplit(self, index, start, rows, share, tuple(places))
                    places = []
                start, rows, size = start + rows, 0, 0

    def close(self) -> None:
        pass


def _position(start: Json) -> tuple[int, int]:
    if isinstance(start, list):
        index, rows = (part for part in start if isinstance(part, int))
        return index, rows
    return 0, 0


@dataclass(frozen=True, slots=True)
class ParquetSplit:
    """A run of whole row groups; `line` counts records, since no record has a line."""

    reader: ParquetFiles
    index: int
    start: int
    rows: int
    size: int
    bytes: tuple[tuple[int, int], ...]

    @property
    def file(self) -> str:
        return self._file.name

    @property
    def after(self) -> Json:
        return [self.index, self.start + self.rows]

    def taken(self) -> Sequence[Stretch]:
        """The row groups' bytes; with the first ones the footer, which names their places."""
        file, next = self._file, self.start + self.rows + 1
        return tuple(
            stretch_of_file(file.path, file.name, start, end, next) for start, end in self.bytes
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
        frame = pl.scan_parquet(self._file.path, glob=False, hive_partitioning=False)
        return as_typed(frame.slice(self.start, self.rows), self.reader.schema)


@dataclass(frozen=True)
class ParquetWriter:
    """Writes one Parquet file out of parts that were encoded by themselves."""

    schema: Schema
    compression: ParquetCompression = "zstd"
    rows: int = ROW_GROUP

    def begin(self) -> bytes:
        return MAGIC

    def encode(self, frame: pl.DataFrame) -> Part:
        return Part(*take_apart(self._file(frame)))

    def finish(self, footers: Sequence[tuple[int, bytes]]) -> bytes:
        return put_together(footers, self._empty)

    def misfit(self, path: Path, name: str) -> Fault | None:
        try:
            row_groups(path, name)
        except BadInput as error:
            return error.fault
        return other_columns(schema_of_file(path), self.schema, name)

    def joined(self, old: Path, new: Path) -> Joined:
        before, footer = body_of(old, old.name)
        end, added = body_of(new, new.name)
        if columns_of(footer) != columns_of(added):
            raise BadInput(Fault(NOT_JOINED, f"`{old.name}` has other columns, or types of them"))
        tail = put_together([(len(MAGIC), footer), (before, added)], added)
        return Joined(before, len(MAGIC), end, tail)

    @cached_property
    def _empty(self) -> bytes:
        types = {column.name: polars_type(column.type) for column in self.schema}
        return take_apart(self._file(pl.DataFrame(schema=types)))[1]

    def _file(self, frame: pl.DataFrame) -> bytes:
        buffer = io.BytesIO()
        frame.write_parquet(
            buffer, compression=self.compression, row_group_size=max(1, frame.height)
        )
        return buffer.getvalue()
