"""Steps that use a workflow, and the steps within them, as the scheduler sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field

from flowctl.dataclass import dataclass
from flowctl.interpreter.events import StepStatus
from flowctl.interpreter.verdicts import End, Run, Verdict
from flowctl.plan import Plan, Step


@dataclass(frozen=True, slots=True)
class Nest:
    """Which step is within which. A step whose using step is not in the plan is within none."""

    steps: Mapping[str, Step]
    inner: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, plan: Plan) -> Nest:
        steps = {step.id: step for step in plan.steps}
        inner: dict[str, list[str]] = {}
        for step in plan.steps:
            if step.within in steps:
                inner.setdefault(step.within, []).append(step.id)
        return cls(steps, {id: tuple(within) for id, within in inner.items()})

    def around(self, step: Step) -> Iterator[Step]:
        """The steps that this one is within, the nearest first."""
        while (outer := self.steps.get(step.within)) is not None:
            yield outer
            step = outer

    def beside(self, step: Step) -> tuple[str, ...]:
        """What the step needs of its own workflow: no other step is looked at in its `if`."""
        return tuple(need for need in step.needs if self.steps[need].within == step.within)

    def behind(self, step: Step) -> Iterator[str]:
        """The steps on whose events a step stands; for those of a cell its list was awaited."""
        yield from step.needs
        for outer in self.around(step) if step.id in self.steps else ():
            yield outer.id
            yield from outer.needs

    def forgives(self, step: Step) -> bool:
        """Whether the run goes on where the step fails."""
        return step.continue_on_error or any(one.continue_on_error for one in self.around(step))

    def spoilt(self, step: Step) -> Iterator[str]:
        """The workflows that have failed with a step, by what they are within; "" is the run."""
        yield step.within
        for outer in self.around(step):
            if outer.continue_on_error:
                return
            yield outer.within

    def ending(
        self, outer: Step, status: Mapping[str, StepStatus]
    ) -> tuple[StepStatus, str | None]:
        """What a step has come to when all that is within it has ended, and why."""
        for wanted, what in (("failed", "has failed"), ("cancelled", "was cancelled")):
            for id in self.inner[outer.id]:
                if status[id] == wanted:
                    return status[id], f"`{id}` {what}"
        return "succeeded", None


@dataclass(slots=True)
class Gates:
    """Decides once for each step that uses a workflow whether what is within it may begin.

    `judge` decides on a step. `begin` is told which one begins, and says whether what is within it
    has to wait still: until `opened` is called, which gives the steps that were held meanwhile.
    """

    nest: Nest
    judge: Callable[[Step], Verdict]
    begin: Callable[[Step], bool]
    _verdicts: dict[str, Verdict] = field(default_factory=dict)
    _held: dict[str, list[int]] = field(default_factory=dict)

    def enter(self, step: Step, index: int) -> Verdict | None:
        """Whether a step may be looked at by itself; None for one that is held."""
        for outer in reversed([*self.nest.around(step)]):
            verdict = self.verdict(outer)
            if isinstance(verdict, End):
                status: StepStatus = "cancelled" if verdict.status == "cancelled" else "skipped"
                return End(status, f"`{outer.id}` {_BECAME[verdict.status]}")
            if outer.id in self._held:
                self._held[outer.id].append(index)
                return None
        return Run()

    def verdict(self, outer: Step) -> Verdict:
        """What was decided on a step when something within it was to begin, or is now."""
        verdict = self._verdicts.get(outer.id)
        if verdict is None:
            verdict = self._verdicts[outer.id] = self.judge(outer)
            if isinstance(verdict, Run) and self.begin(outer):
                self._held[outer.id] = []
        return verdict

    def regardless(self, outer: Step) -> bool:
        """Whether the step has begun in spite of failures elsewhere."""
        verdict = self._verdicts.get(outer.id)
        return isinstance(verdict, Run) and verdict.regardless

    def opened(self, outer: Step) -> list[int]:
        return self._held.pop(outer.id, [])


_BECAME: Mapping[StepStatus, str] = {
    "failed": "has failed",
    "skipped": "was skipped",
    "cancelled": "was cancelled",
}
