"""`flowctl cache list`: a line for each success, by workflow and step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowctl.cli import render
from flowctl.cli.cache.finding import named, opened_cache
from flowctl.cli.paint import safe
from flowctl.cli.quantities import room
from flowctl.cli.runs.finding import about_all
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    from flowctl.store.successes import Success

_DIGEST = len("sha256:") + 12


@click.command("list", short_help="List the successes that are kept.")
@click.argument("steps", nargs=-1, metavar="[STEP]...")
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text")
@about_all
def list_(steps: tuple[str, ...], format_: str, state_dir: Path | None, colour: str) -> None:
    """List the successes of STEPs, or of all: when each was, in which run, and how often taken.

    A step has one for each thing that it means, as with other params. The one of a step that has
    begun again since, and not ended well, is not taken: it is `begun`.
    """
    out = render.console(colour).out
    with opened_cache(state_dir) as cache:
        found = named(cache.all, steps) if cache is not None else []
    if format_ == "json":
        listed: list[Json] = [_object(one) for one in found]
        out.write(json.dumps(listed, indent=2, ensure_ascii=False) + "\n")
        return
    if not found:
        out.line("nothing is cached")
        return
    rows = [("workflow", "step", "means", "state", "made (UTC)", "taken", "kept", "run")]
    rows += [
        (
            safe(one.workflow),
            safe(one.step),
            one.digest[:_DIGEST],
            _state(one),
            one.at[:16].replace("T", " "),
            f"{one.hits:,}",
            room(one.bytes) if one.file else "",
            one.run,
        )
        for one in found
    ]
    out.line(render.table(rows, right=(5, 6)))


def _state(success: Success) -> str:
    return "kept" if success.counts else "begun"


def _object(success: Success) -> Json:
    return {
        "workflow": success.workflow,
        "step": success.step,
        "digest": success.digest,
        "state": _state(success),
        "run": success.run,
        "begun_by": success.holder,
        "made": success.at or None,
        "used": success.used or None,
        "taken": success.hits,
        "bytes": success.bytes,
    }
