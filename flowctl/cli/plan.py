"""`flowctl plan FILE`: what a run would do, for a person, as a file, or for programs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from flowctl.cli import options, render
from flowctl.cli.options import Given
from flowctl.syntax.node import Json


@click.command(short_help="Compile a workflow and print its plan.")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="PLAN",
    help="Write the plan to this file, for `flowctl run`.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For a person, or each step's digest and action for programs.",
)
@options.inputs
@options.colour
def plan(file: Path, output: Path | None, format_: str, given: Given, colour: str) -> None:
    """Compile FILE and print the plan: what each step reads, does and writes.

    The same inputs give the same bytes, wherever the folder stands.
    """
    from flowctl.cli.compiled import plan_of
    from flowctl.cli.compiling import compiled
    from flowctl.cli.planview import WHY, as_text
    from flowctl.plan_file import plan_to_json
    from flowctl.registry import builtin

    console = render.console(colour)
    result = compiled(file, given.inputs(complete=True), builtin())
    found = plan_of(result, console.err)
    if output is not None:
        _write(output, plan_to_json(found))
    if format_ == "json":
        steps: dict[str, Json] = {
            step.id: {"digest": step.digest, "action": "run", "why": WHY} for step in found.steps
        }
        summary: Json = {"digest": found.digest, "steps": steps}
        console.out.write(json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
    elif output is None:
        console.out.write(as_text(found, result.schemas, console.out))
    else:
        console.err.line(f"wrote {output} ({found.digest})")


def _write(file: Path, text: str) -> None:
    """Replace a file at once, so that no half of a plan is ever there.

    What is no file, such as `/dev/stdout`, is written to and never replaced.
    """
    if file.exists() and not file.is_file():
        file.write_text(text, encoding="utf-8")
        return
    place = file.resolve()
    aside = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        aside.write_text(text, encoding="utf-8")
        aside.replace(place)
    except OSError as error:
        raise OSError(error.errno, error.strerror, file.as_posix()) from error
    finally:
        aside.unlink(missing_ok=True)
