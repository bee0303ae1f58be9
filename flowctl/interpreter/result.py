"""What a run came to: for programs as values, and as `run --format json` prints it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, field, fields
from datetime import datetime

from flowctl.codes.environment import NOT_JOINED, NOT_OURS, STANDS_ALREADY, UNWRITABLE
from flowctl.codes.runs import STEP_BROKEN, TIMED_OUT
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Diagnostic
from flowctl.errors import Interrupted, RunFailed
from flowctl.interpreter.counts import Counts
from flowctl.interpreter.events import Resumed, RunStatus, StepStatus
from flowctl.interpreter.state import Attempt, RunState, StepState
from flowctl.syntax.node import Json

_OF_THE_MACHINE = (UNWRITABLE, STANDS_ALREADY, NOT_OURS, NOT_JOINED, STEP_BROKEN, TIMED_OUT)


@dataclass(frozen=True, slots=True)
class StepRun:
    """What a step has come to.

    `counts` are the records of a stream: read + made = written + filtered + rejected + skipped +
    absorbed; None for other steps, and for one that has not ended. `sink` are the paths that were
    published, as the plan names them: relative to the workflow's folder, unless absolute.
    `outputs` are what a command or function hands on, by name. `exit_code` is of commands: 128 and
    the signal's number where a signal ended it. `began` and `ended` are in UTC, `duration` is in
    seconds from the first attempt's start to the end; None for what has not run. `faults` say why
    it failed, `why` says for people why it did not run. `tries` are all attempts, those of earlier
    processes too.
    """

    status: StepStatus
    attempts: int = 0
    counts: Counts | None = None
    sink: tuple[str, ...] = ()
    outputs: Mapping[str, Json] = field(default_factory=dict)
    exit_code: int | None = None
    began: datetime | None = None
    ended: datetime | None = None
    duration: float | None = None
    faults: tuple[Diagnostic, ...] = ()
    why: str | None = None
    tries: tuple[Attempt, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """The step's part of what `flowctl run --format json` prints."""
        counts = (
            asdict(self.counts) if self.counts else dict.fromkeys(f.name for f in fields(Counts))
        )
        return {
            "status": self.status,
            "attempts": self.attempts,
            **counts,
            "sink": sink_value(self.sink),
            "outputs": dict(self.outputs),
            "exit_code": self.exit_code,
            "duration": self.duration,
        }


@dataclass(frozen=True, slots=True)
class Run:
    """What a run has come to, with each of its steps in the plan's order.

    `id` is the name by which `flowctl runs show` knows it. `resumed_from` are the steps that an
    earlier process had begun, with the records that it had read; None where there was none. Running
    the same again goes on with a run that is `unfinished`. `warnings` are the faults of hooks,
    which never change an outcome. `outputs` are the workflow's own, by name, where it has
    succeeded; `output_faults` say why they have no value.
    """

    id: str
    status: RunStatus
    steps: Mapping[str, StepRun]
    resumed_from: Mapping[str, Resumed] | None = None
    unfinished: bool = False
    warnings: tuple[Diagnostic, ...] = ()
    outputs: Mapping[str, Json] = field(default_factory=dict)
    output_faults: tuple[Diagnostic, ...] = ()

    @property
    def faults(self) -> tuple[Diagnostic, ...]:
        """What is wrong with any of the steps, in their order, and with the outputs."""
        steps = (fault for step in self.steps.values() for fault in step.faults)
        return (*steps, *self.output_faults)

    def check(self) -> Run:
        """This run, if it has succeeded; raises RunFailed, or Interrupted where it can go on."""
        if self.status == "succeeded":
            return self
        message = f"run {self.id} has {self.status}" if self.status == "failed" else ""
        kind = Interrupted if self.status == "cancelled" and self.unfinished else RunFailed
        raise kind(message or f"run {self.id} was {self.status}", self.faults)

    def to_json(self) -> dict[str, Json]:
        """What `flowctl run --format json` prints; figures that a step does not have are null."""
        before = self.resumed_from
        return {
            "run": self.id,
            "status": self.status,
            "resumed_from": None
            if before is None
            else {id: {"rows": one.rows, "place": one.place} for id, one in before.items()},
            "steps": {id: step.to_json() for id, step in self.steps.items()},
            "outputs": dict(self.outputs),
        }


def result_of(state: RunState) -> Run:
    """The result that the events have added up to."""
    resumed = state.resumed
    return Run(
        state.run,
        state.status,
        {id: step_of(step) for id, step in state.steps.items()},
        {one.step: one for one in resumed} if resumed is not None else None,
        state.resumable,
        state.warnings,
        state.outputs,
        state.faults,
    )


def step_of(step: StepState) -> StepRun:
    """What is known of a step, as it stands."""
    return StepRun(
        step.status,
        step.attempts,
        step.counts,
        step.sink,
        step.outputs,
        step.exit_code,
        step.began,
        step.ended,
        step.duration,
        step.faults,
        step.why,
        tuple(step.tries),
    )


def can_go_on(steps: Mapping[str, StepState], status: RunStatus) -> bool:
    """Whether a run that ends so is gone on with.

    What the machine has ended can go on; what the workflow or its data have ended cannot, but for
    a stream that has published what came before.
    """
    faults = {fault.code for step in steps.values() for fault in step.faults}
    if status == "cancelled" or not faults.isdisjoint(_OF_THE_MACHINE):
        return True
    return any(step.resumable for step in steps.values())


def sink_value(paths: tuple[str, ...]) -> Json:
    """A step's `sink`: one path as text, several as a list, none as null."""
    return None if not paths else paths[0] if len(paths) == 1 else list(paths)
