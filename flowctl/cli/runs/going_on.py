"""`flowctl runs resume|retry RUN`: go on with a run by its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flowctl.cli import render
from flowctl.cli.runs.control import obeyed
from flowctl.cli.runs.finding import about_one, found, project_of, runs_of
from flowctl.errors import UsageError

if TYPE_CHECKING:
    from flowctl.api.preparing import Prepared
    from flowctl.interpreter.runs import RunRecord, Runs
    from flowctl.interpreter.state import RunState
    from flowctl.plan import Plan


def _working(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command that works on a run."""
    command = click.option("--keep-going", is_flag=True, help="Run what needs no failed step.")(
        about_one(command)
    )
    return click.option("--workers", type=click.IntRange(1, 256), metavar="N")(command)


@click.command(short_help="Let a paused or interrupted run go on.")
@_working
def resume(
    run: str, workers: int | None, keep_going: bool, state_dir: Path | None, colour: str
) -> None:
    """Let RUN go on: in its own process if it is paused there, else here, from where it stopped."""
    console = render.console(colour)
    runs = runs_of(state_dir)
    record = found(runs, run)
    if runs.at_work(record.run):
        if record.status != "paused":
            raise UsageError(f"run {record.run} is {record.status}, not paused")
        obeyed(runs, record, "resume", ("running", "succeeded", "failed"))
        console.out.line(f"run {record.run} goes on")
        return
    if not record.open:
        hint = "" if record.status == "succeeded" else "; `flowctl runs retry` runs it again"
        was = "was" if record.status == "cancelled" else "has"
        raise UsageError(f"run {record.run} {was} {record.status} and cannot go on{hint}")
    _go_on(runs, record, console, workers, keep_going, retrying=False)


@click.command(short_help="Run again what failed, and what depends on it.")
@_working
def retry(
    run: str, workers: int | None, keep_going: bool, state_dir: Path | None, colour: str
) -> None:
    """Run again the steps of RUN that failed and all that depend on them; the rest stays.

    The workflow is read as it is now, with the params of the run; what has succeeded must be as it
    was.
    """
    runs = runs_of(state_dir)
    record = found(runs, run)
    if record.status == "succeeded":
        raise UsageError(f"run {record.run} has succeeded: there is nothing to mend")
    _go_on(runs, record, render.console(colour), workers, keep_going, retrying=True)


def _go_on(
    runs: Runs,
    record: RunRecord,
    console: render.Console,
    workers: int | None,
    keep_going: bool,
    *,
    retrying: bool,
) -> None:
    from flowctl.api.choosing import chosen_of
    from flowctl.api.working import How
    from flowctl.cli.performing import judge, perform, report
    from flowctl.cli.telling import telling

    with runs.held(record.run):
        with telling(console.err):
            chosen = chosen_of(record, _prepared(runs, record), runs, old=True)
        console.err.diagnostics(chosen.diagnostics)
        state = runs.history(record.run)
        again = failed_and_dependent(chosen.plan, state) if retrying else frozenset()
        how = How(workers, keep_going=keep_going, again=again)
        result = perform(chosen, runs, console, how)
    report(result, chosen, console)
    judge([result])


def _prepared(runs: Runs, record: RunRecord) -> Prepared:
    """The run's document as it is now, with the values that its params had."""
    from flowctl.api.given import Given
    from flowctl.api.preparing import is_plan, prepared

    known = record.identity
    document = project_of(runs) / known.document
    if not document.is_file():
        raise UsageError(f"run {record.run} is one of `{document}`, which is not there")
    if is_plan(document):
        return prepared(document, Given(timestamp=record.timestamp))
    given = Given(values=known.params, profile=known.profile, timestamp=record.timestamp)
    return prepared(document, given)


def failed_and_dependent(plan: Plan, state: RunState) -> frozenset[str]:
    """The steps that have failed, and those that need one of them, near or far.

    Of one that is fanned out only the cells that have failed are run again, for the same list; the
    whole where none of them has succeeded.
    """
    from flowctl.interpreter.events import DONE
    from flowctl.interpreter.fanning import states_of

    found: set[str] = set()
    kept: set[str] = set()
    for step in plan.steps:
        known = state.steps.get(step.id)
        if not found.isdisjoint(step.needs):
            found.add(step.id)
        elif known is not None and known.status == "failed":
            found.add(step.id)
            if any(cell.status in DONE for cell in states_of(state, step.id)):
                kept.add(step.id)
    return frozenset(found - kept)
