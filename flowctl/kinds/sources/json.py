"""`json: path`: an array of objects, or a single one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowctl.arguments import ON_ERROR
from flowctl.component import Again, Arguments, Situation, Source, Spec, Typed
from flowctl.files.paths import DataFile
from flowctl.files.sampling import no_element, sample_json
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
    kind="json",
    summary="Reads a JSON array of objects, or a single object.",
    argument=PATHS,
    options={"columns": JSON_COLUMNS, **ON_ERROR},
    example="json: exports/orders-*.json.gz\ncolumns: {id: int64, items: list<string>?}\n",
    detail="The array is read piece by piece, however large it is. Keys and types are judged as "
    "`ndjson` does. An element that is no object is at fault; a file that ends too early, or holds "
    "more behind the array, ends the step. A checkpoint tells its place in records.",
)
_ENDINGS = (".json",)


def rule(arguments: Arguments, situation: Situation) -> Typed:
    return json_rule("json", "JSON", arguments, situation, _ENDINGS, sample_json, no_element)


def open(arguments: Arguments, schema: Schema, files: tuple[DataFile, ...]) -> Reader:
    from flowctl.files.jsonarrays import JsonFiles
    from flowctl.files.jsonlines import JsonColumns
    from flowctl.files.jsontypes import json_conversions

    names = declared(arguments.get("columns"), (), "JSON").columns
    columns = JsonColumns(
        json_conversions({column.name: column for column in schema}),
        frozenset(column.name for column in names),
    )
    return JsonFiles(files, columns, size_of(files))


def again(arguments: Arguments, schema: Schema, base: Path, file: str) -> Again:
    """Their text is that of an object, which may take several lines."""
    return as_json_lines({"columns": arguments["columns"]} if "columns" in arguments else {})


COMPONENT = partitioned(
    Source(SPEC, rule, open, lambda arguments: paths_of(arguments["json"]), _ENDINGS, again)
)
