"""`flowctl cache verify`: whether what is kept is what was written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import click

from flowctl.cli import render
from flowctl.cli.cache.finding import Cache, counted, opened_cache
from flowctl.cli.runs.finding import about_all
from flowctl.errors import RunFailed


@click.command(short_help="Check what is kept.")
@click.option("--mend", is_flag=True, help="Forget what is damaged.")
@about_all
def verify(mend: bool, state_dir: Path | None, colour: str) -> None:
    """Read all successes and all records that are kept of them.

    Nothing is ever taken from what is damaged: such steps run. Exits with 1 where anything is,
    unless `--mend` has it forgotten.
    """
    console = render.console(colour)
    with opened_cache(state_dir) as cache:
        if cache is None:
            console.out.line("nothing is cached")
            return
        damage = list(_damage(cache))
        for line in damage:
            console.out.line(line)
        if mend:
            broken = {path.name for path in cache.kept.files() if not _whole(path)}
            keys = [one.key for one in cache.all if one.file in broken]
            cache.store.drop([*cache.store.damaged(), *keys])
            cache.kept.sweep(cache.store, young=True)
        told = counted(len(cache.all))
    if damage and not mend:
        console.err.line("`flowctl cache verify --mend` forgets what is damaged")
        raise RunFailed
    console.out.line(f"{told}: {'mended' if damage else 'all is whole'}")


def _damage(cache: Cache) -> Iterator[str]:
    for key in cache.store.damaged():
        yield f"{key.step}: what is remembered of its success is not what was written"
    files = {path.name: path for path in cache.kept.files()}
    for one in cache.all:
        if one.file is not None and one.file not in files:
            yield f"{one.step}: the records of run {one.run} are gone"
        elif one.file is not None and not _whole(files[one.file]):
            yield f"{one.step}: the records of run {one.run} are not what was written"


def _whole(path: Path) -> bool:
    """Whether a file holds what its name says."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == path.stem
