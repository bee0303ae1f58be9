"""`parquet: path`: records from Parquet files."""

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
    kind="parquet",
    summary="Reads Parquet files.",
    argument=PATHS,
    example="parquet: build/clean.parquet",
    detail="Only the columns that are used are read. The files of one source have the same "
    "columns, in any order.",
)
_ENDINGS = (".parquet", ".pq")


def rule(arguments: Arguments, situation: Situation) -> Typed:
    canonical = {"parquet": arguments["parquet"]}
    files = files_of(arguments["parquet"], situation.files, _ENDINGS)
    if not files:
        missing = (no_files(arguments["parquet"]),)
        return Typed(canonical, Schema(open=True), missing=missing)
    from flowctl.files.parquet import schema_of_file

    try:
        schema = schema_of_file(files[0])
    except BadInput as error:
        return Typed(canonical, Schema(open=True), (error.fault.below("parquet"),))
    return Typed(canonical, schema, reserved_names(schema, "parquet"), observed=schema)


def open(arguments: Arguments, schema: Schema, files: tuple[DataFile, ...]) -> Reader:
    from flowctl.files.parquet import ParquetFiles

    return ParquetFiles(files, schema, size_of(files))


def again(arguments: Arguments, schema: Schema, base: Path, file: str) -> Again:
    """Their text is JSON, with the columns' types as they are."""
    return as_json_lines({"columns": as_pairs(schema)})


COMPONENT = partitioned(
    Source(SPEC, rule, open, lambda arguments: paths_of(arguments["parquet"]), _ENDINGS, again)
)
