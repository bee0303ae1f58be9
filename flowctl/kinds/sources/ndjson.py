"""`ndjson: path`: one JSON object a line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowctl.arguments import ON_ERROR
from flowctl.component import Again, Arguments, Situation, Source, Spec, Typed
from flowctl.files.paths import DataFile
from flowctl.files.sampling import no_record, sample_json_lines
from flowctl.following import followed
from flowctl.partitions import partitioned
from flowctl.records import Schema
from flowctl.sourcing import (
    JSON_COLUMNS,
    PATHS,
    as_json_lines,
    declared,
    json_rule,
    paths_of,
    size_of,
)

if TYPE_CHECKING:
    from flowctl.dataflow import Reader

SPEC = Spec(
    kind="ndjson",
    summary="Reads one JSON object a line.",
    argument=PATHS,
    options={"columns": JSON_COLUMNS, **ON_ERROR},
    example="ndjson: events/*.ndjson.zst\ncolumns: {id: int64, tags: list<string>?}\n",
    detail="A key that is missing is null; a key that is no column is passed over. Types are "
    'strict: `"5"` and `5.0` are no int64; but numbers are text where the column is, and a '
    'column declared as a float takes `"NaN"`, `"Infinity"` and `"-Infinity"`. Where a key stands '
    "twice in an object, its first value counts. Blank lines are passed over.",
)
_ENDINGS = (".ndjson", ".jsonl")


def rule(arguments: Arguments, situation: Situation) -> Typed:
    ways = sample_json_lines, no_record
    return json_rule("ndjson", "NDJSON", arguments, situation, _ENDINGS, *ways)


def open(arguments: Arguments, schema: Schema, files: tuple[DataFile, ...]) -> Reader:
    from flowctl.files.jsonlines import JsonColumns, JsonSplit
    from flowctl.files.jsontypes import json_conversions
    from flowctl.files.lines import LineFiles, after

    names = declared(arguments.get("columns"), (), "NDJSON").columns
    columns = JsonColumns(
        json_conversions({column.name: column for column in schema}),
        frozenset(column.name for column in names),
    )
    return LineFiles(
        files,
        lambda index, place: JsonSplit(columns, place, after(index, place.chunk)),
        size=size_of(files),
    )


def again(arguments: Arguments, schema: Schema, base: Path, file: str) -> Again:
    return as_json_lines(dict(arguments))


COMPONENT = followed(
    partitioned(
        Source(SPEC, rule, open, lambda arguments: paths_of(arguments["ndjson"]), _ENDINGS, again)
    )
)
