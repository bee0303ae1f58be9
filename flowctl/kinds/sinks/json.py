"""`json: path`: one JSON array of objects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowctl.component import Arguments, Sink, Situation, Spec, Typed
from flowctl.records import Binary, Duration, Schema
from flowctl.sinking import COMPRESSED, PATH, PLACES, placed, unfit_types

if TYPE_CHECKING:
    from flowctl.dataflow import Writer

SPEC = Spec(
    kind="json",
    summary="Writes one JSON array, with an object for each record.",
    argument=PATH,
    options=PLACES,
    example="json: build/flights.json",
    detail="Values are written as by `ndjson`; without records the array is empty. " + COMPRESSED,
)
_WHOLE = "a JSON array ends in a bracket, behind which nothing can stand"


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    placing = placed("json", arguments, schema, whole=_WHOLE)
    unfit = unfit_types(placing.files, (Binary, Duration), "json", "JSON")
    return Typed(placing.arguments, schema, (*placing.faults, *unfit))


def open(arguments: Arguments, schema: Schema, base: Path) -> Writer:
    from flowctl.files.writing import JsonArrayWriter

    return JsonArrayWriter(str(arguments["json"]))


COMPONENT = Sink(SPEC, rule, open, lambda arguments: (str(arguments["json"]),))
