"""The runs of a project: which there are, which can go on, and who works on them.

.flowctl/runs.db             their events
.flowctl/runs/RUN/lock       held by the process that works on it
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from flowctl.codec import decode
from flowctl.dataclass import dataclass
from flowctl.interpreter.events import RunCreated, RunEnded, RunStatus
from flowctl.interpreter.history import note, projected, state_in, state_of
from flowctl.interpreter.state import RUN_ENDS, RunState
from flowctl.store.database import path_in
from flowctl.store.disk import REAL, Disk, make_folder
from flowctl.store.identity import Identity
from flowctl.store.ledger import Projection, opened
from flowctl.store.locks import is_held, locked


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What is known of a run; `timestamp` is its logical time, `digest` the plan's.

    A run is `open` until it has come to an end with which it is never gone on without being asked.
    """

    run: str
    workflow: str
    identity: Identity
    timestamp: datetime
    status: RunStatus = "pending"
    resumable: bool = False
    created: datetime | None = None
    began: datetime | None = None
    ended: datetime | None = None
    digest: str = ""
    steps: int = 0

    @property
    def open(self) -> bool:
        return self.status not in RUN_ENDS or self.resumable


def utc_now() -> datetime:
    """The time, as this machine knows it."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs that a state folder (`.flowctl`) holds; methods raise StoreBroken and OSError."""

    state: Path
    disk: Disk = REAL
    clock: Callable[[], datetime] = utc_now

    def folder(self, run: str) -> Path:
        return self.state / "runs" / run

    def all(self) -> list[RunRecord]:
        """All of them, the oldest first."""
        if not path_in(self.state).exists():
            return []
        with opened(self.state) as ledger:
            return [_record(row) for row in ledger.runs()]

    def unfinished(self) -> list[RunRecord]:
        """Those that can go on, the oldest first."""
        if not path_in(self.state).exists():
            return []
        with opened(self.state) as ledger:
            return [_record(row) for row in ledger.open_runs()]

    def read(self, run: str) -> RunRecord | None:
        """What is known of a run; None where there is none."""
        if not path_in(self.state).exists():
            return None
        with opened(self.state) as ledger:
            row = ledger.run(run)
        return _record(row) if row is not None else None

    def history(self, run: str) -> RunState:
        """What the events of a run add up to."""
        return state_in(self.state, run)

    def begin(self, record: RunRecord) -> None:
        """Makes a run known."""
        make_folder(self.disk, self.folder(record.run))
        created = RunCreated(
            self.clock(), record.run, record.workflow, record.identity, record.timestamp
        )
        with opened(self.state) as ledger:
            note(ledger, RunState(), created)

    def give_up(self, run: str) -> None:
        """Has a run, on which nobody works, be gone on with only where it is asked to."""
        with opened(self.state) as ledger:
            state = state_of(ledger, run)
            status = state.status if state.status in RUN_ENDS else "cancelled"
            note(ledger, state, RunEnded(self.clock(), run, status))

    def at_work(self, run: str) -> bool:
        """Whether a process works on the run at this moment."""
        return is_held(self._lock(run))

    @contextmanager
    def held(self, run: str) -> Iterator[None]:
        """While it lasts, no other process works on the run; raises Busy."""
        make_folder(self.disk, self.folder(run))
        mend = f"; `flowctl runs cancel {run}` ends it"
        with locked(self._lock(run), wait=False, what=f"run {run}", mend=mend):
            yield

    @contextmanager
    def choosing(self) -> Iterator[None]:
        """While it lasts, no other process looks for a run or begins one."""
        make_folder(self.disk, self.state)
        with locked(self.state / "lock", wait=True, what="the project"):
            yield

    def _lock(self, run: str) -> Path:
        return self.folder(run) / "lock"


def record_of(state: RunState) -> RunRecord:
    """What is known of a run by what its events add up to."""
    return _record(projected(state))


def _record(row: Projection) -> RunRecord:
    body = json.loads(row.body)
    return RunRecord(
        row.run,
        row.workflow,
        decode(Identity, body.get("identity", {"document": row.document})),
        datetime.fromisoformat(body.get("timestamp", row.created)),
        cast(RunStatus, row.status),
        row.resumable,
        _time(row.created),
        _time(row.began),
        _time(row.ended),
        row.digest,
        row.steps,
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
