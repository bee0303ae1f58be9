"""`parquet: path`: records from Parquet files."""

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
    kind="parquet",
    summary="Reads Parquet files.",
    argument=PATHS,
    example="parquet: build/clean.parquet",
    detail="Only the columns that are used are read. The files of one source have the same "
    "columns, in any order.",
)
_ENDINGS = (".parquet", ".pq")


def rule(arguments: Arguments, situation: Situation) -> Typed:
    from flowctl.files.parquet import schema_of_file

    return typed_file_rule("parquet", arguments, situation, _ENDINGS, schema_of_file)


def open(arguments: Arguments, schema: Schema, files: tuple[DataFile, ...]) -> Reader:
    from flowctl.files.parquet import ParquetFiles

    return ParquetFiles(files, schema, size_of(files))


def again(arguments: Arguments, schema: Schema, base: Path, file: str) -> Again:
    """Their text is JSON, with the columns' types as they are."""
    return as_json_lines({"columns": as_pairs(schema)})


COMPONENT = partitioned(
    Source(SPEC, rule, open, lambda arguments: paths_of(arguments["parquet"]), _ENDINGS, again)
)
