"""`flowctl infer PATH`: the columns of a file, as a workflow declares them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import click

from flowctl.cli import render
from flowctl.records import Schema

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN_TYPE = re.compile(r"[a-z0-9]+\??")
# Words that YAML, or an older reader of it, takes for something other than text.
_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}


@click.command(short_help="Print the columns of a data file.")
@click.argument("path")
def infer(path: str) -> None:
    """Print the `columns:` of a file, a folder or a glob, to be put beside its source."""
    from flowctl.cli.sampling import sample

    schema, missing = sample(path, Path.cwd())
    console = render.console()
    for line in missing:
        console.err.line(f"note: {line}")
    console.out.write(as_yaml(schema))


def as_yaml(schema: Schema) -> str:
    """The mapping that declares these columns.

    >>> print(as_yaml(Schema.of({"a": "int64", "b c": "list<string>?"})), end="")
    columns:
      a: int64
      "b c": "list<string>?"
    """
    lines = ["columns:"]
    for column in schema:
        plain = _PLAIN_KEY.fullmatch(column.name) and column.name.lower() not in _WORDS
        key = column.name if plain else json.dumps(column.name, ensure_ascii=False)
        type = f"{column.type}{'?' if column.nullable else ''}"
        lines.append(f"  {key}: {type if _PLAIN_TYPE.fullmatch(type) else json.dumps(type)}")
    return "\n".join(lines) + "\n"
