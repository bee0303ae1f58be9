"""`flowctl cache stats`: how much is cached, and how often it was of use."""

from __future__ import annotations

import json
from pathlib import Path

import click

from flowctl.cli import render
from flowctl.cli.cache.finding import counted, opened_cache
from flowctl.cli.quantities import plural, room
from flowctl.cli.runs.finding import about_all
from flowctl.syntax.node import Json


@click.command(short_help="How much is cached.")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text")
@about_all
def stats(format_: str, state_dir: Path | None, colour: str) -> None:
    """Tell how many successes are kept, what they take on disk, and how often they were taken."""
    out = render.console(colour).out
    with opened_cache(state_dir) as cache:
        every = cache.all if cache is not None else []
        held = sum(path.stat().st_size for path in cache.kept.files()) if cache is not None else 0
    counting = [one for one in every if one.counts]
    told: dict[str, Json] = {
        "successes": len(counting),
        "steps": len({(one.workflow, one.step) for one in counting}),
        "taken": sum(one.hits for one in every),
        "bytes": held,
        "oldest": min((one.at for one in counting), default=None),
        "latest": max((one.at for one in counting), default=None),
    }
    if format_ == "json":
        out.write(json.dumps(told, indent=2) + "\n")
        return
    steps = plural(len({(one.workflow, one.step) for one in counting}), "step")
    out.line(f"{counted(len(counting))} of {steps}")
    out.line(f"taken {plural(sum(one.hits for one in every), 'time')}")
    out.line(f"{room(held)} on disk")
