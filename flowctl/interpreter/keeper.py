"""Keeps the checkpoints of a stream while it runs, and leads back to the last one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from dataclasses import field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from flowctl.dataclass import dataclass
from flowctl.dataflow import Split, Stretch
from flowctl.files.fingerprints import Stamp, file_size, stamp
from flowctl.files.paths import DataFile
from flowctl.interpreter.checkpoint import (
    JOURNAL,
    Beside,
    Checkpoint,
    Gathered,
    Kept,
    OutputState,
    Standing,
    engine_now,
    read_kept,
)
from flowctl.interpreter.counts import Counts
from flowctl.interpreter.outputs import Durable, Mark
from flowctl.interpreter.sidecars import Sidecars
from flowctl.store.disk import REAL, Disk
from flowctl.store.journal import Journal
from flowctl.syntax.node import Json

KEPT_MOST: Final = 256
"""So many checkpoints of a stream that never ends are kept at most."""
PAUSE: Final = 10
"""So many times as long as a checkpoint keeps all others waiting, none is made."""
SOONEST: Final = timedelta(milliseconds=100)
SHARE: Final = 16
"""Who has worked but shortly has less to lose: the part of its time that may be lost."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where and how often a step's checkpoints are kept, in the long run; `digest` is the step's.

    A stream that is `endless` keeps but the latest ones, and does not keep what it has read.
    """

    folder: Path
    digest: str
    clock: Callable[[], datetime]
    interval: timedelta = timedelta(seconds=1)
    disk: Disk = REAL
    endless: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """A checkpoint that waits until what was taken before it is written."""

    checkpoint: Checkpoint
    marks: Sequence[Mark]

    @property
    def ready(self) -> bool:
        return all(mark.reached for mark in self.marks)


@dataclass(slots=True)
class Keeper:
    """The checkpoints of one attempt; `kept` are those of the processes before.

    `read` is what was read of the input, by those too, and `stamps` are its files as this attempt
    found them. `beside` is told with the first of them: what was read of the sources of
    transforms. Only the thread that commits may touch it.
    """

    keeping: Keeping
    split_bytes: int
    kept: Kept | None
    _journal: Journal
    read: list[Stretch] = field(default_factory=list)
    stamps: tuple[Stamp, ...] = ()
    beside: tuple[Beside, ...] = ()
    _outputs: list[tuple[Durable, Sidecars]] = field(default_factory=list)
    _taken: list[Stretch] = field(default_factory=list)
    _files: tuple[DataFile, ...] = ()
    _columns: tuple[tuple[str, str], ...] = ()
    _told: bool = False
    _number: int = 0
    _began: datetime | None = None
    _last: datetime | None = None
    _pause: timedelta = timedelta(0)
    _asked: _Asked | None = None
    _writing: Future[int] | None = None
    _background: Executor = field(default_factory=lambda: ThreadPoolExecutor(1, "checkpoint"))

    @classmethod
    def open(cls, keeping: Keeping, split_bytes: int) -> Keeper:
        """Reads what is kept; raises OSError and Malformed."""
        kept = read_kept(keeping.folder)
        journal = Journal(keeping.folder / JOURNAL, keeping.disk)
        if kept is None:
            return cls(keeping, split_bytes, kept, journal)
        keeper = cls(keeping, kept.last.split_bytes, kept, journal)
        keeper._number = kept.last.number
        keeper.read += kept.stretches
        return keeper

    @property
    def last(self) -> Checkpoint | None:
        """The checkpoint from which the attempt goes on."""
        return self.kept.last if self.kept is not None else None

    def begin(self, files: Sequence[DataFile], columns: Sequence[tuple[str, str]]) -> None:
        """Drops the torn end of the journal; `columns` are the source's. Raises OSError."""
        self._files = tuple(files)
        self.stamps = tuple(found for found in map(stamp, files) if found is not None)
        self._columns = tuple(columns)
        self._began = self._last = self.keeping.clock()
        self._pause = self._interval
        self._journal.open(self.kept.records.length if self.kept is not None else 0)

    @property
    def next_state(self) -> OutputState:
        """How far the output had come that will be watched next."""
        return self.last.outputs[len(self._outputs)] if self.last is not None else OutputState()

    def watch(self, output: Durable) -> None:
        """Takes the next output to where the last checkpoint has it; raises OSError."""
        number = len(self._outputs)
        sidecars = Sidecars(self.keeping.folder, number, self.keeping.disk)
        if self.last is not None:
            state = self.last.outputs[number]
            output.restore(state, sidecars.footers(state), sidecars.pending(state))
        self._outputs.append((output, sidecars))

    def note(self, split: Split, source: int) -> None:
        """Remembers what a committed split has read of the source with this number."""
        names = {file.name for file in self._files} if source == 0 else None
        taken = [
            replace(stretch, input=source)
            for stretch in split.taken()
            if names is None or stretch.file in names
        ]
        if self.keeping.endless:
            self._taken = taken or self._taken
            return
        self._taken += taken
        self.read += taken

    def due(self) -> bool:
        """Whether it is time for a checkpoint, and none is being made."""
        last = self._last
        passed = last is None or self.keeping.clock() - last >= self._pause
        return passed and self._asked is None and self._writing is None

    @property
    def _interval(self) -> timedelta:
        """The time between checkpoints, which are closer to each other at first."""
        if self.keeping.endless:
            return self.keeping.interval
        age = self.keeping.clock() - (self._began or self.keeping.clock())
        return min(self.keeping.interval, max(SOONEST, age / SHARE))

    @property
    def any(self) -> bool:
        """Whether there is a checkpoint at all."""
        return self._number > 0

    def ask(
        self,
        stage: int,
        standing: Standing,
        earlier: Counts,
        rejected: int,
        gathered: Sequence[Gathered | None],
        *,
        check: Json = None,
        ended: bool = False,
        took: timedelta = timedelta(0),
    ) -> None:
        """Begins a checkpoint, which is made once all records before this point are written.

        What is `gathered` is durable by now, as the state of `check` is; that `took` its time,
        and the next checkpoint is due the later.
        """
        if self._begins_again(self._number + 1):
            self._told = False
        if self.keeping.interval:
            self._pause = max(self._interval, PAUSE * took)
        checkpoint = Checkpoint(
            number=self._number + 1,
            at=self.keeping.clock().isoformat(),
            digest=self.keeping.digest,
            engine=engine_now(),
            split_bytes=self.split_bytes,
            stage=stage,
            standing=standing,
            earlier=earlier,
            rejected=rejected,
            outputs=(),
            gathered=tuple(gathered),
            check=check,
            taken=tuple(self._taken),
            files=() if self._told else tuple(file.name for file in self._files),
            sizes=() if self._told else tuple(map(file_size, self._files)),
            columns=() if self._told else self._columns,
            beside=() if self._told else self.beside,
            ended=ended,
        )
        self._taken.clear()
        self._told = True
        self._last = self.keeping.clock()
        marks = [output.mark() for output, _ in self._outputs]
        self._asked = _Asked(checkpoint, marks)
        self.go_on()
        if not self.keeping.interval:
            self.wait()

    def go_on(self) -> None:
        """Lets a checkpoint that can be made be written in the background; raises OSError."""
        asked = self._asked
        if asked is not None and self._writing is None and asked.ready:
            self._asked = None
            self._writing = self._background.submit(self._write, asked)
        if self._writing is not None and self._writing.done():
            writing, self._writing = self._writing, None
            self._number = writing.result()

    def wait(self) -> None:
        """Returns when the checkpoint that was asked for is durable; raises OSError."""
        for output, _ in self._outputs:
            output.drain(waiting=0)
        while self._asked is not None or self._writing is not None:
            if self._writing is not None:
                wait([self._writing])
            self.go_on()

    def _write(self, asked: _Asked) -> int:
        """First what the record speaks of, then the record."""
        number = asked.checkpoint.number
        outputs = tuple(
            sidecars.keep(number, output, mark)
            for (output, sidecars), mark in zip(self._outputs, asked.marks, strict=True)
        )
        made = replace(asked.checkpoint, outputs=outputs)
        if self._begins_again(number):
            self._journal.begin_again(made.to_json())
        else:
            self._journal.append(made.to_json())
        return number

    def _begins_again(self, number: int) -> bool:
        """Whether the earlier checkpoints go when the one with this number is made."""
        return self.keeping.endless and number % KEPT_MOST == 0

    def close(self) -> None:
        """Ends what is being written, and lets go of the files."""
        self._background.shutdown()
        if self._writing is not None and self._writing.exception() is None:
            self._number = self._writing.result()
        self._journal.close()
        for _, sidecars in self._outputs:
            sidecars.close()

    def forget(self) -> None:
        """There is nothing to go on with; raises OSError."""
        self.keeping.disk.remove(self._journal.path)
