"""The worker processes of a run: for each environment those that have it, kept until its end."""

from __future__ import annotations

import os
import selectors
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from flowctl.action import OutOfTime
from flowctl.interpreter.cancellation import Cancellation
from flowctl.syntax.node import Json
from flowctl.workers import Call, Stopped, Workers
from flowctl.workers.calls import OnOutput, Stop

_Key: TypeAlias = tuple[Path, Path, frozenset[tuple[str, str]]]


class Functions:
    """Calls functions of the project, in processes that stand in the folder of the workflow."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Most calls have no variables beside those of the run's `environment`."""
        self._common = environment
        self._variables = frozenset(environment.items())
        self._pools: dict[_Key, Workers] = {}
        self._lock = threading.Lock()

    def call(
        self,
        call: Call,
        root: Path,
        base: Path,
        environment: Mapping[str, str],
        on_output: OnOutput,
        cancellation: Cancellation,
        timeout: float | None,
    ) -> Json:
        """What a function returns; raises WorkerFailed, OSError, and OutOfTime."""
        workers = self._workers(root, base, environment)
        if timeout is None:
            return workers.value(call, on_output, cancellation)
        with _limited(cancellation, timeout) as limit:
            try:
                return workers.value(call, on_output, limit)
            except Stopped:
                if not cancellation.asked:
                    raise OutOfTime from None
                raise

    def close(self) -> None:
        """Ends all processes."""
        for workers in self._pools.values():
            workers.close()

    def _workers(self, root: Path, base: Path, environment: Mapping[str, str]) -> Workers:
        common = environment is self._common
        key = (root, base, self._variables if common else frozenset(environment.items()))
        with self._lock:
            if key not in self._pools:
                self._pools[key] = Workers(root, base, environment)
            return self._pools[key]


class _Limit:
    """A cancellation, or the end of some time; a selector, too, can be waited for."""

    def __init__(self, cancellation: Cancellation) -> None:
        self._cancellation = cancellation
        self._read, self._write = os.pipe()
        self._either = selectors.DefaultSelector()
        self._either.register(self._read, selectors.EVENT_READ)
        self._either.register(cancellation, selectors.EVENT_READ)
        self._over = False

    def fire(self) -> None:
        """The time is over."""
        self._over = True
        os.write(self._write, b"x")

    def close(self) -> None:
        self._either.close()
        os.close(self._read)
        os.close(self._write)

    @property
    def asked(self) -> bool:
        return self._over or self._cancellation.asked

    def fileno(self) -> int:
        fileno: int = self._either.fileno()  # epoll and kqueue have one
        return fileno


@contextmanager
def _limited(cancellation: Cancellation, seconds: float) -> Iterator[Stop]:
    """A stop that comes with the cancellation, or when so many seconds are over."""
    limit = _Limit(cancellation)
    timer = threading.Timer(seconds, limit.fire)
    timer.daemon = True
    timer.start()
    try:
        yield limit
    finally:
        timer.cancel()
        timer.join()
        limit.close()
