"""`flowctl schema [NAME]`: the JSON Schemas that editors and other programs use."""

from __future__ import annotations

import click

from flowctl.cli import data, render
from flowctl.diagnostics import nearest
from flowctl.errors import UsageError

_SUFFIX = ".schema.json"


@click.command(short_help="Print a JSON Schema for editors.")
@click.argument("name", default="workflow")
def schema(name: str) -> None:
    """Print a JSON Schema: `workflow` (the default), `plan` or `events`.

    With it an editor completes and checks a workflow as it is written: put
    `# yaml-language-server: $schema=PATH` into the first line.
    """
    folder = data.folder("schemas")
    names = sorted(
        file.name.removesuffix(_SUFFIX) for file in folder.iterdir() if file.name.endswith(_SUFFIX)
    )
    if name not in names:
        near = nearest(name, names)
        hint = f"did you mean `{near}`?" if near else f"there are {', '.join(names)}"
        raise UsageError(f"there is no schema `{name}`; {hint}")
    text = folder.joinpath(name + _SUFFIX).read_text(encoding="utf-8")
    render.console().out.write(text.rstrip() + "\n")
