"""Writes events, many with one commit, and listens for requests of other processes meanwhile.

Who must know that what was told is written writes it, with all that others have told until then; a
thread in the background does it for those who do not wait. What is `written` outlasts this process;
what is `safe` outlasts a loss of power, too, for which the disk is waited for.
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
_SOON: Final = 0.025
"""Seconds after which what nobody waits for is made safe; more may come to it meanwhile."""

OnRequest = Callable[[Verb], None]


@dataclass(slots=True)
class _Waiting:
    """What has been told and not yet written."""

    entries: list[Entry] = field(default_factory=list)
    projections: dict[str, Projection] = field(default_factory=dict)


class Writer:
    """Writes a run's events; any thread may tell some, and see to it that they are written.

    Events are counted as they are told: so many of them are written, and so many are safe.
    """

    def __init__(self, ledger: Ledger, run: str, on_request: OnRequest) -> None:
        """Begins to write; from now on nobody else uses the ledger."""
        self._ledger = ledger
        self._run = run
        self._on_request = on_request
        self._waiting = _Waiting()
        self._told = self._written = self._safe = 0
        self._telling = threading.Lock()
        self._using = threading.Lock()
        self._syncing = threading.Lock()
        self._closing = threading.Event()
        self._broken: BaseException | None = None
        self._news = threading.Event()
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    def tell(self, entry: Entry, projection: Projection | None = None) -> None:
        """Takes an event; raises what writing an earlier one raised."""
        self._raise()
        with self._telling:
            self._told += 1
            self._waiting.entries.append(entry)
            if projection is not None:
                self._waiting.projections[projection.run] = projection
        if not self._news.is_set():
            self._news.set()

    def written(self) -> None:
        """Returns when all that was told outlasts this process; raises StoreBroken."""
        told = self._told
        if self._written < told:
            with self._using:
                self._write(told)
        self._raise()

    @property
    def told(self) -> int:
        """How many events were told."""
        return self._told

    def safe(self) -> None:
        """Returns when all that was told outlasts a loss of power; raises StoreBroken."""
        self.safe_until(self._told)

    def safe_until(self, told: int) -> None:
        """Returns when so many of the events outlast a loss of power; raises StoreBroken."""
        if self._safe < told:
            self.written()
            with self._syncing:  # others may write meanwhile
                self._sync(told)
        self._raise()

    def close(self) -> None:
        """Makes what is left safe, and ends; raises StoreBroken."""
        self._closing.set()
        self._news.set()
        self._thread.join()
        self.safe()

    def _raise(self) -> None:
        broken = self._broken
        if isinstance(broken, StoreBroken):
            raise StoreBroken(str(broken)) from broken
        if broken is not None:
            raise broken

    def _write(self, wanted: int) -> None:
        """Writes all that was told, unless another has written what is wanted."""
        if self._written >= wanted or self._broken is not None:
            return
        with self._telling:
            waiting, self._waiting, told = self._waiting, _Waiting(), self._told
        try:
            self._ledger.append(waiting.entries, waiting.projections.values())
            self._written = told
        except BaseException as error:
            self._broken = error

    def _sync(self, wanted: int) -> None:
        if self._safe >= wanted or self._broken is not None:
            return
        written = self._written
        try:
            self._ledger.sync()
            self._safe = written
        except BaseException as error:
            self._broken = error

    def _work(self) -> None:
        """Makes safe what nobody waits for, and hears requests."""
        seen = -1
        try:
            while not self._closing.is_set():
                if self._news.wait(_LISTEN):
                    self._news.clear()
                    self._closing.wait(_SOON)
                self.safe()
                with self._using:
                    now = self._ledger.changes()
                    verbs = self._ledger.take_requests(self._run) if now != seen else []
                seen = now
                for verb in verbs:
                    self._on_request(verb)
        except BaseException as error:
            self._broken = self._broken or error
