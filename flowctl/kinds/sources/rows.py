"""`rows: [...]`: a small table written in the workflow itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from flowctl.arguments import ON_ERROR
from flowctl.component import Again, Arguments, Situation, Source, Spec, Typed
from flowctl.files.inference import infer_json
from flowctl.files.paths import DataFile
from flowctl.records import Binary, Column, Duration, Schema
from flowctl.sourcing import COLUMNS, Declared, as_json_lines, as_pairs, declared, reserved_names
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    from flowctl.dataflow import Reader

SPEC = Spec(
    kind="rows",
    summary="Holds a small table in the workflow itself.",
    argument={
        "description": "The records, each a mapping of columns to values; one that is missing is "
        "null.",
        "type": "array",
        "items": {"type": "object"},
    },
    options={"columns": COLUMNS, **ON_ERROR},
    example="rows:\n  - {code: UA, name: United}\n  - {code: DL, name: Delta}\n",
    detail="Types are those of the values; texts are dates and timestamps where all of a column "
    "are. An empty table needs `columns`.",
)
_NOT_IN_ROWS: Final = (Binary, Duration)


def rule(arguments: Arguments, situation: Situation) -> Typed:
    columns = declared(arguments.get("columns"), _NOT_IN_ROWS, "inline")
    canonical = {"rows": arguments["rows"]}
    if columns.columns:
        canonical["columns"] = columns.canonical
    schema = _schema(arguments["rows"], columns)
    return Typed(canonical, schema, (*columns.faults, *reserved_names(schema, "rows")))


def _schema(rows: Json, columns: Declared) -> Schema:
    """Declared columns first, then the others in order of appearance."""
    values: dict[str, list[Json]] = {}
    for row in rows if isinstance(rows, list) else []:
        for name, value in row.items() if isinstance(row, dict) else ():
            values.setdefault(name, []).append(value)
    types = {column.name: column for column in columns.columns}
    seen = (Column(name, infer_json(found)) for name, found in values.items() if name not in types)
    return Schema((*columns.columns, *seen))


def open(arguments: Arguments, schema: Schema, files: tuple[DataFile, ...]) -> Reader:
    from flowctl.files.inline import InlineRows
    from flowctl.files.jsonlines import JsonColumns
    from flowctl.files.jsontypes import json_conversions

    conversions = json_conversions({column.name: column for column in schema})
    rows = arguments["rows"]
    return InlineRows(
        rows if isinstance(rows, list) else [],
        JsonColumns(conversions, frozenset(schema.names)),
    )


def again(arguments: Arguments, schema: Schema, base: Path, file: str) -> Again:
    """Their text is JSON, with the columns' types as they are."""
    return as_json_lines({"columns": as_pairs(schema)})


COMPONENT = Source(SPEC, rule, open, lambda arguments: (), again=again)
