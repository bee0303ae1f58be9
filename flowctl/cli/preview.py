"""`flowctl preview FILE [STEP]`: the first records after each transform."""

from __future__ import annotations

from pathlib import Path

import click

from flowctl.cli import options, render
from flowctl.cli.options import Given


@click.command(short_help="Show the first records after each transform.")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("step", required=False)
@click.option(
    "--rows", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many."
)
@options.inputs
@options.colour
def preview(file: Path, step: str | None, rows: int, given: Given, colour: str) -> None:
    """Show the first records of each stream of FILE, or of one STEP, after each transform.

    Reads the beginning of the sources and writes no file.
    """
    console = render.console(colour)
    console.out.line(f"{file} {step} {rows} {given}")
