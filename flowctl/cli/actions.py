"""What a run would do with each step of a plan, and why: run it, go on with it, or leave it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

from flowctl.api.choosing import Wanted, find, setting_of
from flowctl.api.given import Given
from flowctl.api.preparing import prepared
from flowctl.cli.quantities import plural
from flowctl.dataclass import dataclass
from flowctl.interpreter.resume import StepOutlook, look
from flowctl.interpreter.setting import Setting
from flowctl.plan import Plan, Step
from flowctl.registry import builtin

Action: TypeAlias = Literal["run", "resume", "cached"]
NEW = "a step of a new run always runs"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a step, and why."""

    action: Action
    why: str


@dataclass(frozen=True, slots=True)
class Expected:
    """The plan as `flowctl run` would take it, and what becomes of its steps.

    `run` is the unfinished run that would go on, None for a new one; `refused` says why it cannot.
    """

    plan: Plan
    steps: dict[str, Outcome]
    run: str | None = None
    refused: tuple[str, ...] = ()

    @property
    def varied(self) -> bool:
        """Whether there is anything to be said of single steps."""
        return self.run is not None or any(step.why != NEW for step in self.steps.values())


def expected(file: Path, given: Given, plan: Plan, state: Path) -> Expected:
    """Looks for an unfinished run of the same in a state folder; changes nothing."""
    new = Expected(plan, {step.id: Outcome("run", _why(step)) for step in plan.steps})
    if not state.exists():
        return new  # spares the workflow from being compiled again
    wanted = Wanted(
        lambda moment: prepared(file, given.at(moment)),
        given.profile,
        given.timestamp,
        datetime.now(UTC),
    )
    chosen, runs = find(wanted, state)
    setting = setting_of(chosen, runs)
    found = look(chosen.plan, setting, builtin()) if chosen.old else None
    if found is None or not (found.resumes or found.faults):
        return Expected(plan, new.steps | _cached(plan, setting, {}))
    run = chosen.record.run
    refused = tuple(fault.message for fault in found.faults)
    steps = {id: _outcome(step, run) for id, step in found.steps.items()}
    steps |= _cached(chosen.plan, setting, found.steps)
    if refused:
        why = f"run {run} cannot go on; `--fresh` gives it up and begins anew"
        steps = {id: Outcome(step.action, why) for id, step in steps.items()}
    return Expected(chosen.plan, steps, run, refused)


def _why(step: Step) -> str:
    """Why a step runs where nothing has been run yet."""
    if step.cache is None:
        return NEW
    from flowctl.interpreter.caching import NEVER

    return NEVER


def _cached(plan: Plan, setting: Setting, begun: Mapping[str, StepOutlook]) -> dict[str, Outcome]:
    """What becomes of the steps that are cached and have not begun."""
    if not any(step.cache for step in plan.steps):
        return {}
    from flowctl.interpreter.caching.foresight import foresee

    done = {id: step.ended for id, step in begun.items() if step.ended is not None}
    found = foresee(plan, setting, builtin(), done)
    return {
        id: Outcome("cached" if one.cached else "run", one.why)
        for id, one in found.items()
        if id not in begun or begun[id].action == "run"
    }


def _outcome(step: StepOutlook, run: str) -> Outcome:
    match step.action:
        case "done":
            return Outcome("resume", f"it has ended in run {run}, and is not run again")
        case "publish":
            return Outcome("resume", f"all is written in run {run}, and only to be published")
        case "resume" if step.cells is not None:
            done = "{:,} of {:,} have ended".format(*step.cells)
            return Outcome("resume", f"{done} in run {run}, and are not run again")
        case "resume":
            place = f"goes on at {step.place}" if step.place else "goes on behind its input"
            rows = f"{plural(step.rows, 'row')} are not read again"
            return Outcome("resume", f"run {run} {place}: {rows}")
    return Outcome("run", f"it has not begun in run {run}")
