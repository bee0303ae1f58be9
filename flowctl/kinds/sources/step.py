"""`step: id`: the records of another step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowctl.component import Again, Arguments, Situation, Source, Spec, Typed
from flowctl.files.paths import DataFile
from flowctl.records import UNKNOWN_SCHEMA, Schema
from flowctl.sourcing import as_json_lines, as_pairs

if TYPE_CHECKING:
    from flowctl.dataflow import Reader

SPEC = Spec(
    kind="step",
    summary="Reads the records of another step, which thereby comes first.",
    argument={
        "description": "The step's id; of a step with a matrix, all cells in the matrix's order.",
        "anyOf": [
            {"type": "string", "minLength": 1},
            {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
        ],
    },
    example="step: clean",
    detail="That step needs no sink of its own.",
)


def rule(arguments: Arguments, situation: Situation) -> Typed:
    named = arguments["step"]
    steps = [str(step) for step in named] if isinstance(named, list) else [str(named)]
    known = [situation.steps[step] for step in steps if step in situation.steps]
    schema = known[0] if known else UNKNOWN_SCHEMA
    return Typed({"step": named}, schema)


def open(arguments: Arguments, schema: Schema, files: tuple[DataFile, ...]) -> Reader:
    """The interpreter reads the files in which the step has left its records."""
    raise TypeError("the records of a step are read where they have been left")


def again(arguments: Arguments, schema: Schema, base: Path, file: str) -> Again:
    """Their text is JSON, with the columns' types as they are."""
    return as_json_lines({"columns": as_pairs(schema)})


COMPONENT = Source(SPEC, rule, open, lambda arguments: (), again=again)
