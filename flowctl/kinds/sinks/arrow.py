"""`arrow: path`: an Arrow file, which holds every type and is read without decoding."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowctl.component import Arguments, Sink, Situation, Spec, Typed
from flowctl.records import Schema
from flowctl.sinking import PATH, PLACES, placed

if TYPE_CHECKING:
    from flowctl.dataflow import Writer

SPEC = Spec(
    kind="arrow",
    summary="Writes Arrow's file format (IPC, Feather 2).",
    argument=PATH,
    options={
        "compression": {
            "description": "How the batches are compressed; `uncompressed` unless said.",
            "enum": ["uncompressed", "lz4", "zstd"],
        },
        **PLACES,
    },
    example="arrow: build/clean.arrow",
    detail="Record batches have 65,536 records or more.",
)
_WHOLE = "an Arrow file ends in a footer, behind which nothing can stand"


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    placing = placed("arrow", arguments, schema, whole=_WHOLE)
    canonical = placing.arguments
    if arguments.get("compression", "uncompressed") != "uncompressed":
        canonical["compression"] = arguments["compression"]
    return Typed(canonical, schema, placing.faults)


def open(arguments: Arguments, schema: Schema, base: Path) -> Writer:
    from flowctl.files.arrowwriting import ArrowWriter

    match arguments.get("compression"):
        case "lz4" | "zstd" as compression:
            return ArrowWriter(schema, compression)
    return ArrowWriter(schema)


COMPONENT = Sink(SPEC, rule, open, lambda arguments: (str(arguments["arrow"]),), lossless=True)
