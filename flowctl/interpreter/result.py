"""What a run came to, as `run --format json` prints it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields

from flowctl.codes.environment import NOT_JOINED, NOT_OURS, STANDS_ALREADY, UNWRITABLE
from flowctl.codes.runs import STEP_BROKEN, TIMED_OUT
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Diagnostic
from flowctl.interpreter.counts import Counts
from flowctl.interpreter.events import Resumed, RunState, RunStatus, StepState
from flowctl.syntax.node import Json

_OF_THE_MACHINE = (UNWRITABLE, STANDS_ALREADY, NOT_OURS, NOT_JOINED, STEP_BROKEN, TIMED_OUT)


@dataclass(frozen=True, slots=True)
class RunResult:
    """The end of a run, with the last state of each step.

    `resumed` are the steps that an earlier process had begun; None where there was none. Running
    the same again goes on with a run that is `unfinished`.
    """

    run: str
    status: RunStatus
    steps: dict[str, StepState]
    resumed: tuple[Resumed, ...] | None = None
    unfinished: bool = False
    warnings: tuple[Diagnostic, ...] = ()

    def to_json(self) -> dict[str, Json]:
        """The shape that language.md gives it; figures that a step does not have are null."""
        return {
            "run": self.run,
            "status": self.status,
            "resumed_from": self._resumed_from(),
            "steps": {id: step_to_json(step) for id, step in self.steps.items()},
        }

    def _resumed_from(self) -> Json:
        if self.resumed is None:
            return None
        return {one.step: {"rows": one.rows, "place": one.place} for one in self.resumed}


def result_of(state: RunState) -> RunResult:
    """The result that the events have added up to."""
    return RunResult(
        state.run, state.status, state.steps, state.resumed, state.resumable, state.warnings
    )


def can_go_on(steps: Mapping[str, StepState], status: RunStatus) -> bool:
    """Whether a run that ends so is gone on with.

    What the machine has ended can go on; what the workflow or its data have ended cannot.
    """
    faults = {fault.code for step in steps.values() for fault in step.faults}
    return status == "cancelled" or not faults.isdisjoint(_OF_THE_MACHINE)


def sink_value(paths: tuple[str, ...]) -> Json:
    """A step's `sink`: one path as text, several as a list, none as null."""
    return None if not paths else paths[0] if len(paths) == 1 else list(paths)


def step_to_json(step: StepState) -> dict[str, Json]:
    """A step's part of the shape."""
    counts = asdict(step.counts) if step.counts else dict.fromkeys(f.name for f in fields(Counts))
    return {
        "status": step.status,
        "attempts": step.attempts,
        **counts,
        "sink": sink_value(step.sink),
        "outputs": dict(step.outputs),
        "exit_code": step.exit_code,
        "duration": step.duration,
    }
