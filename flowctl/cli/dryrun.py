"""`flowctl run --dry-run`: what would be skipped, gone on with, cut off and done again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from flowctl.api.choosing import Chosen, setting_of
from flowctl.cli.quantities import plural
from flowctl.cli.render import Console, table
from flowctl.errors import ResumeRefused
from flowctl.interpreter.resume import StepOutlook, look
from flowctl.interpreter.runs import Runs
from flowctl.interpreter.setting import Setting
from flowctl.interpreter.state import StepState
from flowctl.plan import Plan
from flowctl.registry import builtin

if TYPE_CHECKING:
    from flowctl.interpreter.caching.foresight import Foreseen


def show(chosen: Chosen, runs: Runs, fresh: bool, console: Console) -> None:
    """Print it on stdout; raises ResumeRefused where the run could not go on."""
    setting = setting_of(chosen, runs)
    found = look(chosen.plan, setting, builtin())
    taken = {id: one.state or StepState("succeeded") for id, one in chosen.taken.items()}
    name = chosen.record.run
    if fresh or not found.resumes:
        begun = [step for step in found.steps.values() if step.action != "run"]
        if begun and fresh:
            console.out.line(f"run {name} would be given up, and a new one begun")
        else:
            console.out.line("a new run would begin")
        ahead = {} if fresh else _ahead(chosen.plan, setting, taken)
        rows = [
            (id, "stands", chosen.taken[id].why)
            if id in taken
            else (id, *_foreseen(ahead[id]))
            if id in ahead
            else (id, "runs", _lost(step, fresh))
            for id, step in found.steps.items()
        ]
        console.out.line(table(rows))
        return
    if found.faults:
        console.err.diagnostics(found.faults, counted=False)
        raise ResumeRefused(f"run {name} cannot go on")
    console.out.line(f"run {name} would go on")
    done = {id: step.ended for id, step in found.steps.items() if step.ended is not None}
    ahead = _ahead(chosen.plan, setting, taken | done)
    told = [
        (id, *(_foreseen(ahead[id]) if id in ahead and step.action == "run" else _told(step)))
        for id, step in found.steps.items()
    ]
    console.out.line(table(told))


def _ahead(plan: Plan, setting: Setting, done: Mapping[str, StepState]) -> dict[str, Foreseen]:
    """What becomes of the steps that are cached."""
    if not any(step.cache for step in plan.steps):
        return {}
    from flowctl.interpreter.caching.foresight import foresee

    return foresee(plan, setting, builtin(), done)


def _foreseen(step: Foreseen) -> tuple[str, str]:
    return ("cached" if step.cached else "runs"), step.why


def _lost(step: StepOutlook, fresh: bool) -> str:
    lost = fresh and step.rows
    return f"{plural(step.rows, 'row')} done before are read again" if lost else ""


def _told(step: StepOutlook) -> tuple[str, str]:
    match step.action:
        case "done":
            return "skipped", "it had ended before"
        case "publish":
            return "publishes", "all is written"
        case "resume" if step.cells is not None:
            return "goes on", "{:,} of {:,} have ended before".format(*step.cells)
        case "resume":
            return "goes on", ", ".join(_going_on(step))
    return "runs", ""


def _going_on(step: StepOutlook) -> Iterator[str]:
    place = f"at {step.place}" if step.place else "behind its input"
    yield f"{place}: {plural(step.rows, 'row')} are not read again"
    for cut in step.cuts:
        yield f"{cut.bytes:,} bytes are cut from what becomes {cut.path}"
