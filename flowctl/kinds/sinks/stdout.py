"""`stdout: csv`: records to standard output, as they come."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowctl.component import Arguments, Sink, Situation, Spec, Typed
from flowctl.records import Binary, Duration, List, Schema, Struct
from flowctl.sinking import unfit_types

if TYPE_CHECKING:
    from flowctl.dataflow import Writer

SPEC = Spec(
    kind="stdout",
    summary="Writes records to standard output, as they come.",
    argument={
        "description": "The format: `csv` with a header, or `ndjson`.",
        "enum": ["csv", "ndjson"],
    },
    example="stdout: ndjson",
    detail="What is written cannot be taken back: a step that fails has written a part.",
)
_UNFIT = {"csv": (Binary, Duration, List, Struct), "ndjson": (Binary, Duration)}


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    form = str(arguments["stdout"])
    faults = unfit_types(schema, _UNFIT.get(form, ()), "stdout", form.upper())
    return Typed({"stdout": form}, schema, tuple(faults))


def open(arguments: Arguments, schema: Schema, base: Path) -> Writer:
    from flowctl.files.writing import DelimitedWriter, JsonLinesWriter

    if arguments["stdout"] == "csv":
        return DelimitedWriter("", tuple(schema.names))
    return JsonLinesWriter("")


COMPONENT = Sink(SPEC, rule, open, lambda arguments: ())
