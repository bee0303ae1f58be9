"""`arrow: path`: records from Arrow IPC files and streams."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowctl.component import Again, Arguments, Situation, Source, Spec, Typed
from flowctl.files.paths import DataFile
from flowctl.partitions import partitioned
from flowctl.records import Schema
from flowctl.sourcing import (
    PATHS,
    as_json_lines,
    as_pairs,
    paths_of,
    size_of,
    typed_file_rule,
)

if TYPE_CHECKING:
    from flowctl.dataflow import Reader

SPEC = Spec(
    kind="arrow",
    summary="Reads Arrow IPC files and streams, Feather 2 among them.",
    argument=PATHS,
    example="arrow: build/clean.arrow",
    detail="Only the columns that are used are read. The files of one source have the same "
    "columns, in any order.",
)
_ENDINGS = (".arrow", ".arrows", ".feather", ".ipc")


def rule(arguments: Arguments, situation: Situation) -> Typed:
    from flowctl.files.arrow import schema_of_arrow

    def schema_of(path: Path) -> Schema:
        return schema_of_arrow(DataFile(path, path.name))

    return typed_file_rule("arrow", arguments, situation, _ENDINGS, schema_of)


def open(arguments: Arguments, schema: Schema, files: tuple[DataFile, ...]) -> Reader:
    from flowctl.files.arrow import ArrowFiles

    return ArrowFiles(files, schema, size_of(files))


def again(arguments: Arguments, schema: Schema, base: Path, file: str) -> Again:
    """Their text is JSON, with the columns' types as they are."""
    return as_json_lines({"columns": as_pairs(schema)})


COMPONENT = partitioned(
    Source(SPEC, rule, open, lambda arguments: paths_of(arguments["arrow"]), _ENDINGS, again)
)
