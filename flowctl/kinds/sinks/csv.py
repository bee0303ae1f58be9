"""`csv: path`: records as delimited text, as RFC 4180 has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from flowctl.codes.environment import OPTION
from flowctl.component import Arguments, Sink, Situation, Spec, Typed
from flowctl.diagnostics import Fault
from flowctl.records import Binary, Duration, List, Schema, Struct
from flowctl.sinking import COMPRESSED, PATH, PLACES, placed, unfit_types

if TYPE_CHECKING:
    from flowctl.dataflow import Writer

SPEC = Spec(
    kind="csv",
    summary="Writes delimited text.",
    argument=PATH,
    options={
        "delimiter": {
            "description": "The character between fields; `,` unless said.",
            "type": "string",
        },
        "header": {
            "description": "Whether the first line names the columns; true unless said.",
            "type": "boolean",
        },
        **PLACES,
    },
    example="csv: build/by_dest.csv",
    detail='Null is an empty field, empty text is `""`. ' + COMPRESSED,
)
_UNFIT = (Binary, Duration, List, Struct)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    placing = placed("csv", arguments, schema)
    canonical = placing.arguments
    if arguments.get("delimiter", ",") != ",":
        canonical["delimiter"] = arguments["delimiter"]
    if arguments.get("header") is False:
        canonical["header"] = False
    unfit = unfit_types(placing.files, _UNFIT, "csv", "CSV")
    return Typed(canonical, schema, (*placing.faults, *_delimiter_faults(arguments), *unfit))


def _delimiter_faults(arguments: Arguments) -> Iterator[Fault]:
    delimiter = str(arguments.get("delimiter", ","))
    if len(delimiter.encode()) != 1 or delimiter in '\r\n"':
        message = "the delimiter must be one ASCII character, and not the quote"
        yield Fault(OPTION, message, ("delimiter",), help='a tab is written "\\t"')


def open(arguments: Arguments, schema: Schema, base: Path) -> Writer:
    from flowctl.files.writing import DelimitedWriter

    return DelimitedWriter(
        str(arguments["csv"]),
        tuple(schema.names),
        str(arguments.get("delimiter", ",")),
        arguments.get("header") is not False,
    )


COMPONENT = Sink(SPEC, rule, open, lambda arguments: (str(arguments["csv"]),))
