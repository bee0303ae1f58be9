"""The output of a step as a dataset: a folder of files, one for each so many bytes or partition."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import field
from typing import Final

import polars as pl

from flowctl.dataclass import dataclass
from flowctl.dataflow import Part, Writer
from flowctl.interpreter.checkpoint import OutputState
from flowctl.interpreter.folders import StagedFolder
from flowctl.interpreter.outputs import Mark
from flowctl.interpreter.partitions import partitions
from flowctl.syntax.node import Json

FILE_BYTES: Final = 512 * 1024 * 1024
"""Behind so many bytes the next file begins."""
_MOST_WAITING: Final = 16


@dataclass(frozen=True, slots=True)
class Finished:
    """What the journal of a dataset adds up to: whole files, and the footers of the last one."""

    files: tuple[tuple[str, int], ...]
    footers: tuple[tuple[int, bytes], ...]

    @classmethod
    def of(cls, entries: Iterable[Json]) -> Finished:
        files: list[tuple[str, int]] = []
        footers: list[tuple[int, bytes]] = []
        for entry in entries:
            match entry:
                case [int(at), str(text)]:
                    footers.append((at, b64decode(text)))
                case [str(name), int(length)]:
                    files.append((name, length))
                    footers.clear()
        return cls(tuple(files), tuple(footers))


@dataclass(slots=True)
class DatasetOutput:
    """One dataset at work. Records come with those of a partition together, if it has any.

    Only the thread that commits may touch it; the writer itself is called from any thread.
    `journal` tells of the parts of the file that is being written, and of all files that are whole.
    """

    writer: Writer
    target: StagedFolder
    executor: Executor
    suffix: str
    columns: tuple[str, ...] = ()
    file_bytes: int = FILE_BYTES
    records: int = 0
    journal: list[Json] = field(default_factory=list)
    _folder: str = ""
    _gathered: list[pl.DataFrame] = field(default_factory=list)
    _rows: int = 0
    _encoding: deque[tuple[str, Future[Part]] | Mark] = field(default_factory=deque)
    _footers: list[tuple[int, bytes]] = field(default_factory=list)
    _place: tuple[str, int] | None = None
    """The folder and the number of the last file that was begun."""

    def begin(self) -> None:
        """Files are begun with their first records."""

    @property
    def waiting(self) -> int:
        return sum(not isinstance(each, Mark) for each in self._encoding)

    def take(self, frame: pl.DataFrame) -> None:
        """Takes the next records; they are encoded when enough of a partition's have come."""
        if frame.is_empty():
            return
        self.records += frame.height
        for partition in partitions(frame, self.columns):
            if partition.folder != self._folder and self._gathered:
                self._encode()
            self._folder = partition.folder
            self._gathered.append(partition.frame)
            self._rows += partition.frame.height
            if self._rows >= self.writer.rows:
                self._encode()

    def drain(self, waiting: int) -> None:
        """Writes what is encoded, waiting until no more than so many parts are under way."""
        while self._encoding:
            first = self._encoding[0]
            if isinstance(first, Mark):
                first.length, first.footers = self.target.length, len(self.journal)
                first.part, first.reached = self.target.part, True
            elif first[1].done() or self.waiting > waiting:
                self._write(first[0], first[1].result())
            else:
                return
            self._encoding.popleft()

    def finish(self) -> None:
        """Writes all that is left; a dataset without partitions has a file at least."""
        if self._gathered:
            self._encode()
        self.drain(waiting=0)
        if self._place is None and not self.columns:
            self._begin_file("", 0)
        if self.target.part is not None:
            self._end_file()

    def mark(self) -> Mark:
        """Marks the point behind the records taken so far."""
        mark = Mark(True, self.records, tuple(self._gathered), folder=self._folder)
        self._encoding.append(mark)
        self.drain(waiting=self.waiting)
        return mark

    def entries(self, start: int, end: int) -> Sequence[Json]:
        return self.journal[start:end]

    def restore(
        self, state: OutputState, entries: Sequence[Json], pending: Iterable[pl.DataFrame]
    ) -> None:
        """Goes on from a checkpoint; raises CannotWrite."""
        finished = Finished.of(entries)
        self.target.go_on(finished.files, state.part, state.length)
        self.records, self._folder, self.journal = state.records, state.folder, [*entries]
        self._footers, self._gathered = [*finished.footers], [*pending]
        self._rows = sum(frame.height for frame in self._gathered)
        last = state.part or (finished.files[-1][0] if finished.files else None)
        if last is not None:
            folder, _, name = last.rpartition("/")
            self._place = folder, int(name.removeprefix("part-").partition(".")[0])

    def _encode(self) -> None:
        frames, self._gathered, self._rows = self._gathered, [], 0
        frame = frames[0] if len(frames) == 1 else pl.concat(frames, rechunk=True)
        self._encoding.append((self._folder, self.executor.submit(self.writer.encode, frame)))
        # Partitions may be many and small, and their files come to more than their records.
        if self.waiting > _MOST_WAITING:
            self.drain(waiting=_MOST_WAITING)

    def _write(self, folder: str, part: Part) -> None:
        before = self._place
        if before is not None and before[0] != folder and self.target.part is not None:
            self._end_file()
        if self.target.part is None:
            again = before is not None and before[0] == folder
            self._begin_file(folder, before[1] + 1 if before is not None and again else 0)
        elif part.between:
            self.target.write(part.between)
        if part.footer:
            self._footers.append((self.target.length, part.footer))
            self.journal.append([self.target.length, b64encode(part.footer).decode()])
        self.target.write(part.body)
        if self.target.length >= self.file_bytes:
            self._end_file()

    def _begin_file(self, folder: str, number: int) -> None:
        name = f"part-{number:05d}{self.suffix}"
        self.target.begin_file(f"{folder}/{name}" if folder else name)
        self.target.write(self.writer.begin())
        self._place = folder, number

    def _end_file(self) -> None:
        self.target.write(self.writer.finish(self._footers))
        part, length = self.target.part, self.target.length
        self.target.end_file()
        self._footers = []
        self.journal.append([part, length])
