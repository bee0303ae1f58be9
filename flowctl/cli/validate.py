"""`flowctl validate FILE…`: all faults of all files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from flowctl import __version__
from flowctl.api.given import Given
from flowctl.cli import machine, options, render
from flowctl.cli.quantities import plural
from flowctl.cli.render import Console
from flowctl.cli.report import Sources
from flowctl.diagnostics import Diagnostic, Report
from flowctl.errors import InvalidWorkflow


@click.command(short_help="Report every fault of workflow files.")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="For a person, or for programs.",
)
@click.option("--strict", is_flag=True, help="What cannot be checked yet is an error.")
@options.inputs
@options.colour
def validate(
    files: tuple[Path, ...], format_: str, strict: bool, given: Given, colour: str
) -> None:
    """Report every fault of each FILE, at its line and column.

    Exits with 3 where there is an error; warnings and notes do not count.
    """
    from flowctl.api.compiling import compiled
    from flowctl.registry import builtin

    console = render.console(colour)
    inputs, registry = given.inputs(), builtin()
    together = Report(strict)
    fine: list[str] = []
    for file in files:
        result = compiled(file, inputs, registry, strict, planned=False)
        for found in result.diagnostics:
            together.add(found)
        if not result.failed:
            steps = f", {plural(result.steps, 'step')}" if result.steps is not None else ""
            fine.append(f"{file.as_posix()}: ok{steps}")
    _print(format_, list(together), fine, console)
    if together.failed:
        raise InvalidWorkflow


def _print(format_: str, found: Sequence[Diagnostic], fine: list[str], console: Console) -> None:
    out = console.out
    sources = Sources(Path.cwd())
    if format_ == "json":
        out.write(machine.as_json(found, sources))
    elif format_ == "sarif":
        out.write(machine.as_sarif(found, sources, __version__))
    elif format_ == "github":
        out.write(machine.as_github(found, sources))
    else:
        out.diagnostics(found)
        for line in fine:
            out.line(out.paint("good", line))
