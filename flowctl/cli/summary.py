"""What a run came to: the accounting of its steps, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from flowctl.cli.paint import Paint, Role
from flowctl.cli.quantities import plural, seconds
from flowctl.cli.render import table
from flowctl.cli.standing import unit_of
from flowctl.interpreter.counts import Counts, sum_of
from flowctl.interpreter.result import Run, StepRun
from flowctl.plan import Plan, Stream, from_folder

_ROLES: dict[str, Role] = {"succeeded": "good", "failed": "error", "cancelled": "warning"}
_COUNTS = ("read", "made", "written", "filtered", "rejected", "skipped", "absorbed")
_ALWAYS = ("read", "written", "filtered", "rejected")
_MANY: Final = 50
_MOST_FILES: Final = 50


def as_text(result: Run, plan: Plan, shown: Callable[[str], str], paint: Paint) -> str:
    """A line for each step, and the files; counts that are 0 for all are left out.

    `shown` turns a data path of the plan into one that a person can open from where they are. Of
    many steps the cells of one are told together, and not all of the files.
    """
    groups = _groups(result.steps)
    steps = result.steps.values()
    told = [name for name in _COUNTS if name in _ALWAYS or _any(steps, name)]
    if not any(step.counts for step in steps):
        told = []
    rows = [("step", "status", *told, "time")]
    rows += [_row(name, members, told) for name, members in groups.items()]
    lines = [table(rows, right=range(2, len(rows[0])))] if groups else []
    files = list(_files(result, plan, shown))
    lines += files[:_MOST_FILES]
    if len(files) > _MOST_FILES:
        lines.append(f"wrote {plural(len(files) - _MOST_FILES, 'more file')}")
    lines.append(f"run {result.id}: {paint(_ROLES.get(result.status, 'quiet'), result.status)}")
    return "\n".join(lines) + "\n"


def _groups(steps: Mapping[str, StepRun]) -> dict[str, list[StepRun]]:
    """The steps that are told in one line, by the name that they have there."""
    folds = len(steps) > _MANY
    cells = Counter(unit_of(id) for id in steps if folds and unit_of(id) != id)
    found: dict[str, list[StepRun]] = {}
    for id, step in steps.items():
        many = cells[unit_of(id)] if unit_of(id) != id else 0
        found.setdefault(f"{unit_of(id)} ({many:,})" if many > 1 else id, []).append(step)
    return found


def _row(name: str, members: Sequence[StepRun], told: Sequence[str]) -> tuple[str, ...]:
    statuses = Counter(step.status for step in members)
    status = ", ".join(f"{count:,} {one}" for one, count in statuses.items())
    all_counts = [step.counts for step in members if step.counts is not None]
    counts = sum_of(*all_counts) if all_counts else None
    figures = [f"{getattr(counts, one):,}" if counts else "" for one in told]
    times = [step.duration for step in members if step.duration is not None]
    time = seconds(sum(times)) if times else ""
    return (name, members[0].status if len(statuses) == 1 else status, *figures, time)


def _files(result: Run, plan: Plan, shown: Callable[[str], str]) -> Iterator[str]:
    for step in plan.steps:
        state = result.steps[step.id]
        verb = "kept" if state.status == "cached" else "wrote" if state.attempts else None
        yield from (f"{verb} {shown(path)}" for path in state.sink if verb)
        rejects = step.body.rejects if isinstance(step.body, Stream) else None
        if rejects and state.counts and state.status == "succeeded" and state.attempts:
            path = shown(from_folder(step.folder, str(rejects.arguments[rejects.kind])))
            yield f"wrote {path} ({plural(state.counts.rejected, 'reject')})"


def _any(steps: Iterable[StepRun], name: str) -> bool:
    return any(getattr(step.counts or Counts(), name) for step in steps)
