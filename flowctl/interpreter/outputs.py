"""The outputs of a step: records are gathered, encoded in the workers, and written in order."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import field
from typing import Protocol

import polars as pl

from flowctl.dataclass import dataclass
from flowctl.dataflow import Part, Writer
from flowctl.interpreter.checkpoint import Batch, OutputState
from flowctl.interpreter.publish import Target
from flowctl.syntax.node import Json


class Outlet(Protocol):
    """Where the records of a stage go, in order; only the thread that commits may touch it."""

    def begin(self) -> None: ...

    @property
    def waiting(self) -> int:
        """Tasks in the workers, or done but not yet put in order."""
        ...

    def take(self, frame: pl.DataFrame) -> None:
        """The next split's records."""
        ...

    def drain(self, waiting: int) -> None:
        """Puts in order what is done, waiting until no more than so many tasks are under way."""
        ...

    def finish(self) -> None: ...


@dataclass(slots=True)
class Mark:
    """A point in the order of an output's records, at which a checkpoint is made.

    It is `reached` when all that came before it is written: up to `length`, with so many
    `footers`. `gathered` are the records that had not been enough to be encoded. In a dataset,
    `length` is that of the file `part`, and `gathered` belong into the partition's `folder`. The
    `batch` is of an output that publishes at each checkpoint.
    """

    begun: bool
    records: int
    gathered: tuple[pl.DataFrame, ...]
    reached: bool = False
    length: int = 0
    footers: int = 0
    part: str | None = None
    folder: str = ""
    columns: tuple[str, ...] = ()
    batch: Batch | None = None


class Durable(Protocol):
    """An output that a checkpoint can tell of."""

    @property
    def target(self) -> Settling: ...

    def drain(self, waiting: int) -> None: ...

    def mark(self) -> Mark:
        """Marks the point behind the records taken so far."""
        ...

    def entries(self, start: int, end: int) -> Sequence[Json]:
        """What a journal is to hold of the parts that were written, by their numbers."""
        ...

    def restore(
        self, state: OutputState, entries: Sequence[Json], pending: Iterable[pl.DataFrame]
    ) -> None:
        """Goes on from a checkpoint."""
        ...


class Settling(Protocol):
    """What can be made to outlast a loss of power."""

    def settle(self) -> None: ...


@dataclass(slots=True)
class Output:
    """One sink at work. What is encoded together depends on the records' order alone.

    Only the thread that commits may touch it; the writer itself is called from any thread.
    `footers` tell of each part written where it stands, if the format has them. `columns` are the
    names of the records' own, where those who publish the output must know them. `batch` tells what
    will take its place by the next checkpoint, if anything does.
    """

    writer: Writer
    target: Target
    executor: Executor
    columns: tuple[str, ...] = ()
    batch: Callable[[], Batch | None] = lambda: None
    records: int = 0
    begun: bool = False
    footers: list[tuple[int, bytes]] = field(default_factory=list)
    _gathered: list[pl.DataFrame] = field(default_factory=list)
    _rows: int = 0
    _encoding: deque[Future[Part] | Mark] = field(default_factory=deque)

    def begin(self) -> None:
        """Writes what stands before all records, unless it stands there; raises CannotWrite."""
        if not self.begun:
            self._write(self.writer.begin())
            self.begun = True

    @property
    def waiting(self) -> int:
        """Parts that are being encoded or wait to be written."""
        return sum(isinstance(each, Future) for each in self._encoding)

    def take(self, frame: pl.DataFrame) -> None:
        """Takes the next records; they are encoded when enough of them have come together."""
        if frame.is_empty():
            return
        self.records += frame.height
        self._gathered.append(frame)
        self._rows += frame.height
        if self._rows >= self.writer.rows:
            self._encode()

    def drain(self, waiting: int) -> None:
        """Writes what is encoded, waiting until no more than so many parts are under way."""
        while self._encoding:
            first = self._encoding[0]
            if isinstance(first, Mark):
                first.length, first.footers = self.target.length, len(self.footers)
                first.batch, first.reached = self.batch(), True
            elif first.done() or self.waiting > waiting:
                part = first.result()
                if part.between and self.target.length > len(self.writer.begin()):
                    self._write(part.between)
                if part.footer:
                    self.footers.append((self.target.length, part.footer))
                self._write(part.body)
            else:
                return
            self._encoding.popleft()

    def finish(self) -> None:
        """Writes all that is left; raises CannotWrite."""
        if self._gathered:
            self._encode()
        self.drain(waiting=0)
        self._write(self.writer.finish(self.footers))

    def mark(self) -> Mark:
        """Marks the point behind the records taken so far."""
        mark = Mark(self.begun, self.records, tuple(self._gathered), columns=self.columns)
        self._encoding.append(mark)
        self.drain(waiting=self.waiting)
        return mark

    def entries(self, start: int, end: int) -> Sequence[Json]:
        return [[at, b64encode(text).decode()] for at, text in self.footers[start:end]]

    def restore(
        self, state: OutputState, entries: Sequence[Json], pending: Iterable[pl.DataFrame]
    ) -> None:
        """Goes on from a checkpoint, to whose length the target has been cut."""
        self.begun, self.records = state.begun, state.records
        self.footers, self._gathered = [], [*pending]
        for entry in entries:
            match entry:
                case [int(at), str(text)]:
                    self.footers.append((at, b64decode(text)))
        self._rows = sum(frame.height for frame in self._gathered)

    def _encode(self) -> None:
        frames, self._gathered, self._rows = self._gathered, [], 0
        self._encoding.append(self.executor.submit(_encoded, self.writer, frames))

    def _write(self, data: bytes) -> None:
        if data:
            self.target.write(data)


def _encoded(writer: Writer, frames: Sequence[pl.DataFrame]) -> Part:
    # Records that have been written down and read again are encoded as if they had not.
    return writer.encode(frames[0] if len(frames) == 1 else pl.concat(frames, rechunk=True))
