"""`flowctl plan FILE`: what a run would do, for a person, as a file, or for programs."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from flowctl.api.given import Given
from flowctl.cli import options, render
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
@options.state_dir
@options.colour
def plan(
    file: Path,
    output: Path | None,
    format_: str,
    given: Given,
    state_dir: Path | None,
    colour: str,
) -> None:
    """Compile FILE and print the plan: what each step reads, does and writes.

    It says which steps `flowctl run` would run, with which an unfinished run would go on, and which
    are cached, and why: which file, line of code or value has changed. What `-o` writes is the same
    bytes for the same inputs, wherever the folder stands.
    """
    from flowctl.api.preparing import compiled_now
    from flowctl.cli.actions import expected
    from flowctl.cli.planview import as_text
    from flowctl.cli.telling import plan_of
    from flowctl.plan_file import plan_to_json

    console = render.console(colour)
    result = compiled_now(file, given)
    found = plan_of(result, console.err)
    if output is not None:
        _write(output, plan_to_json(found))
    state = state_dir or result.project / ".flowctl"
    if format_ == "json":
        ahead = expected(file, given, found, state)
        steps: dict[str, Json] = {
            step.id: {
                "digest": step.digest,
                "action": ahead.steps[step.id].action,
                "why": ahead.steps[step.id].why,
            }
            for step in ahead.plan.steps
        }
        summary: Json = {"digest": ahead.plan.digest, "steps": steps}
        console.out.write(json.dumps(summary, indent=2, ensure_ascii=False) + "\n")
    elif output is None:
        ahead = expected(file, given, found, state)
        console.out.write(as_text(ahead, result.schemas, console.out))
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
