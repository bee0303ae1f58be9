"""How a run is told to stop: first to begin nothing new, then to end what runs.

Both are flags that everything which runs can look at; the second one can be waited for.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Cancellation:
    """Asked for once, true for ever.

    A run that is `stopping` begins nothing new and its streams stop at their next split, while
    commands and calls go on to their end; once it is `asked` to, these are ended as well. It is
    `final` where the run shall not be gone on with. `fileno()` is a descriptor that becomes
    readable when it is asked, so that a selector can wait for it beside a command's output; it is
    there as long as any run is. Safe to ask for from a signal handler and from any thread.
    """

    def __init__(self) -> None:
        self._pipe: tuple[int, int] | None = None
        self._lock = threading.RLock()  # a signal's handler may come upon its own thread within
        self._runs = 0
        self._stopping = False
        self._asked = False
        self.final = False
        self._listeners: list[Callable[[], None]] = []

    @contextmanager
    def heard(self) -> Iterator[None]:
        """While it lasts, a run can be told; with the last one nobody listens any more."""
        with self._lock:
            self._runs += 1
        try:
            yield
        finally:
            with self._lock:
                self._runs -= 1
                if not self._runs:
                    self._listeners.clear()
                    pipe, self._pipe = self._pipe, None
                    _close(pipe)

    def wind_down(self) -> None:
        """Have nothing new begin; doing so again changes nothing."""
        if not self._stopping:
            self._stopping = True
            self._tell()

    def ask(self) -> None:
        """Tell everything that runs to stop; asking again changes nothing."""
        if not self._asked:
            self._stopping = self._asked = True
            with self._lock:
                if self._pipe is not None:
                    _fill(self._pipe)
            self._tell()

    def give_up(self) -> None:
        """Tell everything that runs to stop, for good."""
        self.final = True
        self.ask()

    @property
    def stopping(self) -> bool:
        """Whether nothing new may begin."""
        return self._stopping

    @property
    def asked(self) -> bool:
        """Whether everything that runs is to stop."""
        return self._asked

    def wait(self, seconds: float) -> None:
        """Returns when so much time has passed, or at the moment of asking."""
        poll = select.poll()
        poll.register(self, select.POLLIN)
        poll.poll(seconds * 1000)

    def fileno(self) -> int:
        with self._lock:
            if self._pipe is None:
                self._pipe = os.pipe()
                if self._asked:
                    _fill(self._pipe)
            return self._pipe[0]

    def listen(self, listener: Callable[[], None]) -> None:
        """Have a function called at either moment; it must be safe in a signal handler."""
        self._listeners.append(listener)

    def _tell(self) -> None:
        for listener in [*self._listeners]:
            listener()

    def __del__(self) -> None:
        _close(self._pipe)


def _fill(pipe: tuple[int, int]) -> None:
    os.write(pipe[1], b"x")  # never read: readable from now on for all who wait


def _close(pipe: tuple[int, int] | None) -> None:
    for descriptor in pipe or ():
        os.close(descriptor)


@contextmanager
def cancelled_by_signals(cancellation: Cancellation) -> Iterator[None]:
    """While it lasts, a first SIGINT winds the run down and a second one asks for its end.

    SIGTERM and SIGHUP ask at once; a SIGHUP that is ignored (`nohup`) stays so. In the main thread
    only.
    """

    def ask(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT and not cancellation.stopping:
            cancellation.wind_down()
        else:
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
