"""`text: path`: one column as lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from flowctl.codes.environment import SINK_TYPE
from flowctl.component import Arguments, Sink, Situation, Spec, Typed
from flowctl.diagnostics import Fault
from flowctl.records import Null, Schema, String, Unknown
from flowctl.sinking import COMPRESSED, PATH, PLACES, placed

if TYPE_CHECKING:
    from flowctl.dataflow import Writer

SPEC = Spec(
    kind="text",
    summary="Writes the one column that is there as lines of text.",
    argument=PATH,
    options=PLACES,
    example="text: build/urls.txt",
    detail="The column must be text; null is an empty line. " + COMPRESSED,
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    placing = placed("text", arguments, schema)
    faults = (*placing.faults, *_faults(placing.files))
    return Typed(placing.arguments, schema, faults)


def _faults(schema: Schema) -> Iterator[Fault]:
    if schema.open:
        return
    help = "keep one column of text: `- select: [line]`"
    if len(schema) != 1:
        message = f"text holds one column, but there are {len(schema)}"
        yield Fault(SINK_TYPE, message, ("text",), help=help)
    elif not isinstance(schema.columns[0].type, String | Null | Unknown):
        message = f"text holds a column of text, but `{schema.columns[0]}` is none"
        yield Fault(SINK_TYPE, message, ("text",), help=help)


def open(arguments: Arguments, schema: Schema, base: Path) -> Writer:
    from flowctl.files.writing import LineWriter

    return LineWriter(str(arguments["text"]))


COMPONENT = Sink(SPEC, rule, open, lambda arguments: (str(arguments["text"]),))
