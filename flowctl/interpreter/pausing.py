"""How a run is told to wait: nothing new begins, and streams stand still between two splits."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from flowctl.interpreter.cancellation import Cancellation

_WAKE: Final = 0.1
"""Seconds after which who waits looks for a cancellation: a signal handler tells nobody."""


class Pause:
    """Asked for and lifted, by any thread."""

    def __init__(self) -> None:
        self._lifted = threading.Event()
        self._lifted.set()
        self._listeners: list[Callable[[], None]] = []

    @property
    def asked(self) -> bool:
        """Whether the run is to wait."""
        return not self._lifted.is_set()

    def ask(self) -> None:
        """Have the run wait."""
        self._lifted.clear()
        self._tell()

    def lift(self) -> None:
        """Have the run go on."""
        self._lifted.set()
        self._tell()

    def listen(self, listener: Callable[[], None]) -> None:
        """Have a function called at each change."""
        self._listeners.append(listener)

    def over(self, cancellation: Cancellation) -> bool:
        """Waits for as long as the pause lasts; tells whether the run is to stop."""
        while not cancellation.stopping and not self._lifted.wait(_WAKE):
            pass
        return cancellation.stopping

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()
