"""Keeps the checkpoints of a stream while it runs, and leads back to the last one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from flowctl.dataflow import Split, Stretch
from flowctl.files.paths import DataFile
from flowctl.interpreter.checkpoint import (
    JOURNAL,
    Checkpoint,
    Kept,
    OutputState,
    Standing,
    engine_now,
    read_kept,
)
from flowctl.interpreter.events import Counts
from flowctl.interpreter.outputs import Output
from flowctl.interpreter.sidecars import Sidecars
from flowctl.store.disk import REAL, Disk
from flowctl.store.journal import Journal
from flowctl.syntax.node import Json


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where and how often a step's checkpoints are kept; `digest` is the step's."""

    folder: Path
    digest: str
    clock: Callable[[], datetime]
    interval: timedelta = timedelta(seconds=1)
    disk: Disk = REAL


@dataclass(slots=True)
class Keeper:
    """The checkpoints of one attempt; `kept` are those of the processes before.

    Only the thread that commits may touch it.
    """

    keeping: Keeping
    split_bytes: int
    kept: Kept | None
    _journal: Journal
    _outputs: list[tuple[Output, Sidecars]] = field(default_factory=list)
    _taken: list[Stretch] = field(default_factory=list)
    _files: tuple[DataFile, ...] = ()
    _columns: tuple[tuple[str, str], ...] = ()
    _told: bool = False
    _number: int = 0
    _last: datetime | None = None

    @classmethod
    def open(cls, keeping: Keeping, split_bytes: int) -> Keeper:
        """Reads what is kept; raises OSError and Malformed."""
        kept = read_kept(keeping.folder)
        journal = Journal(keeping.folder / JOURNAL, keeping.disk)
        if kept is None:
            return cls(keeping, split_bytes, kept, journal)
        keeper = cls(keeping, kept.last.split_bytes, kept, journal)
        keeper._number = kept.last.number
        return keeper

    @property
    def last(self) -> Checkpoint | None:
        """The checkpoint from which the attempt goes on."""
        return self.kept.last if self.kept is not None else None

    def begin(self, files: Sequence[DataFile], columns: Sequence[tuple[str, str]]) -> None:
        """Drops the torn end of the journal; `columns` are the source's. Raises OSError."""
        self._files = tuple(files)
        self._columns = tuple(columns)
        self._last = self.keeping.clock()
        self._journal.open(self.kept.records.length if self.kept is not None else 0)

    @property
    def next_state(self) -> OutputState:
        """How far the output had come that will be watched next."""
        return self.last.outputs[len(self._outputs)] if self.last is not None else OutputState()

    def watch(self, output: Output) -> None:
        """Takes the next output to where the last checkpoint has it; raises OSError."""
        number = len(self._outputs)
        sidecars = Sidecars(self.keeping.folder, number, self.keeping.disk)
        if self.last is not None:
            output.restore(self.last.outputs[number], sidecars)
        self._outputs.append((output, sidecars))

    def note(self, split: Split) -> None:
        """Remembers what a committed split has read."""
        names = {file.name for file in self._files}
        self._taken += (stretch for stretch in split.taken() if stretch.file in names)

    def due(self) -> bool:
        """Whether it is time for a checkpoint."""
        last = self._last
        return last is None or self.keeping.clock() - last >= self.keeping.interval

    @property
    def any(self) -> bool:
        """Whether there is a checkpoint at all."""
        return self._number > 0

    def save(
        self,
        stage: int,
        standing: Standing,
        earlier: Counts,
        rejected: int,
        gathered: Sequence[Json],
        *,
        ended: bool = False,
    ) -> None:
        """Makes a checkpoint: first what it speaks of, then its record; raises OSError."""
        number = self._number + 1
        outputs = [output.checkpoint(number, sidecars) for output, sidecars in self._outputs]
        checkpoint = Checkpoint(
            number=number,
            at=self.keeping.clock().isoformat(),
            digest=self.keeping.digest,
            engine=engine_now(),
            split_bytes=self.split_bytes,
            stage=stage,
            standing=standing,
            earlier=earlier,
            rejected=rejected,
            outputs=tuple(outputs),
            gathered=tuple(gathered),
            taken=tuple(self._taken),
            files=() if self._told else tuple(file.name for file in self._files),
            sizes=() if self._told else tuple(map(_size, self._files)),
            columns=() if self._told else self._columns,
            ended=ended,
        )
        self._journal.append(checkpoint.to_json())
        self._number, self._told = number, True
        self._taken.clear()
        self._last = self.keeping.clock()

    def close(self) -> None:
        self._journal.close()
        for _, sidecars in self._outputs:
            sidecars.close()


def _size(file: DataFile) -> int:
    try:
        return file.path.stat().st_size
    except OSError:
        return -1
