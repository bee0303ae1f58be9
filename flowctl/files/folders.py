"""Files whose folders tell the value of a column that does not stand in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol, cast

import polars as pl

from flowctl.codes.environment import HEADER
from flowctl.dataclass import dataclass
from flowctl.dataflow import BadInput, Examined, Origin, Reader, Scan, Split, Stretch
from flowctl.diagnostics import Fault
from flowctl.expressions.polars_types import polars_type
from flowctl.files.paths import DataFile
from flowctl.files.texttypes import conversion
from flowctl.records import Boolean, Column
from flowctl.syntax.node import Json


class FileSplit(Split, Protocol):
    """A split of one file."""

    @property
    def file(self) -> str:
        """The file as the workflow names it."""
        ...


@dataclass(frozen=True, slots=True)
class PartitionedFiles:
    """An opened source of files, with one row of further columns for each."""

    reader: Reader
    further: Mapping[str, pl.DataFrame]

    @classmethod
    def of(
        cls, reader: Reader, files: Iterable[DataFile], columns: Sequence[Column]
    ) -> PartitionedFiles:
        """Raises BadInput where a folder's name has no value of its column."""
        return cls(reader, {file.name: _row(file, columns) for file in files})

    @property
    def size(self) -> int | None:
        return self.reader.size

    def splits(self, target: int, start: Json = None) -> Iterator[Split]:
        for split in self.reader.splits(target, start):
            found = cast(FileSplit, split)
            yield PartitionedSplit(found, self.further[found.file])

    def close(self) -> None:
        self.reader.close()


def _row(file: DataFile, columns: Iterable[Column]) -> pl.DataFrame:
    texts = dict(file.parts)
    return pl.DataFrame([_value(file, column, texts[column.name]) for column in columns])


def _value(file: DataFile, column: Column, text: str | None) -> pl.Series:
    kind = polars_type(column.type)
    if text is None and column.nullable:
        return pl.Series(column.name, [None], dtype=kind)
    if text is not None:
        frame = pl.DataFrame({column.name: [text]})
        if isinstance(column.type, Boolean):
            words = pl.col(column.name).str.to_lowercase()
            value = words.replace_strict({"true": True, "false": False}, default=None)
        else:
            value = conversion(column).value.cast(kind, strict=False)
        found = frame.select(value.alias(column.name)).to_series()
        if not found.has_nulls():
            return found
    shown = "null" if text is None else f"`{text}`"
    message = f"`{file.name}`: the folder says {shown} of `{column.name}`, which is {column.type}"
    raise BadInput(Fault(HEADER, message), file.name)


@dataclass(frozen=True, slots=True)
class PartitionedSplit:
    """A split of a file; `further` is one row, which stands beside each record."""

    split: FileSplit
    further: pl.DataFrame

    @property
    def file(self) -> str:
        return self.split.file

    @property
    def size(self) -> int:
        return self.split.size

    @property
    def after(self) -> Json:
        return self.split.after

    def taken(self) -> Sequence[Stretch]:
        return self.split.taken()

    def scan(self, columns: Sequence[str]) -> Scan | None:
        scan = self.split.scan(self._own(columns))
        if scan is None:
            return None
        return Scan(scan.rows, scan.frame.with_columns(self._further()))

    def examine(self, columns: Sequence[str]) -> Examined:
        found = self.split.examine(self._own(columns))
        return Examined(found.rows, found.frame.with_columns(self._further()), found.faults)

    def origins(self, records: Sequence[int]) -> list[Origin]:
        return self.split.origins(records)

    def _own(self, columns: Sequence[str]) -> list[str]:
        return [name for name in columns if name not in self.further.columns]

    def _further(self) -> list[pl.Expr]:
        return [
            pl.lit(self.further.item(0, name), dtype=kind).alias(name)
            for name, kind in self.further.schema.items()
        ]
