"""A dataset to which a stream adds files at each checkpoint.

.out.RUN.part/part-00007.parquet   a file that was written since the checkpoint before

Files are written whole and made durable, then comes the checkpoint that names them, and then they
take their places, each by a rename: so who goes on gives them these names if they are still where
they were written. Their numbers are never used again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import field
from filecmp import cmp
from pathlib import Path
from typing import Final

import polars as pl

from flowctl.dataclass import dataclass
from flowctl.dataflow import Writer
from flowctl.interpreter.checkpoint import Batch, OutputState
from flowctl.interpreter.folders import StagedFolder
from flowctl.interpreter.outputs import Mark
from flowctl.interpreter.partitions import partitions
from flowctl.interpreter.publish import CannotWrite, stands_already
from flowctl.store.disk import make_folder
from flowctl.store.folders import held
from flowctl.syntax.node import Json

MOST_BYTES: Final = 64 * 1024 * 1024
"""So much is gathered in memory at most; then files are written, though no checkpoint is due."""
_MOST_WAITING: Final = 16


@dataclass(slots=True)
class AddedFolder:
    """The files that are to be added to a dataset; `parts` are those of which nobody knows yet.

    `first` tells that nothing of the run stands there: it takes the place of what does, unless
    files are to be added to that.
    """

    folder: StagedFolder
    first: bool = True
    parts: list[tuple[str, int]] = field(default_factory=list)

    def write_file(self, name: str, pieces: Iterable[bytes]) -> None:
        """Writes a file; raises CannotWrite."""
        self.folder.begin_file(name)
        for piece in pieces:
            if piece:
                self.folder.write(piece)
        self.parts.append((name, self.folder.length))
        self.folder.end_file()

    def settle(self) -> None:
        self.folder.settle()

    @classmethod
    def left(cls, folder: StagedFolder, state: OutputState) -> AddedFolder:
        """What the last checkpoint of another process tells of."""
        batch = state.batch or Batch()
        folder.files = [name for name, _ in batch.parts]
        return cls(folder, batch.first, list(batch.parts))

    def publish(self) -> None:
        """Has the new files take their places, those that have not; raises CannotWrite."""
        if not self.parts:
            return
        try:
            if self.first and self.folder.mode != "append":
                self._replace()
            else:
                with held(self.folder.path.parent):
                    self._add()
        except OSError as error:
            raise CannotWrite(self.folder.name, error) from error
        self.first, self.parts, self.folder.files = False, [], []

    def clear(self) -> None:
        """Deletes what was written behind the last checkpoint; raises CannotWrite."""
        try:
            self.folder.disk.remove_tree(self.folder.staged)
        except OSError as error:
            raise CannotWrite(self.folder.name, error) from error

    def _replace(self) -> None:
        """The new files stand there alone, unless they had taken the place before."""
        if self.folder.taken or all(self._is_staged(*part) for part in self.parts):
            self.folder.publish()

    def _is_staged(self, name: str, length: int) -> bool:
        path = self.folder.staged / name
        return path.is_file() and path.stat().st_size == length

    def _add(self) -> None:
        disk, staged, path = self.folder.disk, self.folder.staged, self.folder.path
        folders: dict[Path, Path] = {}
        for name, _ in self.parts:
            source, target = staged / name, path / name
            if source.exists():
                make_folder(disk, target.parent)
                if target.exists() and not cmp(source, target, shallow=False):
                    raise stands_already(f"{self.folder.name}{name}")
                disk.rename(source, target)
            if target.parent.exists():
                folders[target.parent] = source.parent
        # A file must not lose its old name for good before it has its new one.
        for there in folders:
            disk.fsync_folder(there)
        for here in folders.values():
            if here.exists():
                disk.fsync_folder(here)

    def leave(self) -> None:
        self.folder.leave()

    def discard(self) -> None:
        self.folder.discard()


@dataclass(slots=True)
class GrowingDataset:
    """One dataset at work, of which each file holds what came between two checkpoints.

    Only the thread that commits may touch it; the writer itself is called from any thread. `next`
    is the number of the next file.
    """

    writer: Writer
    target: AddedFolder
    executor: Executor
    suffix: str
    columns: tuple[str, ...] = ()
    next: int = 0
    records: int = 0
    _gathered: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    _bytes: int = 0
    _encoding: deque[tuple[str, Future[tuple[bytes, ...]]] | Mark] = field(default_factory=deque)

    def begin(self) -> None:
        """Files are begun with their first records."""

    @property
    def waiting(self) -> int:
        return sum(not isinstance(each, Mark) for each in self._encoding)

    def take(self, frame: pl.DataFrame) -> None:
        """Takes the next records."""
        if frame.is_empty():
            return
        self.records += frame.height
        ordered = frame.sort(self.columns, maintain_order=True) if self.columns else frame
        for partition in partitions(ordered, self.columns):
            self._gathered.setdefault(partition.folder, []).append(partition.frame)
        self._bytes += int(frame.estimated_size())
        if self._bytes >= MOST_BYTES:
            self._encode()

    def drain(self, waiting: int) -> None:
        """Writes what is encoded, waiting until no more than so many files are under way."""
        while self._encoding:
            first = self._encoding[0]
            if isinstance(first, Mark):
                parts = tuple(self.target.parts)
                first.batch = Batch(parts=parts, next=self.next, first=self.target.first)
                first.reached = True
            elif first[1].done() or self.waiting > waiting:
                self.target.write_file(first[0], first[1].result())
            else:
                return
            self._encoding.popleft()

    def finish(self) -> None:
        """Writes all that is left."""
        self._encode()
        self.drain(waiting=0)

    def mark(self) -> Mark:
        """Marks the point behind the records taken so far: their files end there."""
        self._encode()
        mark = Mark(True, self.records, ())
        self._encoding.append(mark)
        self.drain(waiting=self.waiting)
        return mark

    def entries(self, start: int, end: int) -> Sequence[Json]:
        return []

    def restore(
        self, state: OutputState, entries: Sequence[Json], pending: Iterable[pl.DataFrame]
    ) -> None:
        """Goes on from a checkpoint, of whose files all are published by now."""
        self.records = state.records
        if state.batch is not None:
            self.next = state.batch.next
            self.target.first = state.batch.first and not state.batch.parts

    def _encode(self) -> None:
        for folder, frames in sorted(self._gathered.items()):
            name = f"part-{self.next:05d}{self.suffix}"
            self.next += 1
            whole = self.executor.submit(_file, self.writer, frames)
            self._encoding.append((f"{folder}/{name}" if folder else name, whole))
            if self.waiting > _MOST_WAITING:
                self.drain(waiting=_MOST_WAITING)
        self._gathered, self._bytes = {}, 0


def _file(writer: Writer, frames: Sequence[pl.DataFrame]) -> tuple[bytes, ...]:
    """A whole file of these records."""
    begin = writer.begin()
    part = writer.encode(frames[0] if len(frames) == 1 else pl.concat(frames, rechunk=True))
    footers = [(len(begin), part.footer)] if part.footer else []
    return begin, part.body, writer.finish(footers)
