"""What happens in a run, as values: one stream of events, from which all that is known follows.

What they add up to is the matter of `state`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Literal, TypeAlias

from flowctl.dataclass import dataclass
from flowctl.diagnostics import Diagnostic
from flowctl.interpreter.counts import Counts
from flowctl.plan import Moment
from flowctl.store.identity import Identity
from flowctl.store.provenance import Provenance
from flowctl.syntax.node import Json

StepStatus: TypeAlias = Literal[
    "pending",
    "running",
    "waiting",
    "succeeded",
    "recovered",
    "cached",
    "failed",
    "skipped",
    "cancelled",
]
RunStatus: TypeAlias = Literal["pending", "running", "paused", "succeeded", "failed", "cancelled"]

DONE: frozenset[StepStatus] = frozenset({"succeeded", "recovered", "cached"})
"""What a step of a run that goes on is not done again from."""
ENDED: frozenset[StepStatus] = frozenset(
    {"succeeded", "recovered", "cached", "failed", "skipped", "cancelled"}
)


@dataclass(frozen=True, slots=True)
class Resumed:
    """A step of which `rows` had been read before; it goes on at `place`, or has ended."""

    step: str
    rows: int
    place: str
    ended: bool


@dataclass(frozen=True, slots=True)
class RunCreated:
    """A run is known and can be gone on with; `timestamp` is its logical time."""

    at: datetime
    run: str
    workflow: str
    identity: Identity
    timestamp: datetime


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run has begun, or goes on: then `resumed` are the steps that had begun before.

    `session` counts the processes that have worked on the run, this one included. The steps in
    `again` are done again although they had succeeded.
    """

    at: datetime
    run: str
    workflow: str
    digest: str
    steps: tuple[str, ...]
    resumed: tuple[Resumed, ...] | None = None
    session: int = 1
    again: tuple[str, ...] = ()
    provenance: Provenance | None = None


@dataclass(frozen=True, slots=True)
class RunPaused:
    """Nothing new begins until the run is resumed; what runs goes on to its end."""

    at: datetime
    run: str


@dataclass(frozen=True, slots=True)
class RunUnpaused:
    """A paused run goes on, in the same process."""

    at: datetime
    run: str


@dataclass(frozen=True, slots=True)
class RunStopping:
    """The run is to stop: nothing new begins, streams stop, commands go on to their end."""

    at: datetime
    run: str


@dataclass(frozen=True, slots=True)
class StepFannedOut:
    """A step is done once for each of these items from now on, as `step[0]`, `step[1]`, …

    `digest` is what the step means.
    """

    at: datetime
    step: str
    items: tuple[Json, ...]
    digest: str = ""


@dataclass(frozen=True, slots=True)
class StepStarted:
    """An attempt at a step has begun; `digest` is what the step means."""

    at: datetime
    step: str
    attempt: int
    digest: str = ""


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
class StepNoticed:
    """Something has happened to what a stream reads, which goes on; `faults` only note or warn."""

    at: datetime
    step: str
    faults: tuple[Diagnostic, ...]


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
    hands on. A failure that is `forgiven` lets the rest go on. After one that is `resumable`,
    running the same again goes on behind what the step has done. `digest` is what a step means that
    was taken from an earlier success, and so never began.
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
    resumable: bool = False
    digest: str = ""


@dataclass(frozen=True, slots=True)
class HookOutput:
    """A line that a hook printed; without `step` it is one of the run."""

    at: datetime
    step: str | None
    hook: Moment
    stream: Literal["stdout", "stderr"]
    line: str


@dataclass(frozen=True, slots=True)
class HookEnded:
    """A hook has been done; without `step` it is one of the run. Its faults are warnings."""

    at: datetime
    step: str | None
    hook: Moment
    exit_code: int | None = None
    faults: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run has come to an end; if it is `resumable`, running the same again goes on with it.

    `outputs` are what a run that has succeeded hands on; `faults` say why it cannot.
    """

    at: datetime
    run: str
    status: RunStatus
    resumable: bool = False
    outputs: Mapping[str, Json] = field(default_factory=dict)
    faults: tuple[Diagnostic, ...] = ()


Event: TypeAlias = (
    RunCreated
    | RunStarted
    | RunPaused
    | RunUnpaused
    | RunStopping
    | StepFannedOut
    | StepStarted
    | StepRetrying
    | StepFallingBack
    | StepProgress
    | StepNoticed
    | StepOutput
    | StepEnded
    | HookOutput
    | HookEnded
    | RunEnded
)
OnEvent: TypeAlias = Callable[[Event], None]
