"""The workers of a run: as many as there are calls at once, kept for the calls to come."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from flowctl.dataclass import dataclass
from flowctl.syntax.node import Json
from flowctl.workers.calls import Call, OnOutput, Raised, Stop
from flowctl.workers.worker import Worker, from_json

if TYPE_CHECKING:
    import polars as pl


def _unheard(stream: str, data: bytes) -> None:
    """Nobody listens to what is printed."""


@dataclass(slots=True)
class Workers:
    """Processes that call functions of the project below `root`; safe to use from many threads.

    They stand in the folder `cwd`. A worker serves one call at a time, and keeps the modules that
    it has imported. `close` ends them all.
    """

    root: Path
    cwd: Path
    environment: Mapping[str, str]
    _idle: list[Worker] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _closed: bool = False

    def value(self, call: Call, on_output: OnOutput = _unheard, stop: Stop | None = None) -> Json:
        """What the function returns, which is JSON; raises WorkerFailed and OSError."""
        with self._taken() as worker:
            answer = worker.answer(call, "value", on_output, stop)
        value: Json = from_json(answer)
        return value

    def frame(
        self, call: Call, on_output: OnOutput = _unheard, stop: Stop | None = None
    ) -> pl.DataFrame:
        """The frame that the function returns; raises WorkerFailed and OSError."""
        with self._taken() as worker:
            answer = worker.answer(call, "frame", on_output, stop)
        return _read(answer)

    def items(
        self, call: Call, on_output: OnOutput = _unheard, stop: Stop | None = None
    ) -> Iterator[pl.DataFrame | list[Json]]:
        """What the function yields: each frame, and other values, which are JSON, some at a time.

        The function runs no further ahead than the pipe is wide. Raises WorkerFailed and OSError.
        """
        with self._taken() as worker:
            for reply in worker.items(call, on_output, stop):
                yield _read(reply.body) if reply.kind == "frame" else from_json(reply.body)

    def close(self) -> None:
        """Ends all workers that are idle; those at work end when their calls do."""
        with self._lock:
            ending, self._idle, self._closed = self._idle, [], True
        for worker in ending:
            worker.close()

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _taken(self) -> Iterator[Worker]:
        """A worker, which is given back if its call ended as it should."""
        with self._lock:
            worker = self._idle.pop() if self._idle else None
        if worker is None:
            worker = Worker.start(self.root, self.cwd, self.environment)
        try:
            yield worker
        except Raised:
            self._give_back(worker)
            raise
        except BaseException:
            worker.close()
            raise
        self._give_back(worker)

    def _give_back(self, worker: Worker) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(worker)
                return
        worker.close()


def _read(body: bytes) -> pl.DataFrame:
    import polars as pl

    return pl.read_ipc_stream(io.BytesIO(body))
