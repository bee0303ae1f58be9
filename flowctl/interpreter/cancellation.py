"""How a run is told to stop: a flag that everything which runs can look at, or wait for."""

from __future__ import annotations

import os
import signal
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Cancellation:
    """Asked for once, true for ever.

    It is `final` where the run shall not be gone on with. `fileno()` is a descriptor that becomes
    readable then, so that a selector can wait for it beside a command's output. Safe to ask for
    from a signal handler and from any thread.
    """

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        weakref.finalize(self, _close, self._read, self._write)
        self._asked = False
        self.final = False
        self._listeners: list[Callable[[], None]] = []

    def ask(self) -> None:
        """Tell everything that runs to stop; asking again changes nothing."""
        if not self._asked:
            self._asked = True
            os.write(self._write, b"x")  # never read: readable from now on for all who wait
            for listener in self._listeners:
                listener()

    def give_up(self) -> None:
        """Tell everything that runs to stop, for good."""
        self.final = True
        self.ask()

    @property
    def asked(self) -> bool:
        """Whether the run is to stop."""
        return self._asked

    def fileno(self) -> int:
        return self._read

    def listen(self, listener: Callable[[], None]) -> None:
        """Have a function called at the moment of asking; it must be safe in a signal handler."""
        self._listeners.append(listener)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


@contextmanager
def cancelled_by_signals(cancellation: Cancellation) -> Iterator[None]:
    """While it lasts, SIGINT, SIGTERM and SIGHUP ask for the cancellation; in the main thread only.

    A SIGHUP that is ignored (`nohup`) stays so.
    """

    def ask(_signal: int, _frame: FrameType | None) -> None:
        cancellation.ask()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)  # commands have sessions of their own and would not see it
    earlier = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            if handler is not None:  # one that is not Python's own cannot be given back
                signal.signal(number, handler)
