"""Which steps of a plan a run is asked for; what they need besides is taken as it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from flowctl.dataclass import dataclass
from flowctl.diagnostics import nearest
from flowctl.errors import UsageError
from flowctl.plan import Plan, Step
from flowctl.plan_file import sealed


@dataclass(frozen=True, slots=True)
class Selection:
    """The steps of `only`, and those of `since` with all that need them; none names all steps.

    A step with a matrix is named by a cell's id, or by its own name for all of them.
    """

    only: tuple[str, ...] = ()
    since: tuple[str, ...] = ()

    @classmethod
    def of(cls, only: Iterable[str], since: Iterable[str]) -> Selection:
        """The same selection, however often and in which order its names are given."""
        return cls(tuple(sorted({*only})), tuple(sorted({*since})))

    def __bool__(self) -> bool:
        return bool(self.only or self.since)


def selected(plan: Plan, selection: Selection) -> frozenset[str]:
    """The steps that are asked for; raises UsageError for a name that no step has."""
    if not selection:
        return frozenset(step.id for step in plan.steps)
    found = {id for name in selection.only for id in _named(plan, name)}
    after = {id for name in selection.since for id in _named(plan, name)}
    for step in plan.steps:
        if not after.isdisjoint(step.needs):
            after.add(step.id)
    return frozenset(found | after)


def narrowed(plan: Plan, steps: frozenset[str]) -> Plan:
    """The plan of these steps alone, with all that they stand on, near and far.

    What is a part of a workflow hands on nothing: its outputs are those of the whole.
    """
    kept = set(steps)
    for step in reversed(plan.steps):
        if step.id in kept:
            kept.update(step.needs)
    if len(kept) == len(plan.steps):
        return plan
    steps_kept = tuple(step for step in plan.steps if step.id in kept)
    return sealed(replace(plan, steps=steps_kept, outputs=()))


def _named(plan: Plan, name: str) -> list[str]:
    """The steps that a name stands for, with all that is within them."""
    steps = {step.id: step for step in plan.steps}
    found = {step.id for step in plan.steps if name in (step.id, family(step, steps))}
    if not found:
        known = list(dict.fromkeys(_names(steps)))
        fanned = name.rpartition("[")[0]
        if any(step.foreach and fanned in (step.id, family(step, steps)) for step in plan.steps):
            message = f"the cells of `{fanned}` are known to a run alone, and go together"
            raise UsageError(f"{message}; name `{fanned}` instead of `{name}`")
        near = nearest(name, known)
        listed = ", ".join(f"`{one}`" for one in known[:6]) + (", …" if len(known) > 6 else "")
        hint = f"did you mean `{near}`?" if near else f"there are {listed}"
        raise UsageError(f"the workflow has no step `{name}`; {hint}")
    return [step.id for step in plan.steps if not found.isdisjoint(_around(step, steps))]


def _names(steps: Mapping[str, Step]) -> Iterator[str]:
    for step in steps.values():
        yield family(step, steps)
    yield from steps


def _around(step: Step, steps: Mapping[str, Step]) -> Iterator[str]:
    """The step, and those that it is within."""
    yield step.id
    if step.within in steps:
        yield from _around(steps[step.within], steps)


def family(step: Step, steps: Mapping[str, Step]) -> str:
    """The name of a step without the values of its cell, nor of those that it is within."""
    name = step.local.partition("[")[0]
    if step.within not in steps:
        return f"{step.within}/{name}" if step.within else name
    return f"{family(steps[step.within], steps)}/{name}"
