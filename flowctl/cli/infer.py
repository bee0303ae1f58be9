"""`flowctl infer PATH`: the columns of a file, as a workflow declares them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowctl.cli import options, render
from flowctl.diagnostics import Diagnostic
from flowctl.errors import InvalidWorkflow, UsageError

if TYPE_CHECKING:
    from flowctl.records import Schema
    from flowctl.syntax.node import Json

_KINDS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "json",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".parquet": "parquet",
    ".txt": "text",
    ".log": "text",
}
_COMPRESSED = (".gz", ".zst", ".bz2", ".xz")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN_TYPE = re.compile(r"[a-z0-9]+")
# Words that YAML, or an older reader of it, takes for something other than text.
_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}


@click.command(short_help="Print the columns of a data file.")
@click.argument("path")
@click.option("--kind", metavar="KIND", help="The source to read it with; else by its name.")
@click.option("--delimiter", metavar="TEXT", help="What stands between the fields of a CSV file.")
@click.option("--null", "nulls", metavar="TEXT", multiple=True, help="A text that means null.")
@options.colour
def infer(
    path: str, kind: str | None, delimiter: str | None, nulls: tuple[str, ...], colour: str
) -> None:
    """Print the `columns:` of a file, a folder or a glob, to be put beside its source.

    Types come from a sample of the head, the middle and the end.
    """
    console = render.console(colour)
    suffix = _suffix(path)
    kind = kind or _kind(path, suffix)
    arguments: dict[str, Json] = {kind: path}
    if delimiter or suffix == ".tsv":
        arguments["delimiter"] = delimiter or "\t"
    if nulls:
        arguments["null_values"] = list(nulls)
    schema, found, missing = _look(kind, arguments)
    console.err.diagnostics(found)
    if found or missing:
        raise InvalidWorkflow("; ".join(missing))
    console.out.write(as_yaml(schema))


def _suffix(path: str) -> str:
    """What the name of a file ends with, compression aside; of a folder its first file."""
    if Path(path).is_dir():
        path = min((file.name for file in Path(path).iterdir()), default="")
    suffixes = [one.lower() for one in Path(path).suffixes if one.lower() not in _COMPRESSED]
    return suffixes[-1] if suffixes else ""


def _kind(path: str, suffix: str) -> str:
    if suffix not in _KINDS:
        known = ", ".join(dict.fromkeys(_KINDS.values()))
        raise UsageError(f"the name of {path} does not tell its kind; give --kind, such as {known}")
    return _KINDS[suffix]


def _look(
    kind: str, arguments: dict[str, Json]
) -> tuple[Schema, list[Diagnostic], tuple[str, ...]]:
    """The columns that the source's own rule sees, the faults, and what it could not see."""
    from flowctl.component import Situation
    from flowctl.expressions.scope import Scope
    from flowctl.files.paths import DataFiles
    from flowctl.registry import builtin

    sources = builtin().sources
    if kind not in sources:
        raise UsageError(f"there is no source `{kind}`; there are {', '.join(sorted(sources))}")
    typed = sources[kind].rule(arguments, Situation(Scope(), DataFiles(Path.cwd())))
    found = [Diagnostic(one.code, one.message, help=one.help) for one in typed.faults]
    return typed.schema, found, typed.missing


def as_yaml(schema: Schema) -> str:
    """The mapping that declares these columns.

    >>> from flowctl.records import Schema
    >>> print(as_yaml(Schema.of({"a": "int64", "b c": "list<string>?"})), end="")
    columns:
      a: int64
      "b c": "list<string>?"
    """
    lines = ["columns:"]
    for column in schema:
        plain = _PLAIN_KEY.fullmatch(column.name) and column.name.lower() not in _WORDS
        key = column.name if plain else json.dumps(column.name, ensure_ascii=False)
        kind = str(column.type)
        mark = "?" if column.nullable else ""
        text = f"{kind}{mark}" if _PLAIN_TYPE.fullmatch(kind) else json.dumps(kind + mark)
        lines.append(f"  {key}: {text}")
    return "\n".join(lines) + "\n"
