"""`flowctl cache clear`: forgets successes, and frees what is kept of them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from flowctl.cli import render
from flowctl.cli.cache.finding import counted, made, named, opened_cache
from flowctl.cli.quantities import room
from flowctl.cli.runs.finding import Age, about_all


@click.command(short_help="Forget successes: the steps run again.")
@click.argument("steps", nargs=-1, metavar="[STEP]...")
@click.option("--older-than", type=Age(), help="Only those made so long ago: 30d, 12h, a date.")
@about_all
def clear(
    steps: tuple[str, ...], older_than: datetime | None, state_dir: Path | None, colour: str
) -> None:
    """Forget the successes of STEPs, or all, so that they run again. What was published stays."""
    out = render.console(colour).out
    gone, freed = 0, 0
    with opened_cache(state_dir) as cache:
        if cache is not None:
            found = named(cache.all, steps)
            found = [one for one in found if older_than is None or made(one) < older_than]
            before = sum(path.stat().st_size for path in cache.kept.files())
            cache.store.drop(one.key for one in found)
            cache.kept.sweep(cache.store, young=True)
            gone = len(found)
            freed = before - sum(path.stat().st_size for path in cache.kept.files())
    out.line(f"forgot {counted(gone)}, freed {room(freed)}")
