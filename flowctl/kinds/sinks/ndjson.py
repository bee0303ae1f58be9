"""`ndjson: path`: one JSON object a line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowctl.component import Arguments, Sink, Situation, Spec, Typed
from flowctl.records import Binary, Duration, Schema
from flowctl.sinking import COMPRESSED, PATH, unfit_types

if TYPE_CHECKING:
    from flowctl.dataflow import Writer

SPEC = Spec(
    kind="ndjson",
    summary="Writes one JSON object a line.",
    argument=PATH,
    example="ndjson: build/rejects.ndjson",
    detail="Dates and times are ISO 8601 text, decimals are text. JSON has no NaN and no infinity: "
    'they are the texts `"NaN"`, `"Infinity"` and `"-Infinity"`. ' + COMPRESSED,
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    faults = tuple(unfit_types(schema, (Binary, Duration), "ndjson", "NDJSON"))
    return Typed({"ndjson": arguments["ndjson"]}, schema, faults)


def open(arguments: Arguments, schema: Schema, base: Path) -> Writer:
    from flowctl.files.writing import JsonLinesWriter

    return JsonLinesWriter(str(arguments["ndjson"]))


COMPONENT = Sink(SPEC, rule, open, lambda arguments: (str(arguments["ndjson"]),))
