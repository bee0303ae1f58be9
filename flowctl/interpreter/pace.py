"""What a run measures and waits by: a clock that never goes back, and chance."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import Protocol, TypeVar

T = TypeVar("T")
_CHANCES = 1 << 48
"""Fewer than a float tells apart, so that 1 is never reached."""


class Pace(Protocol):
    """The time of a run, in seconds from any moment, and its randomness."""

    def now(self) -> float:
        """The time; it never goes back."""
        ...

    def next(self, messages: SimpleQueue[T], seconds: float, *, busy: bool) -> T:
        """The next message, awaited for so long; raises queue.Empty.

        While steps are at work, `busy`, one of them may send it.
        """
        ...

    def chance(self) -> float:
        """A number from 0 up to 1."""
        ...


class RealPace:
    """The machine's own clock; `entropy` gives so many random bytes."""

    def __init__(self, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._entropy = entropy

    def now(self) -> float:
        return time.monotonic()

    def next(self, messages: SimpleQueue[T], seconds: float, *, busy: bool) -> T:
        return messages.get(timeout=seconds)

    def chance(self) -> float:
        return int.from_bytes(self._entropy(6)) / _CHANCES
