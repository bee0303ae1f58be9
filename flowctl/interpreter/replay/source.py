"""Reads the records of rejects as the step's own source would, each at the place where it stood.

The records lie in files below the run's work folder, one for each file that they come from, since
columns may stand in another order in each.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import polars as pl

from flowctl.codec import decode, encode
from flowctl.component import Arguments, Situation, Source, Typed
from flowctl.dataclass import dataclass
from flowctl.dataflow import (
    SOURCE_FILE,
    SOURCE_LINE,
    Examined,
    Origin,
    Reader,
    Scan,
    Split,
    Stretch,
)
from flowctl.files.paths import DataFile, expand
from flowctl.plan import canonical
from flowctl.records import Schema
from flowctl.registry import Registry
from flowctl.syntax.node import Json

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Stood:
    """Where a record stood that begins at a byte and a line of the file it was copied to."""

    at: int
    at_line: int
    line: int | None
    offset: int | None


@dataclass(frozen=True, slots=True)
class Copied:
    """Records of one file: `path` is where they are now, `file` the one that they come from.

    A source of the kind `kind` reads them with `arguments`.
    """

    path: str
    file: str
    kind: str
    arguments: dict[str, Json]
    stood: tuple[Stood, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that a step replays; `columns` are those of its source."""

    columns: tuple[tuple[str, str], ...]
    files: tuple[Copied, ...]

    def to_bytes(self) -> bytes:
        return canonical(encode(self)).encode()


def read_manifest(base: Path, arguments: Arguments) -> Manifest:
    """The manifest that a source's arguments name; raises OSError."""
    return decode(Manifest, json.loads((base / str(arguments["replay"])).read_text("utf-8")))


def replaying(registry: Registry, base: Path) -> Registry:
    """The registry with sources that replay in a workflow's folder."""
    sources = {
        kind: _replaying(source, registry, base) for kind, source in registry.sources.items()
    }
    return replace(registry, sources=sources)


def _replaying(source: Source, registry: Registry, base: Path) -> Source:
    def rule(arguments: Arguments, situation: Situation) -> Typed:
        columns = arguments["columns"]
        return Typed(dict(arguments), Schema.of(dict(columns)))  # type: ignore[arg-type]

    def open(arguments: Arguments, schema: Schema, files: tuple[DataFile, ...]) -> Reader:
        return ReplayedFiles(read_manifest(base, arguments).files, schema, base, registry.sources)

    def paths(arguments: Arguments) -> tuple[str, ...]:
        listed = arguments["files"]
        return tuple(map(str, listed)) if isinstance(listed, list) else ()

    return Source(source.spec, rule, open, paths)


@dataclass(frozen=True, slots=True)
class ReplayedFiles:
    """The records of rejects as splits; a position is the file's number and that within it."""

    files: Sequence[Copied]
    schema: Schema
    base: Path
    sources: Mapping[str, Source]
    size: int | None = None

    def splits(self, target: int, start: Json = None) -> Iterator[Split]:
        first, within = start if isinstance(start, list) else (0, None)
        for number in range(first if isinstance(first, int) else 0, len(self.files)):
            file = self.files[number]
            arguments = {**file.arguments, file.kind: file.path}
            source = self.sources[file.kind]
            found = expand(self.base, [file.path], source.endings)
            reader = source.open(arguments, self.schema, found)
            try:
                for split in reader.splits(target, within):
                    yield ReplayedSplit(split, number, file)
            finally:
                reader.close()
            within = None

    def close(self) -> None:
        pass


@dataclass(frozen=True)
class ReplayedSplit:
    """Records that tell the place where they stood, not that where they are."""

    split: Split
    number: int
    file: Copied

    @property
    def size(self) -> int:
        return self.split.size

    @property
    def after(self) -> Json:
        return [self.number, self.split.after]

    def taken(self) -> Sequence[Stretch]:
        return self.split.taken()

    def scan(self, columns: Sequence[str]) -> Scan | None:
        scan = self.split.scan(columns)
        return replace(scan, frame=self._placed(scan.frame, columns)) if scan is not None else None

    def examine(self, columns: Sequence[str]) -> Examined:
        examined = self.split.examine(columns)
        return replace(examined, frame=self._placed(examined.frame.lazy(), columns).collect())

    def _placed(self, frame: pl.LazyFrame, columns: Sequence[str]) -> pl.LazyFrame:
        if SOURCE_FILE in columns:
            frame = frame.with_columns(pl.lit(self.file.file).alias(SOURCE_FILE))
        if SOURCE_LINE in columns:
            lines = {stood.at_line: stood.line for stood in self.file.stood}
            known = pl.col(SOURCE_LINE).replace_strict(lines, return_dtype=pl.Int64)
            frame = frame.with_columns(known)
        return frame

    def origins(self, records: Sequence[int]) -> list[Origin]:
        return [self._stood(found) for found in self.split.origins(records)]

    def _stood(self, found: Origin) -> Origin:
        stood = self._by_offset[found.offset or 0]
        return Origin(self.file.file, stood.line, stood.offset, found.text)

    @cached_property
    def _by_offset(self) -> Mapping[int, Stood]:
        return {stood.at: stood for stood in self.file.stood}
