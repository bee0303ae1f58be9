"""`flowctl runs pause|cancel RUN`: reach a run that another process works on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from flowctl.cli import render
from flowctl.cli.runs.finding import about_one, found, project_of, runs_of, status_of
from flowctl.errors import FlowctlError, UsageError

if TYPE_CHECKING:
    from flowctl.interpreter.runs import RunRecord, Runs
    from flowctl.store.ledger import Verb

_BETWEEN: Final = 0.05
_PATIENCE: Final = 60.0
"""Seconds for which the other process has time to obey: it may have to end a command."""


@click.command(short_help="Have a run at work begin nothing new.")
@about_one
def pause(run: str, state_dir: Path | None, colour: str) -> None:
    """Have RUN begin nothing new until `flowctl runs resume`: its process waits.

    Commands that run go on to their end; streams stand still at their next split.
    """
    out = render.console(colour).out
    runs = runs_of(state_dir)
    record = found(runs, run)
    refuse_unless(runs, record, "running", "paused", to="pause")
    if record.status == "paused":
        raise UsageError(f"run {record.run} is paused already")
    obeyed(runs, record, "pause", ("paused",))
    out.line(f"run {record.run} is paused; `flowctl runs resume {record.run}` lets it go on")


@click.command(short_help="End a run, for good.")
@about_one
def cancel(run: str, state_dir: Path | None, colour: str) -> None:
    """End RUN: commands are ended, streams publish nothing, and running the same begins anew."""
    out = render.console(colour).out
    runs = runs_of(state_dir)
    record = found(runs, run)
    if not record.open:
        if record.status == "cancelled":
            raise UsageError(f"run {record.run} is cancelled already")
        raise UsageError(f"run {record.run} has {record.status} and cannot be cancelled")
    if runs.at_work(record.run):
        obeyed(runs, record, "cancel", ("cancelled",))
    else:
        give_up(runs, record)
    out.line(f"run {record.run} is cancelled")


def refuse_unless(runs: Runs, record: RunRecord, *statuses: str, to: str) -> None:
    """Raises UsageError unless the run is at work and in one of these."""
    now = status_of(runs, record)
    if now not in statuses:
        word = f"has {now}" if now in ("succeeded", "failed") else f"is {now}"
        raise UsageError(f"run {record.run} {word}: there is nothing to {to}")


def obeyed(runs: Runs, record: RunRecord, verb: Verb, until: Sequence[str]) -> None:
    """Asks the process that works on the run, and waits until it has done so."""
    from flowctl.store.ledger import opened

    with opened(runs.state) as ledger:
        ledger.ask(record.run, datetime.now(UTC).isoformat(), verb)
        deadline = time.monotonic() + _PATIENCE
        while True:
            working = runs.at_work(record.run)
            row = ledger.run(record.run)
            status = row.status if row is not None else "gone"
            if status in until:
                return
            if not working or time.monotonic() > deadline:
                ledger.take_requests(record.run)
                why = f"it is {status}" if working else f"its process has ended, it is {status}"
                raise FlowctlError(f"run {record.run} did not {verb}: {why}")
            time.sleep(_BETWEEN)


def give_up(runs: Runs, record: RunRecord) -> None:
    """Ends a run on which nobody works, and takes away what it has staged; raises Busy."""
    from flowctl.interpreter.forgetting import discard
    from flowctl.interpreter.setting import Setting
    from flowctl.registry import builtin

    document = project_of(runs) / record.identity.document
    setting = Setting(
        base=document.parent.absolute(),
        state=runs.state,
        run=record.run,
        environment={},
        clock=runs.clock,
    )
    with runs.held(record.run):
        if record.open:
            runs.give_up(record.run)
        discard(setting, builtin())
