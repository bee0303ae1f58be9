"""`ndjson: path`: one JSON object a line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowctl.component import Arguments, Sink, Situation, Spec, Typed
from flowctl.records import Binary, Duration, Schema
from flowctl.sinking import COMPRESSED, PATH, PLACES, placed, unfit_types

if TYPE_CHECKING:
    from flowctl.dataflow import Writer

SPEC = Spec(
    kind="ndjson",
    summary="Writes one JSON object a line.",
    argument=PATH,
    options=PLACES,
    example="ndjson: build/rejects.ndjson",
    detail="Dates and times are ISO 8601 text, decimals are text. JSON has no NaN and no infinity: "
    'they are the texts `"NaN"`, `"Infinity"` and `"-Infinity"`. ' + COMPRESSED,
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    placing = placed("ndjson", arguments, schema)
    unfit = unfit_types(placing.files, (Binary, Duration), "ndjson", "NDJSON")
    return Typed(placing.arguments, schema, (*placing.faults, *unfit))


def open(arguments: Arguments, schema: Schema, base: Path) -> Writer:
    from flowctl.files.writing import JsonLinesWriter

    return JsonLinesWriter(str(arguments["ndjson"]))


COMPONENT = Sink(SPEC, rule, open, lambda arguments: (str(arguments["ndjson"]),))
