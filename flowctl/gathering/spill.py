"""Files that hold what a blocking transform cannot keep in memory.

A run is one file of segments, each an Arrow IPC file or stream with a checksum of its own, so that
a reader needs one segment at a time. A file that the last checkpoint names stays until a later one
is durable.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from dataclasses import field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, cast

import xxhash

from flowctl.dataclass import dataclass
from flowctl.store.disk import REAL, make_folder
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl

SUFFIX: Final = ".run"
LARGE: Final = 1024 * 1024
"""Bytes from which Arrow's file format costs half of what a stream does; below, twice as much."""
_MAGIC: Final = b"ARROW1"


class DamagedRun(OSError):
    """A file in the work folder does not hold what was written to it."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a run's file: bytes and records, and the XXH3 of the bytes."""

    length: int
    rows: int
    checksum: int


@dataclass(frozen=True, slots=True)
class Run:
    """A file of segments, one behind the other."""

    name: str
    segments: tuple[Segment, ...]

    @property
    def length(self) -> int:
        """Bytes of the file."""
        return sum(segment.length for segment in self.segments)

    @property
    def rows(self) -> int:
        return sum(segment.rows for segment in self.segments)

    def to_json(self) -> Json:
        """As a checkpoint keeps it.

        >>> Run.from_json(Run("a.run", (Segment(10, 2, 7),)).to_json()).length
        10
        """
        return [self.name, [[part.length, part.rows, part.checksum] for part in self.segments]]

    @classmethod
    def from_json(cls, value: Json) -> Run:
        """Raises ValueError for what `to_json` has not made."""
        match value:
            case [str(name), [*segments]]:
                return cls(name, tuple(map(_segment, segments)))
        raise ValueError(f"not a run: {value!r}")


def runs_of(value: Json) -> list[Run]:
    """Several runs as a checkpoint keeps them; raises ValueError for anything else."""
    if not isinstance(value, list):
        raise ValueError(f"not a list of runs: {value!r}")
    return [Run.from_json(run) for run in value]


def _segment(value: Json) -> Segment:
    match value:
        case [int(length), int(rows), int(checksum)]:
            return Segment(length, rows, checksum)
    raise ValueError(f"not a segment: {value!r}")


@dataclass(slots=True)
class Spill:
    """The runs in one work folder; the folder is made when the first run is written."""

    folder: Path
    _next: int = 0
    _pinned: frozenset[str] = frozenset()
    _doomed: set[str] = field(default_factory=set)

    def write(self, frames: Iterable[pl.DataFrame], *, durable: bool = False) -> Run:
        """Writes frames as a new run, one segment each; raises OSError.

        What is not `durable` at once is made so by `keep`.
        """
        make_folder(REAL, self.folder)  # else a loss of power takes a folder that was synced
        name = f"{self._next:08d}{SUFFIX}"
        self._next += 1
        segments = []
        with (self.folder / name).open("wb", buffering=0) as file:
            for frame in frames:
                summed = _Summed(file)
                # Polars hands over each column as it lies in memory.
                _write_arrow(frame, cast("IO[bytes]", summed))
                segments.append(Segment(summed.length, frame.height, summed.digest.intdigest()))
            if durable:
                os.fsync(file.fileno())
        return Run(name, tuple(segments))

    def read(self, run: Run, index: int) -> pl.DataFrame:
        """One segment; raises DamagedRun where it is not what was written."""
        import polars as pl

        segment = run.segments[index]
        offset = sum(part.length for part in run.segments[:index])
        with (self.folder / run.name).open("rb", buffering=0) as file:
            data = os.pread(file.fileno(), segment.length, offset)
        if len(data) != segment.length or xxhash.xxh3_64_intdigest(data) != segment.checksum:
            raise DamagedRun(f"{self.folder / run.name}: damaged at byte {offset}")
        if data.startswith(_MAGIC):
            return pl.read_ipc(io.BytesIO(data))
        return pl.read_ipc_stream(io.BytesIO(data))

    def drop(self, run: Run) -> None:
        """The run is not needed any more, except by a checkpoint that names it."""
        if run.name in self._pinned:
            self._doomed.add(run.name)
        else:
            self._delete(run.name)

    def keep(self, runs: Iterable[Run]) -> None:
        """Makes these runs durable; a checkpoint is about to name them, in place of earlier ones.

        The checkpoint before must be durable itself by now.
        """
        names = frozenset(run.name for run in runs)
        for name in sorted(names - self._pinned):
            _sync(self.folder / name)
        if names - self._pinned:
            _sync(self.folder)
        for name in sorted(self._doomed - self._pinned):
            self._delete(name)
            self._doomed.discard(name)
        self._doomed |= self._pinned - names
        self._pinned = names

    def adopt(self, runs: Iterable[Run]) -> None:
        """Takes up the runs that a checkpoint names, and deletes what else is in the folder.

        Raises DamagedRun where a file is missing or has another length.
        """
        kept = {run.name: run for run in runs}
        for name, run in kept.items():
            path = self.folder / name
            if not path.is_file() or path.stat().st_size != run.length:
                raise DamagedRun(f"{path}: not the {run.length} bytes that were written")
        if self.folder.is_dir():
            for path in self.folder.glob(f"*{SUFFIX}"):
                if path.name not in kept:
                    path.unlink()
        self._pinned = frozenset(kept)
        self._next = 1 + max((int(name.removesuffix(SUFFIX)) for name in kept), default=-1)

    def clear(self) -> None:
        """Deletes all runs, those of checkpoints too."""
        if self.folder.is_dir():
            for path in self.folder.glob(f"*{SUFFIX}"):
                path.unlink()
            self.folder.rmdir()

    def _delete(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)


def write_stream(frame: pl.DataFrame, file: IO[bytes]) -> None:
    """Writes records as an Arrow stream, while others may look at the frame.

    Polars locks a frame that it writes so, and waits for the interpreter's lock with that: who has
    the one and asks for the other would wait for ever. A clone has a lock of its own, and shares
    the columns.
    """
    frame.clone().write_ipc_stream(file)


def _write_arrow(frame: pl.DataFrame, file: IO[bytes]) -> None:
    if frame.estimated_size() < LARGE:
        write_stream(frame, file)
    else:
        frame.clone().write_ipc(file, compression="uncompressed")


@dataclass(slots=True)
class _Summed:
    """A file that is written; `length` bytes so far, with their digest."""

    file: io.FileIO
    length: int = 0
    digest: xxhash.xxh3_64 = field(default_factory=xxhash.xxh3_64)

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.length += len(data)
        left = memoryview(data)
        while left:
            left = left[self.file.write(left) or 0 :]
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
