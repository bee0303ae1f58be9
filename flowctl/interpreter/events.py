"""What happens in a run, as values: one stream of events, and the state that they add up to.

Everything that is known of a run follows from its events. The scheduler, the console, logs and the
result look at a `RunState`, which nothing but `apply` changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Literal, TypeAlias

from flowctl.dataclass import dataclass
from flowctl.diagnostics import Diagnostic
from flowctl.syntax.node import Json

StepStatus: TypeAlias = Literal[
    "pending",
    "running",
    "waiting",
    "succeeded",
    "recovered",
    "failed",
    "skipped",
    "cancelled",
]
RunStatus: TypeAlias = Literal["pending", "running", "succeeded", "failed", "cancelled"]

ENDED: frozenset[StepStatus] = frozenset(
    {"succeeded", "recovered", "failed", "skipped", "cancelled"}
)


@dataclass(frozen=True, slots=True)
class Counts:
    """A stream's records: read + made = written + filtered + rejected + skipped + absorbed."""

    read: int = 0
    made: int = 0
    written: int = 0
    filtered: int = 0
    rejected: int = 0
    skipped: int = 0
    absorbed: int = 0


@dataclass(frozen=True, slots=True)
class Resumed:
    """A step of which `rows` had been read before; it goes on at `place`, or has ended."""

    step: str
    rows: int
    place: str
    ended: bool


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run has begun, or goes on: then `resumed` are the steps that had begun before."""

    at: datetime
    run: str
    workflow: str
    digest: str
    steps: tuple[str, ...]
    resumed: tuple[Resumed, ...] | None = None


@dataclass(frozen=True, slots=True)
class StepStarted:
    at: datetime
    step: str
    attempt: int


@dataclass(frozen=True, slots=True)
class StepRetrying:
    """An attempt has failed, of `of` at most, and the next one begins in `delay` seconds."""

    at: datetime
    step: str
    attempt: int
    of: int
    delay: float
    exit_code: int | None = None
    faults: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class StepFallingBack:
    """The last attempt has failed, and the step's fallback begins."""

    at: datetime
    step: str
    exit_code: int | None = None
    faults: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class StepProgress:
    """How far a stream has come: records and bytes read so far, of `total_bytes` where known."""

    at: datetime
    step: str
    rows: int
    bytes: int
    total_bytes: int | None


@dataclass(frozen=True, slots=True)
class StepOutput:
    """A line that a command printed, without its end; a very long line comes in pieces."""

    at: datetime
    step: str
    stream: Literal["stdout", "stderr"]
    line: str


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step has come to its end, perhaps without having begun.

    `why` says for people why it did not run. `counts` and `sink` are of streams, `exit_code` is of
    commands: 128 and the signal's number where a signal ended it. `outputs` are what an action
    hands on. A failure that is `forgiven` lets the rest go on.
    """

    at: datetime
    step: str
    status: StepStatus
    counts: Counts | None = None
    sink: tuple[str, ...] = ()
    exit_code: int | None = None
    faults: tuple[Diagnostic, ...] = ()
    why: str | None = None
    outputs: Mapping[str, Json] = field(default_factory=dict)
    forgiven: bool = False


@dataclass(frozen=True, slots=True)
class RunEnded:
    at: datetime
    run: str
    status: RunStatus


Event: TypeAlias = (
    "RunStarted | StepStarted | StepRetrying | StepFallingBack | StepProgress"
    " | StepOutput | StepEnded | RunEnded"
)
OnEvent: TypeAlias = "Callable[[Event], None]"


class IllegalMove(ValueError):
    """An event that cannot follow those before it: a bug, or a journal that is damaged."""


@dataclass(slots=True)
class StepState:
    """What is known of one step; `began` and `ended` are None until then."""

    status: StepStatus = "pending"
    attempts: int = 0
    counts: Counts | None = None
    sink: tuple[str, ...] = ()
    exit_code: int | None = None
    faults: tuple[Diagnostic, ...] = ()
    why: str | None = None
    outputs: Mapping[str, Json] = field(default_factory=dict)
    forgiven: bool = False
    began: datetime | None = None
    ended: datetime | None = None

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


@dataclass(slots=True)
class RunState:
    """What the events so far add up to."""

    run: str = ""
    status: RunStatus = "pending"
    steps: dict[str, StepState] = field(default_factory=dict)
    resumed: tuple[Resumed, ...] | None = None

    def apply(self, event: Event) -> None:
        """Goes one event on; raises IllegalMove where it cannot follow."""
        match event:
            case RunStarted():
                self._from("pending", self.status, event)
                self.run, self.status = event.run, "running"
                self.steps = {step: StepState() for step in event.steps}
                self.resumed = event.resumed
            case StepStarted():
                self._start(event)
            case StepRetrying():
                step = self._step(event.step, event)
                self._from("running", step.status, event)
                step.status = "waiting"
            case StepProgress() | StepOutput() | StepFallingBack():
                self._from("running", self._step(event.step, event).status, event)
            case StepEnded():
                self._end(event)
            case RunEnded():
                self._from("running", self.status, event)
                if open_steps := [id for id, step in self.steps.items() if not step.ended]:
                    raise IllegalMove(f"the run ends before {', '.join(open_steps)}")
                self.status = event.status

    def _start(self, event: StepStarted) -> None:
        step = self._step(event.step, event)
        if step.status != "waiting":
            self._from("pending", step.status, event)
        step.status, step.attempts = "running", event.attempt
        step.began = step.began or event.at

    def _end(self, event: StepEnded) -> None:
        step = self._step(event.step, event)
        if step.status in ENDED or event.status not in ENDED:
            raise IllegalMove(f"{step.status} cannot become {event.status}: {event}")
        step.status, step.ended, step.why = event.status, event.at, event.why
        step.counts, step.sink = event.counts, event.sink
        step.exit_code, step.faults = event.exit_code, event.faults
        step.outputs, step.forgiven = event.outputs, event.forgiven

    def _step(self, id: str, event: Event) -> StepState:
        self._from("running", self.status, event)
        if id not in self.steps:
            raise IllegalMove(f"the run has no such step: {event}")
        return self.steps[id]

    @staticmethod
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
