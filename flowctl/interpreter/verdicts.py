"""What becomes of a step once all that it needs has ended: the rules, as a function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, TypeAlias

from flowctl.action import ValueFault
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault
from flowctl.interpreter.events import StepStatus
from flowctl.plan import Step

Stop: TypeAlias = Literal["none", "failure", "request"]
"""Why nothing new may begin: not at all, because a step has failed, or because one is asked to."""


@dataclass(frozen=True, slots=True)
class Below:
    """What a step stands on: the status of each need, and whether any ancestor has failed."""

    needs: Mapping[str, StepStatus]
    failed_above: bool = False

    @property
    def success(self) -> bool:
        """What `success()` says in the step's `if`."""
        return all(status == "succeeded" for status in self.needs.values())

    @property
    def failure(self) -> bool:
        """What `failure()` says in the step's `if`."""
        return self.failed_above


@dataclass(frozen=True, slots=True)
class Run:
    """The step may begin; `regardless` of failures elsewhere if its `if` asks for them."""

    regardless: bool = False


@dataclass(frozen=True, slots=True)
class End:
    """The step has come to its end without having begun."""

    status: StepStatus
    why: str | None = None
    fault: Fault | None = None


Verdict: TypeAlias = Run | End
Holds: TypeAlias = Callable[[str, Below], bool]
"""Whether a condition is true; raises ValueFault."""

STOPPED: Mapping[Stop, str] = {
    "failure": "another step has failed",
    "request": "the run was stopped",
}


def judge(step: Step, below: Below, stop: Stop, holds: Holds) -> Verdict:
    """Decides on a step whose needs have all ended.

    A condition with `always()` or `failure()` is asked whatever has become of the needs; any other
    step is skipped with a need that failed or was skipped, and cancelled with one that was.
    """
    if stop == "request":
        return End("cancelled", STOPPED[stop])
    regardless = step.condition is not None and asks_for_failures(step.condition)
    if not regardless:
        if unmet := _first(below.needs, ("failed", "skipped")):
            return End("skipped", f"`{unmet}` {_HAS[below.needs[unmet]]}")
        if unmet := _first(below.needs, ("cancelled",)):
            return End("cancelled", f"`{unmet}` was cancelled")
        if stop == "failure":
            return End("cancelled", STOPPED[stop])
    if step.condition is None:
        return Run()
    try:
        met = holds(step.condition, below)
    except ValueFault as broken:
        return End("failed", fault=broken.fault.below("if"))
    return Run(regardless) if met else End("skipped", "its `if` is false")


def asks_for_failures(condition: str) -> bool:
    """Whether a condition uses `always()` or `failure()`, so that failed needs do not skip it.

    >>> asks_for_failures("always() and steps.a.written > 0"), asks_for_failures("'always()' = 'x'")
    (True, False)
    """
    from flowctl.expressions.parse import parse
    from flowctl.expressions.tree import Call, Tree, children

    def asks(tree: Tree) -> bool:
        if isinstance(tree, Call) and tree.name in ("always", "failure"):
            return True
        return any(asks(child) for child in children(tree))

    tree = parse(condition)
    return not isinstance(tree, Fault) and asks(tree)


def _first(needs: Mapping[str, StepStatus], statuses: Iterable[StepStatus]) -> str | None:
    return next((id for id, status in needs.items() if status in statuses), None)


_HAS: Mapping[StepStatus, str] = {"failed": "has failed", "skipped": "was skipped"}
