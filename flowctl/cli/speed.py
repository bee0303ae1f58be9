"""How fast a stream goes, and how long it still takes, from its progress over the last seconds."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import Final

from flowctl.interpreter.events import StepProgress

_LOOK_BACK: Final = 10.0
"""Seconds; long enough to be steady, short enough to show what happens now."""
_APART: Final = 0.2
_LEAST: Final = 1e-3


class Speed:
    """Takes the progress of one attempt; the first one of a stream that goes on is its start."""

    def __init__(self, began: datetime, *, anew: bool) -> None:
        self._seen: deque[tuple[datetime, int, int]] = deque()
        if anew:
            self._seen.append((began, 0, 0))
        self.last: StepProgress | None = None

    def take(self, event: StepProgress) -> None:
        """Goes one step on."""
        self.last = event
        seen = self._seen
        if not seen or (event.at - seen[-1][0]).total_seconds() >= _APART:
            seen.append((event.at, event.rows, event.bytes))
        while len(seen) > 2 and (event.at - seen[1][0]).total_seconds() > _LOOK_BACK:
            seen.popleft()

    @property
    def rows(self) -> float:
        """Records a second."""
        return self._rate(1)

    @property
    def bytes(self) -> float:
        """Bytes a second."""
        return self._rate(2)

    @property
    def share(self) -> float | None:
        """How much of the input is read, from 0 to 1; None where its size is not known."""
        last = self.last
        if last is None or not last.total_bytes:
            return None
        return min(1.0, last.bytes / last.total_bytes)

    @property
    def left(self) -> float | None:
        """Seconds until all is read, if it goes on like this."""
        last, rate = self.last, self.bytes
        if last is None or not last.total_bytes or not rate:
            return None
        return max(0.0, (last.total_bytes - last.bytes) / rate)

    def _rate(self, which: int) -> float:
        last = self.last
        if last is None or not self._seen:
            return 0.0
        at, rows, size = self._seen[0]
        done = last.rows - rows if which == 1 else last.bytes - size
        return done / max((last.at - at).total_seconds(), _LEAST) if done > 0 else 0.0
