"""Writes events in the background, many with one commit, and listens for requests meanwhile.

Whoever must know that what was told is safe waits for it; those who wait at the same time share
one commit.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import field
from typing import Final

from flowctl.dataclass import dataclass
from flowctl.store.database import StoreBroken
from flowctl.store.ledger import Entry, Ledger, Projection, Verb

_LISTEN: Final = 0.1
"""Seconds between two looks for requests of other processes."""

OnRequest = Callable[[Verb], None]


@dataclass(slots=True)
class _Waiting:
    """What has been told and not yet written; `told` and `safe` count entries."""

    entries: list[Entry] = field(default_factory=list)
    projections: dict[str, Projection] = field(default_factory=dict)
    told: int = 0
    safe: int = 0
    closing: bool = False
    broken: BaseException | None = None


class Writer:
    """The one thread that writes a run's events; any thread may tell some."""

    def __init__(self, ledger: Ledger, run: str, on_request: OnRequest) -> None:
        """Begins to write; from now on nobody else uses the ledger."""
        self._ledger = ledger
        self._run = run
        self._on_request = on_request
        self._waiting = _Waiting()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    def tell(self, entry: Entry, projection: Projection | None = None) -> None:
        """Takes an event; raises what writing an earlier one raised."""
        with self._changed:
            self._raise()
            waiting = self._waiting
            waiting.entries.append(entry)
            waiting.told += 1
            if projection is not None:
                waiting.projections[projection.run] = projection
            self._changed.notify_all()

    def safe(self) -> None:
        """Waits until all that has been told is written for good; raises StoreBroken."""
        with self._changed:
            mark = self._waiting.told
            self._changed.wait_for(lambda: self._waiting.safe >= mark or self._waiting.broken)
            self._raise()

    def close(self) -> None:
        """Writes what is left, and ends; raises StoreBroken."""
        with self._changed:
            self._waiting.closing = True
            self._changed.notify_all()
        self._thread.join()
        self._raise()

    def _raise(self) -> None:
        broken = self._waiting.broken
        if isinstance(broken, StoreBroken):
            raise StoreBroken(str(broken)) from broken
        if broken is not None:
            raise broken

    def _work(self) -> None:
        try:
            seen = -1
            while self._write():
                now = self._ledger.changes()
                if now != seen:
                    seen = now
                    for verb in self._ledger.take_requests(self._run):
                        self._on_request(verb)
        except BaseException as error:
            with self._changed:
                self._waiting.broken = error
                self._changed.notify_all()

    def _write(self) -> bool:
        """Waits a while for news and writes them; False once there will be no more."""
        waiting = self._waiting
        with self._changed:
            self._changed.wait_for(lambda: waiting.entries or waiting.closing, _LISTEN)
            entries, waiting.entries = waiting.entries, []
            projections, waiting.projections = waiting.projections, {}
        if not entries:
            return not waiting.closing
        self._ledger.append(entries, projections.values())
        with self._changed:
            waiting.safe += len(entries)
            self._changed.notify_all()
        return True
