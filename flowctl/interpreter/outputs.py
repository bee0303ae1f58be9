"""The outputs of a step: records are gathered, encoded in the workers, and written in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Protocol

import polars as pl

from flowctl.dataflow import Part, Writer
from flowctl.interpreter.checkpoint import OutputState
from flowctl.interpreter.publish import Target
from flowctl.interpreter.sidecars import Sidecars


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
class Output:
    """One sink at work. What is encoded together depends on the records' order alone.

    Only the thread that commits may touch it; the writer itself is called from any thread.
    """

    writer: Writer
    target: Target
    executor: Executor
    records: int = 0
    begun: bool = False
    _gathered: list[pl.DataFrame] = field(default_factory=list)
    _rows: int = 0
    _encoding: deque[Future[Part]] = field(default_factory=deque)
    _footers: list[tuple[int, bytes]] = field(default_factory=list)
    _kept_footers: int = 0

    def begin(self) -> None:
        """Writes what stands before all records, unless it stands there; raises CannotWrite."""
        if not self.begun:
            self._write(self.writer.begin())
            self.begun = True

    @property
    def waiting(self) -> int:
        """Parts that are being encoded or wait to be written."""
        return len(self._encoding)

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
        while self._encoding and (self._encoding[0].done() or len(self._encoding) > waiting):
            part = self._encoding.popleft().result()
            if part.footer:
                self._footers.append((self.target.length, part.footer))
            self._write(part.body)

    def finish(self) -> None:
        """Writes all that is left; raises CannotWrite."""
        if self._gathered:
            self._encode()
        self.drain(waiting=0)
        self._write(self.writer.finish(self._footers))

    def checkpoint(self, number: int, sidecars: Sidecars) -> OutputState:
        """Makes all that was taken durable; raises CannotWrite and OSError."""
        self.drain(waiting=0)
        self.target.settle()
        fresh = self._footers[self._kept_footers :]
        self._kept_footers = len(self._footers)
        return OutputState(
            begun=self.begun,
            length=self.target.length,
            records=self.records,
            footers=sidecars.keep_footers(fresh),
            pending=sidecars.keep_pending(number, _joined(self._gathered)),
        )

    def restore(self, state: OutputState, sidecars: Sidecars) -> None:
        """Goes on from a checkpoint, to whose length the target has been cut; raises OSError."""
        self.begun, self.records = state.begun, state.records
        self._footers = sidecars.footers(state)
        self._kept_footers = len(self._footers)
        self._gathered = sidecars.pending(state)
        self._rows = sum(frame.height for frame in self._gathered)

    def _encode(self) -> None:
        frames, self._gathered, self._rows = self._gathered, [], 0
        frame = frames[0] if len(frames) == 1 else pl.concat(frames, rechunk=True)
        self._encoding.append(self.executor.submit(self.writer.encode, frame))

    def _write(self, data: bytes) -> None:
        if data:
            self.target.write(data)


def _joined(frames: Sequence[pl.DataFrame]) -> pl.DataFrame | None:
    return pl.concat(frames) if frames else None
