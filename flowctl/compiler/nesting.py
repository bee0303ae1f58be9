"""What steps need across workflows: those of a sub-workflow begin and end with the using step.

From outside, a sub-workflow is one step: who needs a part of it needs all of it, and what a part
needs from outside, all of it needs. So no failure and no `if` of the outer workflow is ever looked
at from within.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace

from flowctl.compiler.needs import Need
from flowctl.compiler.stages import ExpandedStep
from flowctl.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class _Nest:
    """`within` leads from each step to the step that uses its workflow, or to nothing."""

    within: Mapping[str, str]
    members: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, steps: Sequence[ExpandedStep]) -> _Nest:
        nest = cls({step.id: step.within for step in steps})
        for step in steps:
            if step.within:
                nest.members.setdefault(step.within, []).append(step.id)
        return nest

    def levels(self, step: str) -> dict[str, str]:
        """The step and the steps around it, each by what it is within itself."""
        found: dict[str, str] = {}
        while step:
            found[self.within[step]] = step
            step = self.within[step]
        return found

    def side_by_side(self, step: str, needed: str) -> tuple[str, str]:
        """The steps that hold these two, or are them, and stand in the same workflow."""
        levels = self.levels(step)
        while self.within[needed] not in levels:
            needed = self.within[needed]
        return levels[self.within[needed]], needed


def nested(steps: Sequence[ExpandedStep], needs: Mapping[str, list[Need]]) -> dict[str, list[Need]]:
    """The needs of all steps, with those that follow from which step is a part of which."""
    nest = _Nest.of(steps)
    found: dict[str, list[Need]] = {step.id: [] for step in steps}
    for id, own in needs.items():
        for need in own:
            holder, needed = nest.side_by_side(id, need.step)
            found[id].append(replace(need, step=needed))
            if holder != id:
                why = f"its step `{id}` {need.why}"
                found[holder].append(replace(need, step=needed, why=why, reads=False))
    for outer in reversed(steps):  # a step that uses a workflow stands behind the steps of that
        members = nest.members.get(outer.id, ())
        _begin_together(outer, members, found, nest)
        found[outer.id] += _end(outer, members)
    return found


def _begin_together(
    outer: ExpandedStep, members: Iterable[str], found: dict[str, list[Need]], nest: _Nest
) -> None:
    """The first steps of a workflow wait for what the step that uses it waits for."""
    for member in members:
        if not any(nest.within[need.step] == outer.id for need in found[member]):
            found[member] += (
                replace(need, why=f"`{outer.id}` does: it {need.why}", reads=False)
                for need in found[outer.id]
            )


def _end(outer: ExpandedStep, members: Iterable[str]) -> Iterator[Need]:
    for member in members:
        yield Need(member, "is a part of it", outer.key.span, reads=True)
