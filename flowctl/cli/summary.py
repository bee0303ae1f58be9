"""What a run came to: the accounting of its steps, as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from flowctl.cli.paint import Paint, Role
from flowctl.cli.quantities import plural, seconds
from flowctl.cli.render import table
from flowctl.interpreter.counts import Counts
from flowctl.interpreter.result import Run, StepRun
from flowctl.plan import Plan, Stream, from_folder

_ROLES: dict[str, Role] = {"succeeded": "good", "failed": "error", "cancelled": "warning"}
_COUNTS = ("read", "made", "written", "filtered", "rejected", "skipped", "absorbed")
_ALWAYS = ("read", "written", "filtered", "rejected")


def as_text(result: Run, plan: Plan, shown: Callable[[str], str], paint: Paint) -> str:
    """A line for each step, and the files; counts that are 0 for all are left out.

    `shown` turns a data path of the plan into one that a person can open from where they are.
    """
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
    lines += _files(result, plan, shown)
    lines.append(f"run {result.id}: {paint(_ROLES.get(result.status, 'quiet'), result.status)}")
    return "\n".join(lines) + "\n"


def _files(result: Run, plan: Plan, shown: Callable[[str], str]) -> Iterator[str]:
    for step in plan.steps:
        state = result.steps[step.id]
        yield from (f"wrote {shown(path)}" for path in state.sink)
        rejects = step.body.rejects if isinstance(step.body, Stream) else None
        if rejects and state.counts and state.status == "succeeded":
            path = shown(from_folder(step.folder, str(rejects.arguments[rejects.kind])))
            yield f"wrote {path} ({plural(state.counts.rejected, 'reject')})"


def _any(steps: Mapping[str, StepRun], name: str) -> bool:
    return any(getattr(step.counts or Counts(), name) for step in steps.values())
