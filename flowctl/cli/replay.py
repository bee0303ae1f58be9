"""`flowctl run FILE --replay REJECTS`: mended records, once, added to what was published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from flowctl.api.choosing import Chosen, Wanted, held, setting_of
from flowctl.api.preparing import Prepared
from flowctl.cli.quantities import plural
from flowctl.cli.render import Console
from flowctl.dataflow import BadInput
from flowctl.diagnostics import Diagnostic
from flowctl.errors import InvalidWorkflow, ResumeRefused
from flowctl.interpreter.history import read_plan
from flowctl.interpreter.replay.plans import planned
from flowctl.interpreter.replay.source import replaying
from flowctl.interpreter.result import Run
from flowctl.interpreter.runs import Runs
from flowctl.plan import Plan
from flowctl.registry import Registry, builtin


class Perform(Protocol):
    """Runs what was chosen, to its end."""

    def __call__(self, chosen: Chosen, runs: Runs, registry: Registry | None = None) -> Run: ...


def replay(
    rejects: Path,
    wanted: Wanted,
    state: Path | None,
    console: Console,
    perform: Perform,
    *,
    fresh: bool,
) -> Run | None:
    """Finishes a replay that was interrupted, then replays the file; None where nothing is left.

    A replay is a run of its own beside those of its workflow. Raises InvalidWorkflow and
    ResumeRefused where the rejects cannot be replayed.
    """
    wanted = replace(wanted, prepare=_as_replay(wanted.prepare))
    with held(wanted, state, fresh=fresh) as (chosen, runs):
        console.err.diagnostics(chosen.diagnostics)
        begun = read_plan(setting_of(chosen, runs).folder)
        if isinstance(begun, Plan):
            console.err.line("an earlier replay was interrupted, and is brought to its end first")
            chosen = replace(chosen, plan=begun)
            result = perform(chosen, runs, _registry(chosen))
            if result.status != "succeeded":
                return result
    with held(wanted, state, fresh=fresh) as (chosen, runs):
        whole = chosen.plan
        ready = _ready(rejects, chosen, runs, console)
        if ready is None:
            return None
        result = perform(ready, runs, _registry(chosen))
    again = {step.id for step in ready.plan.steps}
    stale = [step.id for step in whole.steps if again.intersection(step.reads)]
    if stale:
        named = ", ".join(f"`{step}`" for step in stale)
        console.err.line(f"{named} read what was added to, and still stand as they were")
    return result


def _as_replay(prepare: Callable[[datetime], Prepared]) -> Callable[[datetime], Prepared]:
    def prepared(moment: datetime) -> Prepared:
        found = prepare(moment)
        return replace(found, document=f"{found.document} --replay")

    return prepared


def _registry(chosen: Chosen) -> Registry:
    return replaying(builtin(), chosen.base.absolute())


def _ready(rejects: Path, chosen: Chosen, runs: Runs, console: Console) -> Chosen | None:
    """What is to be run; None where nothing is left."""
    try:
        found = planned(chosen.plan, rejects, setting_of(chosen, runs), builtin())
    except BadInput as error:
        runs.give_up(chosen.record.run)
        console.err.diagnostics([Diagnostic(error.fault.code, error.fault.message)], counted=False)
        raise InvalidWorkflow("") from None
    if found.faults:
        runs.give_up(chosen.record.run)
        console.err.diagnostics(found.faults, counted=False)
        message = f"{rejects} cannot be replayed, and nothing has changed"
        raise ResumeRefused(message) if found.changed else InvalidWorkflow(message)
    if found.before:
        console.err.line(f"replayed before: {plural(found.before, 'reject')} of {rejects}")
    if not found.rejects:
        runs.give_up(chosen.record.run)
        console.err.line("nothing is left to replay")
        return None
    return replace(chosen, plan=found.plan)
