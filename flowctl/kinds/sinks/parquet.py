"""`parquet: path`: one Parquet file, which holds every type."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowctl.component import Arguments, Sink, Situation, Spec, Typed
from flowctl.records import Schema
from flowctl.sinking import PATH, PLACES, placed

if TYPE_CHECKING:
    from flowctl.dataflow import Writer

SPEC = Spec(
    kind="parquet",
    summary="Writes Parquet.",
    argument=PATH,
    options={
        "compression": {
            "description": "How pages are compressed; `zstd` unless said.",
            "enum": ["zstd", "snappy", "lz4", "gzip", "uncompressed"],
        },
        **PLACES,
    },
    example="parquet: build/clean.parquet",
    detail="Row groups have 100,000 records or more.",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    placing = placed("parquet", arguments, schema)
    canonical = placing.arguments
    if arguments.get("compression", "zstd") != "zstd":
        canonical["compression"] = arguments["compression"]
    return Typed(canonical, schema, placing.faults)


def open(arguments: Arguments, schema: Schema, base: Path) -> Writer:
    from flowctl.files.parquet import ParquetWriter

    match arguments.get("compression", "zstd"):
        case "snappy" | "lz4" | "gzip" | "uncompressed" as compression:
            return ParquetWriter(schema, compression)
    return ParquetWriter(schema)


COMPONENT = Sink(SPEC, rule, open, lambda arguments: (str(arguments["parquet"]),), lossless=True)
