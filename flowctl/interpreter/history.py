"""What is known of a run between processes: its plan, and its events with what they add up to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flowctl.codec import Malformed, encode
from flowctl.diagnostics import Fault
from flowctl.interpreter.eventjson import event_from_json, event_to_row
from flowctl.interpreter.events import (
    Event,
    HookOutput,
    RunCreated,
    RunEnded,
    RunPaused,
    RunStarted,
    RunUnpaused,
    StepOutput,
)
from flowctl.interpreter.masking import Mask
from flowctl.interpreter.state import IllegalMove, RunState
from flowctl.plan import Plan, canonical
from flowctl.plan_file import plan_from_json, plan_to_json
from flowctl.store.database import connect, damaged, path_in
from flowctl.store.disk import Disk, make_folder, replace_file
from flowctl.store.ledger import Entry, Ledger, Projection, Verb, opened
from flowctl.store.writer import Writer
from flowctl.syntax.node import Json

_PLAN = "plan.json"
_BEGINNING = 1
"""So many events has a process told when it begins with a run: what is older is before them."""
_OF_RUNS = (RunCreated, RunStarted, RunPaused, RunUnpaused, RunEnded)


def read_plan(folder: Path) -> Plan | Fault | None:
    """The plan with which the last process went on; None for a run that has not begun."""
    try:
        text = (folder / _PLAN).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return plan_from_json(text)


def keep_plan(folder: Path, plan: Plan, disk: Disk) -> None:
    """Remembers the plan; raises OSError."""
    make_folder(disk, folder)
    text = plan_to_json(plan).encode()
    path = folder / _PLAN
    if not path.exists() or path.read_bytes() != text:
        replace_file(disk, path, text)


def state_in(state: Path, run: str) -> RunState:
    """What the events of a run add up to; raises StoreBroken and OSError."""
    if not path_in(state).exists():
        return RunState()
    with opened(state) as ledger:
        return state_of(ledger, run)


def state_of(ledger: Ledger, run: str) -> RunState:
    """What the events of a run add up to; raises StoreBroken."""
    state = RunState()
    for _, event in events_of(ledger, run):
        try:
            state.apply(event)
        except IllegalMove as error:
            raise damaged(ledger.path, f"run {run}: {error}") from error
    return state


def events_of(ledger: Ledger, run: str, after: int = 0) -> Iterator[tuple[int, Event]]:
    """The events of a run behind a number, each with its own; raises StoreBroken."""
    for entry in ledger.entries(run, after):
        try:
            yield entry.number, event_from_json(entry.body)
        except Malformed as error:
            message = f"event {entry.number} of run {run}: {error.message}"
            raise damaged(ledger.path, message) from error


def projected(state: RunState) -> Projection:
    """What a run's events add up to, in the columns by which runs are looked for."""
    created, sessions = state.created, state.sessions
    first = sessions[0] if sessions else None
    last = sessions[-1] if sessions else None
    known = created or first
    body: dict[str, Json] = {}
    if created is not None:
        identity = encode(created.identity)
        body = {"identity": identity, "timestamp": created.timestamp.isoformat()}
    return Projection(
        run=state.run,
        status=state.status,
        resumable=state.resumable,
        workflow=known.workflow if known else "",
        document=created.identity.document if created else "",
        created=known.at.isoformat() if known else "",
        began=first.at.isoformat() if first else None,
        ended=state.ended.isoformat() if state.ended else None,
        digest=last.digest if last else "",
        steps=len(state.steps),
        body=canonical(body),
    )


def rebuild(ledger: Ledger) -> None:
    """Makes all that is projected again, from the events; raises StoreBroken."""
    ledger.replace([projected(state_of(ledger, run)) for run in ledger.names()])


def note(ledger: Ledger, state: RunState, event: RunCreated | RunEnded) -> None:
    """Adds an event of a run on which no process works, for good; raises StoreBroken."""
    state.apply(event)
    entry = entry_of(event.run, ledger.last(event.run) + 1, event, Mask())
    ledger.append([entry], [projected(state)])


def entry_of(run: str, number: int, event: Event, mask: Mask) -> Entry:
    """An event as it is stored, without secrets."""
    body = mask.json(event_to_row(event))
    step = getattr(event, "step", None)
    assert isinstance(body, dict)
    return Entry(run, number, str(body["at"]), str(body["event"]), step, body)


class Recorder:
    """Stores the events of a run at work; `state` is what earlier processes have left.

    What commands print is in their logs, and not stored a second time.
    """

    def __init__(
        self, ledger: Ledger, run: str, mask: Mask, on_request: Callable[[Verb], None]
    ) -> None:
        self.state = state_of(ledger, run)
        self._run = run
        self._mask = mask
        self._number = ledger.last(run)
        self._writer = Writer(ledger, run, on_request)
        self._latest: dict[str, int] = {}

    def take(self, event: Event, state: RunState) -> None:
        """Stores an event soon, in order; `state` is the one that it has led to."""
        if isinstance(event, StepOutput | HookOutput):
            return
        self._number += 1
        projection = projected(state) if isinstance(event, _OF_RUNS) else None
        entry = entry_of(self._run, self._number, event, self._mask)
        self._writer.tell(entry, projection)
        if entry.step is not None:
            self._latest[entry.step] = self._writer.told

    def written(self, behind: Iterable[str] = ()) -> None:
        """Returns when all that has been taken outlasts this process; raises StoreBroken.

        What has been taken of the steps `behind`, and all before it, then outlasts a loss of power.
        """
        told = [self._latest.get(step, _BEGINNING) for step in behind]
        if told:
            self._writer.safe_until(max(told))
        self._writer.written()

    def safe(self) -> None:
        """Returns when all that has been taken outlasts a loss of power; raises StoreBroken."""
        self._writer.safe()

    def close(self) -> None:
        """Stores what is left; raises StoreBroken."""
        self._writer.close()


@contextmanager
def recording(
    state: Path, run: str, mask: Mask, on_request: Callable[[Verb], None], disk: Disk
) -> Iterator[Recorder]:
    """While it lasts, events of a run can be stored; raises StoreBroken and OSError."""
    path = path_in(state)
    connection = connect(path, disk=disk, shared=True, synced=False)
    try:
        recorder = Recorder(Ledger(path, connection), run, mask, on_request)
        try:
            yield recorder
        finally:
            recorder.close()
    finally:
        connection.close()
