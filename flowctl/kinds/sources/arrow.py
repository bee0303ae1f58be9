"""`arrow: path`: records from Arrow IPC files and streams."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowctl.component import Again, Arguments, Situation, Source, Spec, Typed
from flowctl.dataflow import BadInput
from flowctl.files.paths import DataFile
from flowctl.partitions import partitioned
from flowctl.records import Schema
from flowctl.sourcing import (
    PATHS,
    as_json_lines,
    as_pairs,
    files_of,
    no_files,
    paths_of,
    reserved_names,
    size_of,
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
    canonical = {"arrow": arguments["arrow"]}
    files = files_of(arguments["arrow"], situation.files, _ENDINGS)
    if not files:
        missing = (no_files(arguments["arrow"]),)
        return Typed(canonical, Schema(open=True), missing=missing)
    from flowctl.files.arrow import schema_of_arrow

    try:
        schema = schema_of_arrow(DataFile(files[0], files[0].name))
    except BadInput as error:
        return Typed(canonical, Schema(open=True), (error.fault.below("arrow"),))
    return Typed(canonical, schema, reserved_names(schema, "arrow"), observed=schema)


def open(arguments: Arguments, schema: Schema, files: tuple[DataFile, ...]) -> Reader:
    from flowctl.files.arrow import ArrowFiles

    return ArrowFiles(files, schema, size_of(files))


def again(arguments: Arguments, schema: Schema, base: Path, file: str) -> Again:
    """Their text is JSON, with the columns' types as they are."""
    return as_json_lines({"columns": as_pairs(schema)})


COMPONENT = partitioned(
    Source(SPEC, rule, open, lambda arguments: paths_of(arguments["arrow"]), _ENDINGS, again)
)
