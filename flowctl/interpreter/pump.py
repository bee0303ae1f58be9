"""Takes what a function yields in a thread of its own, a little ahead of who needs it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import field
from queue import Empty, Full, Queue
from threading import Thread
from typing import TYPE_CHECKING, Final, TypeAlias

from flowctl.dataclass import dataclass
from flowctl.interpreter.calling import Callers, call_failed
from flowctl.interpreter.drive import Cancelled
from flowctl.syntax.node import Json, Pointer
from flowctl.workers import Call, Stopped, WorkerFailed, Workers

if TYPE_CHECKING:
    import polars as pl

_POLL: Final = 0.05
_Item: TypeAlias = "pl.DataFrame | list[Json]"


@dataclass(slots=True)
class _Over:
    """Becomes readable where the call is to end."""

    read: int
    write: int
    asked: bool = False

    def ask(self) -> None:
        self.asked = True
        os.write(self.write, b"x")

    def fileno(self) -> int:
        return self.read

    def close(self) -> None:
        os.close(self.read)
        os.close(self.write)


@dataclass(slots=True)
class Pump:
    """One call. It runs no further ahead than a few items, so it takes no more memory than those.

    Whoever waits for it can be cancelled meanwhile, and whoever needs no more of it closes it.
    """

    call: Call
    workers: Workers
    callers: Callers
    pointer: Pointer
    _over: _Over = field(default_factory=lambda: _Over(*os.pipe()))
    _queue: Queue[_Item | Exception | None] = field(default_factory=lambda: Queue(1))
    _thread: Thread | None = None

    def items(self) -> Iterator[_Item]:
        """What is yielded, in order; raises CallFailed and Cancelled."""
        thread = self._thread = Thread(target=self._run, name=str(self.call), daemon=True)
        thread.start()
        while True:
            if self.callers.cancelled():
                raise Cancelled
            try:
                item = self._queue.get(timeout=_POLL)
            except Empty:
                continue
            match item:
                case None:
                    return
                case Stopped():
                    raise Cancelled from item
                case WorkerFailed():
                    raise call_failed(item, self.pointer, self.callers.heard) from item
                case Exception():
                    raise item
                case _:
                    yield item

    def close(self) -> None:
        """Ends the call, if it has not ended."""
        self._over.ask()
        if self._thread is not None:
            self._thread.join()
        self._over.close()

    def _run(self) -> None:
        try:
            for item in self.workers.items(self.call, self.callers.heard, self._over):
                self._put(item)
                if self._over.asked:
                    return
        except (WorkerFailed, OSError) as error:
            self._put(error)
        else:
            self._put(None)

    def _put(self, item: _Item | Exception | None) -> None:
        while not self._over.asked:
            try:
                self._queue.put(item, timeout=_POLL)
            except Full:
                continue
            return
