"""What a run came to: the accounting of its steps, for a person or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

from flowctl.cli.quantities import seconds
from flowctl.cli.render import table
from flowctl.interpreter.events import Counts, RunState, StepState
from flowctl.syntax.node import Json

_COUNTS = ("read", "made", "written", "filtered", "rejected", "skipped", "absorbed")
_ALWAYS = ("read", "written", "filtered", "rejected")


def as_text(state: RunState) -> str:
    """A table with a line for each step; counts that are 0 for all are left out."""
    told = [name for name in _COUNTS if name in _ALWAYS or _any(state, name)]
    if not any(step.counts for step in state.steps.values()):
        told = []
    rows = [("step", "status", *told, "time")]
    for id, step in state.steps.items():
        counts = [f"{getattr(step.counts, name):,}" if step.counts else "" for name in told]
        time = seconds(step.duration) if step.duration is not None else ""
        rows.append((id, step.status, *counts, time))
    lines = [table(rows, right=range(2, len(rows[0])))]
    lines += [f"{id}: wrote {path}" for id, step in state.steps.items() for path in step.sink]
    return "\n".join(lines) + "\n"


def as_json(state: RunState) -> str:
    """The result of a run for programs."""
    result: dict[str, Json] = {
        "run": state.run,
        "status": state.status,
        "resumed_from": None,
        "steps": {id: _step(step) for id, step in state.steps.items()},
    }
    return json.dumps(result, indent=2, ensure_ascii=False) + "\n"


def _step(step: StepState) -> Json:
    counts = asdict(step.counts) if step.counts else dict.fromkeys(_COUNTS)
    sinks: list[Json] = list(step.sink)
    return {
        "status": step.status,
        "attempts": step.attempts,
        **counts,
        "sink": sinks[0] if len(sinks) == 1 else sinks or None,
        "outputs": {},
        "exit_code": step.exit_code,
        "duration": step.duration,
    }


def _any(state: RunState, name: str) -> bool:
    return any(getattr(step.counts or Counts(), name) for step in state.steps.values())
