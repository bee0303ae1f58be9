"""What a run came to: the accounting of its steps, as a table."""

from __future__ import annotations

from flowctl.cli.paint import Paint, Role
from flowctl.cli.quantities import seconds
from flowctl.cli.render import table
from flowctl.interpreter.events import Counts, StepState
from flowctl.interpreter.result import RunResult

_ROLES: dict[str, Role] = {"succeeded": "good", "failed": "error", "cancelled": "warning"}
_COUNTS = ("read", "made", "written", "filtered", "rejected", "skipped", "absorbed")
_ALWAYS = ("read", "written", "filtered", "rejected")


def as_text(result: RunResult, paint: Paint) -> str:
    """A line for each step; counts that are 0 for all are left out."""
    steps = result.steps
    told = [name for name in _COUNTS if name in _ALWAYS or _any(steps, name)]
    if not any(step.counts for step in steps.values()):
        told = []
    rows = [("step", "status", *told, "time")]
    for id, step in steps.items():
        counts = [f"{getattr(step.counts, name):,}" if step.counts else "" for name in told]
        time = seconds(step.duration) if step.duration is not None else ""
        rows.append((id, step.status, *counts, time))
    lines = [table(rows, right=range(2, len(rows[0])))] if steps else []
    lines += [f"wrote {path}" for step in steps.values() for path in step.sink]
    lines.append(f"run {result.run}: {paint(_ROLES.get(result.status, 'quiet'), result.status)}")
    return "\n".join(lines) + "\n"


def _any(steps: dict[str, StepState], name: str) -> bool:
    return any(getattr(step.counts or Counts(), name) for step in steps.values())
