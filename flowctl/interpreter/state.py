"""What the events of a run add up to: the run's state, and that of each step and its attempts.

The scheduler, the console, logs and the result look at a `RunState`, which nothing but `apply`
changes. Events that cannot follow each other are refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from datetime import datetime

from flowctl.dataclass import dataclass
from flowctl.diagnostics import Diagnostic
from flowctl.interpreter.counts import Counts
from flowctl.interpreter.events import (
    DONE,
    ENDED,
    Event,
    HookEnded,
    Resumed,
    RunCreated,
    RunEnded,
    RunPaused,
    RunStarted,
    RunStatus,
    RunStopping,
    RunUnpaused,
    StepEnded,
    StepFallingBack,
    StepFannedOut,
    StepNoticed,
    StepOutput,
    StepProgress,
    StepRetrying,
    StepStarted,
    StepStatus,
)
from flowctl.plan import Moment
from flowctl.syntax.node import Json


class IllegalMove(ValueError):
    """An event that cannot follow those before it: a bug, or a journal that is damaged."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt at a step: when, and how it ended; what was cut off has no end."""

    number: int
    began: datetime
    ended: datetime | None = None
    status: StepStatus = "running"
    exit_code: int | None = None


@dataclass(slots=True)
class StepState:
    """What is known of one step; `began` and `ended` are None until then.

    `tries` are all attempts, those of earlier processes too; `failures` are those that have failed
    since the step was last at its end, and count for `retry`. `items` are what the step is done for
    where it is fanned out; its `attempts` are then those of all its cells.
    """

    status: StepStatus = "pending"
    attempts: int = 0
    counts: Counts | None = None
    sink: tuple[str, ...] = ()
    exit_code: int | None = None
    faults: tuple[Diagnostic, ...] = ()
    why: str | None = None
    outputs: Mapping[str, Json] = field(default_factory=dict)
    forgiven: bool = False
    resumable: bool = False
    hooks: tuple[Moment, ...] = ()
    began: datetime | None = None
    ended: datetime | None = None
    digest: str = ""
    failures: int = 0
    tries: list[Attempt] = field(default_factory=list)
    items: tuple[Json, ...] | None = None

    @property
    def spoils(self) -> bool:
        """Whether the step has failed, and with it the run."""
        return self.status == "failed" and not self.forgiven

    @property
    def duration(self) -> float | None:
        """Seconds from the first attempt's start to the end; None for what has not run."""
        if self.began is None or self.ended is None:
            return None
        return max(0.0, (self.ended - self.began).total_seconds())

    def close(self, at: datetime, status: StepStatus, exit_code: int | None) -> None:
        """The latest attempt has ended."""
        last = self.tries[-1]
        self.tries[-1] = Attempt(last.number, last.began, at, status, exit_code)

    def anew(self) -> StepState:
        """The step before its next attempt, which counts on."""
        hooks = () if self.status in ENDED else self.hooks
        return StepState(
            attempts=self.attempts, failures=self.failures, hooks=hooks, tries=self.tries
        )


@dataclass(slots=True)
class RunState:
    """What the events so far add up to."""

    run: str = ""
    status: RunStatus = "pending"
    steps: dict[str, StepState] = field(default_factory=dict)
    resumed: tuple[Resumed, ...] | None = None
    resumable: bool = False
    stopping: bool = False
    created: RunCreated | None = None
    sessions: list[RunStarted] = field(default_factory=list)
    hooks: tuple[Moment, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    outputs: Mapping[str, Json] = field(default_factory=dict)
    faults: tuple[Diagnostic, ...] = ()
    ended: datetime | None = None

    def apply(self, event: Event) -> None:
        """Goes one event on; raises IllegalMove where it cannot follow."""
        match event:
            case RunCreated():
                if self.created is not None or self.sessions:
                    raise IllegalMove(f"the run is known already: {event}")
                self.run, self.created = event.run, event
            case RunStarted():
                self._begin(event)
            case StepFannedOut():
                self._fan_out(event)
            case StepStarted():
                self._start(event)
            case StepRetrying():
                self._retry(event)
            case StepProgress() | StepNoticed() | StepOutput() | StepFallingBack():
                _from("running", self._step(event.step, event).status, event)
            case StepEnded():
                self._end(event)
            case HookEnded():
                self._hook(event)
            case RunPaused():
                self._move("paused", event)
            case RunUnpaused():
                _from("paused", self.status, event)
                self._move("running", event)
            case RunStopping():
                self._at_work(event)
                self.stopping = True
            case RunEnded():
                self._finish(event)

    def _begin(self, event: RunStarted) -> None:
        if event.session != len(self.sessions) + 1:
            raise IllegalMove(f"process {event.session} follows {len(self.sessions)}: {event}")
        if self.status == "succeeded" and not event.again:
            raise IllegalMove(f"what has succeeded has nothing left to do: {event}")
        known = self.steps
        if self.ended is not None:
            self.hooks = ()
        self.warnings = ()
        self.run, self.status, self.ended = event.run, "running", None
        self.resumable = self.stopping = False
        self.outputs, self.faults = {}, ()
        self.steps = {}
        for id in event.steps:
            step = self.steps[id] = _carried(known.get(id), id in event.again)
            for cell in _cells(id, step):
                self.steps[cell] = _carried(known.get(cell), cell in event.again)
        self.resumed = event.resumed
        self.sessions.append(event)

    def _fan_out(self, event: StepFannedOut) -> None:
        fan = self._step(event.step, event)
        _from("pending", fan.status, event)
        fan.status, fan.items, fan.digest, fan.began = (
            "running",
            event.items,
            event.digest,
            event.at,
        )
        steps: dict[str, StepState] = {}
        for id, step in self.steps.items():
            steps[id] = step
            if step is fan:
                steps |= {cell: StepState() for cell in _cells(id, fan)}
        self.steps = steps  # whoever goes through the old ones goes on with them

    def _start(self, event: StepStarted) -> None:
        step = self._step(event.step, event)
        if step.status != "waiting":
            _from("pending", step.status, event)
        step.status, step.attempts, step.digest = "running", event.attempt, event.digest
        step.began = step.began or event.at
        fan = self.steps.get(event.step.rpartition("[")[0])
        if fan is not None and fan.items is not None:
            fan.attempts += 1
        step.tries.append(Attempt(event.attempt, event.at))

    def _retry(self, event: StepRetrying) -> None:
        step = self._step(event.step, event)
        _from("running", step.status, event)
        step.close(event.at, "failed", event.exit_code)
        step.status, step.failures = "waiting", step.failures + 1

    def _end(self, event: StepEnded) -> None:
        step = self._step(event.step, event)
        if step.status in ENDED or event.status not in ENDED:
            raise IllegalMove(f"{step.status} cannot become {event.status}: {event}")
        if step.status == "running" and step.items is None:
            step.close(event.at, event.status, event.exit_code)
        if event.status != "cancelled":
            step.failures = 0
        step.status, step.ended, step.why = event.status, event.at, event.why
        step.counts, step.sink = event.counts, event.sink
        step.exit_code, step.faults = event.exit_code, event.faults
        step.outputs, step.forgiven = event.outputs, event.forgiven
        step.resumable = event.resumable
        step.digest = event.digest or step.digest
        for id in _cells(event.step, step):
            cell = self.steps[id]
            if cell.status not in ENDED:  # the whole has ended, and none of its cells begins
                cell.status = "skipped" if event.status == "skipped" else "cancelled"
                cell.why = event.why

    def _hook(self, event: HookEnded) -> None:
        if event.step is None:
            self.hooks = (*self.hooks, event.hook)
        else:
            step = self._step(event.step, event)
            step.hooks = (*step.hooks, event.hook)
        self.warnings = (*self.warnings, *event.faults)

    def _finish(self, event: RunEnded) -> None:
        if event.status not in RUN_ENDS:
            raise IllegalMove(f"a run does not end as {event.status}: {event}")
        self._move(event.status, event)
        waiting = [step for step in self.steps.values() if step.status not in ENDED]
        if waiting and event.status != "cancelled":
            names = ", ".join(id for id, step in self.steps.items() if step in waiting)
            raise IllegalMove(f"the run ends before {names}")
        for step in waiting:
            step.status, step.why = "cancelled", "the run was cancelled"
        self.resumable, self.ended = event.resumable, event.at
        self.outputs, self.faults = event.outputs, event.faults

    def _move(self, status: RunStatus, event: Event) -> None:
        if status not in MOVES[self.status]:
            raise IllegalMove(f"a run that is {self.status} cannot become {status}: {event}")
        self.status = status

    def _at_work(self, event: Event) -> None:
        if self.status not in ("running", "paused"):
            raise IllegalMove(f"what is {self.status} is not running: {event}")

    def _step(self, id: str, event: Event) -> StepState:
        self._at_work(event)
        if id not in self.steps:
            raise IllegalMove(f"the run has no such step: {event}")
        return self.steps[id]


MOVES: Mapping[RunStatus, frozenset[RunStatus]] = {
    "pending": frozenset({"running", "cancelled"}),
    "running": frozenset({"running", "paused", "succeeded", "failed", "cancelled"}),
    "paused": frozenset({"running", "succeeded", "failed", "cancelled"}),
    "succeeded": frozenset({"running"}),
    "failed": frozenset({"running", "failed"}),
    "cancelled": frozenset({"running", "cancelled"}),
}
"""What a run may become. From `running` to `running`: another process takes over from a dead one.

What has ended goes on only where it is asked to, and what is given up ends a second time.
"""
RUN_ENDS: frozenset[RunStatus] = frozenset({"succeeded", "failed", "cancelled"})


def _carried(step: StepState | None, again: bool) -> StepState:
    """A step as it stands when another process goes on with the run."""
    if step is None:
        return StepState()
    if step.status in DONE and not again:
        return step
    fresh = step.anew()
    if step.items is not None and not again:
        fresh.status, fresh.items = "running", step.items
        fresh.digest, fresh.began = step.digest, step.began
    return fresh


def _cells(id: str, step: StepState) -> Iterator[str]:
    """The ids of a step's cells."""
    return (f"{id}[{index}]" for index in range(len(step.items or ())))


def _from(wanted: str, status: str, event: Event) -> None:
    if status != wanted:
        raise IllegalMove(f"what is {status} is not {wanted}: {event}")


def fold(events: Iterable[Event]) -> RunState:
    """The state that a run's events, in their order, add up to; raises IllegalMove.

    >>> noon = datetime(2024, 1, 1, 12)
    >>> state = fold([RunStarted(noon, "r1", "flights", "sha256:…", ("clean",)),
    ...               StepStarted(noon, "clean", attempt=1)])
    >>> state.status, state.steps["clean"].status
    ('running', 'running')
    """
    state = RunState()
    for event in events:
        state.apply(event)
    return state
