"""What a run came to, as `run --format json` prints it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from flowctl.interpreter.events import Counts, RunState, RunStatus, StepState
from flowctl.syntax.node import Json


@dataclass(frozen=True, slots=True)
class RunResult:
    """The end of a run, with the last state of each step."""

    run: str
    status: RunStatus
    steps: dict[str, StepState]

    def to_json(self) -> dict[str, Json]:
        """The shape that language.md gives it; figures that a step does not have are null."""
        return {
            "run": self.run,
            "status": self.status,
            "resumed_from": None,
            "steps": {id: _step(step) for id, step in self.steps.items()},
        }


def result_of(state: RunState) -> RunResult:
    """The result that the events have added up to."""
    return RunResult(state.run, state.status, state.steps)


def sink_value(paths: tuple[str, ...]) -> Json:
    """A step's `sink`: one path as text, several as a list, none as null."""
    return None if not paths else paths[0] if len(paths) == 1 else list(paths)


def _step(step: StepState) -> Json:
    counts = asdict(step.counts) if step.counts else dict.fromkeys(f.name for f in fields(Counts))
    return {
        "status": step.status,
        "attempts": step.attempts,
        **counts,
        "sink": sink_value(step.sink),
        "outputs": {},
        "exit_code": step.exit_code,
        "duration": step.duration,
    }
