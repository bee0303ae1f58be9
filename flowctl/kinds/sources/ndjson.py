"""`ndjson: path`: one JSON object a line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from flowctl.arguments import ON_ERROR
from flowctl.component import Arguments, Situation, Source, Spec, Typed
from flowctl.dataflow import BadInput
from flowctl.files.paths import expand
from flowctl.files.sampling import Sample, no_record, sample_json_lines
from flowctl.records import Binary, Duration, Schema
from flowctl.sourcing import (
    COLUMNS,
    PATHS,
    declared,
    files_of,
    no_files,
    paths_of,
    reserved_names,
    size_of,
    typed_before,
)

if TYPE_CHECKING:
    from flowctl.dataflow import Reader

SPEC = Spec(
    kind="ndjson",
    summary="Reads one JSON object a line.",
    argument=PATHS,
    options={
        "columns": {
            **COLUMNS,
            "description": "Types of columns (`int64`, `string?`; `?` allows nulls), which come "
            "first. All other keys that a sample of the files shows are columns too.",
        },
        **ON_ERROR,
    },
    example="ndjson: events/*.ndjson.zst\ncolumns: {id: int64, tags: list<string>?}\n",
    detail="A key that is missing is null; a key that is no column is passed over. Types are "
    'strict: `"5"` and `5.0` are no int64; but numbers are text where the column is, and a '
    'column declared as a float takes `"NaN"`, `"Infinity"` and `"-Infinity"`. Where a key stands '
    "twice in an object, its first value counts. Blank lines are passed over.",
)
_NOT_IN_JSON = (Binary, Duration)


def rule(arguments: Arguments, situation: Situation) -> Typed:
    columns = declared(arguments.get("columns"), _NOT_IN_JSON, "NDJSON")
    canonical = {"ndjson": arguments["ndjson"]}
    if columns.columns:
        canonical["columns"] = columns.canonical
    unsure = Schema(columns.columns, open=True)
    if columns.faults:
        return Typed(canonical, unsure, columns.faults)
    files = files_of(arguments["ndjson"], situation.files)
    if not files:
        return Typed(canonical, unsure, missing=(no_files(arguments["ndjson"]),))
    try:
        sample = sample_json_lines(files)
    except BadInput as error:
        return Typed(canonical, unsure, (error.fault.below("ndjson"),))
    if sample is None and not columns.columns:
        message = f"{no_record(files)}, so its columns are not known"
        return Typed(canonical, unsure, missing=(message,))
    typed = typed_before(canonical, columns, sample or Sample(()))
    return replace(typed, faults=reserved_names(typed.schema, "ndjson"))


def open(arguments: Arguments, schema: Schema, base: Path) -> Reader:
    from flowctl.files.jsonlines import JsonColumns, JsonSplit
    from flowctl.files.jsontypes import json_conversions
    from flowctl.files.lines import LineFiles

    files = expand(base, paths_of(arguments["ndjson"]))
    names = declared(arguments.get("columns"), (), "NDJSON").columns
    columns = JsonColumns(
        json_conversions({column.name: column for column in schema}),
        frozenset(column.name for column in names),
    )
    return LineFiles(
        files, lambda index, place: JsonSplit(columns, index, place), size=size_of(files)
    )


COMPONENT = Source(SPEC, rule, open, lambda arguments: paths_of(arguments["ndjson"]))
