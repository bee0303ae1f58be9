"""`flowctl runs prune`: forget old runs, and free what is kept of them."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowctl.cli import render
from flowctl.cli.quantities import plural
from flowctl.cli.runs.control import give_up
from flowctl.cli.runs.finding import Age, about_all, runs_of
from flowctl.errors import UsageError

if TYPE_CHECKING:
    from flowctl.interpreter.runs import RunRecord


@click.command(short_help="Forget old runs, and free their files.")
@click.option("--keep", type=click.IntRange(0), metavar="N", help="Keep the latest N.")
@click.option("--older-than", type=Age(), help="Only runs begun so long ago: 30d, 12h, a date.")
@click.option("--unfinished", is_flag=True, help="Unfinished runs too.")
@click.option("--dry-run", is_flag=True, help="Say which, and do nothing.")
@about_all
def prune(
    keep: int | None,
    older_than: datetime | None,
    unfinished: bool,
    dry_run: bool,
    state_dir: Path | None,
    colour: str,
) -> None:
    """Forget runs: their events, their logs, and what they had staged. Published files stay.

    With both options a run goes that is older and not among the latest. One that is at work is
    never forgotten, one that can go on only with `--unfinished`.
    """
    from flowctl.store.ledger import opened

    if keep is None and older_than is None:
        raise UsageError("say what to forget: `--keep N`, `--older-than 30d`, or both")
    out = render.console(colour).out
    runs = runs_of(state_dir)
    every = runs.all()
    old = every[: len(every) - keep] if keep is not None else every
    gone = [record for record in old if _is_older(record, older_than)]
    gone = [record for record in gone if unfinished or not record.open]
    gone = [record for record in gone if not runs.at_work(record.run)]
    for record in gone:
        if dry_run:
            out.line(f"would forget {record.run}")
            continue
        give_up(runs, record)
        with opened(runs.state) as ledger:
            ledger.drop(record.run)
        shutil.rmtree(runs.folder(record.run), ignore_errors=True)
    if gone and not dry_run:
        with opened(runs.state) as ledger:
            ledger.shrink()
    if not dry_run:
        out.line(f"forgot {plural(len(gone), 'run')}")


def _is_older(record: RunRecord, than: datetime | None) -> bool:
    return than is None or (record.created is not None and record.created < than)
