"""`flowctl runs verify`: whether the run store is what was written."""

from __future__ import annotations

from pathlib import Path

import click

from flowctl.cli import render
from flowctl.cli.quantities import plural
from flowctl.cli.runs.finding import about_all, runs_of


@click.command(short_help="Check the run store.")
@about_all
def verify(state_dir: Path | None, colour: str) -> None:
    """Read the whole run store: its pages, every event's checksum, and what the events add up to.

    What is projected from events is made again. Exits with 1 where the store is damaged.
    """
    from flowctl.interpreter.history import rebuild
    from flowctl.store.ledger import opened

    out = render.console(colour).out
    runs = runs_of(state_dir)
    number = len(runs.all())
    if number:
        with opened(runs.state) as ledger:
            ledger.judge()
            rebuild(ledger)
    out.line(f"{plural(number, 'run')}: the store is whole")
