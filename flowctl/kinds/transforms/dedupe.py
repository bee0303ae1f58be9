"""`dedupe: [keys]`: keeps one record of each key, in the order of the input."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowctl.arguments import texts, unknown_column
from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.expressions.scope import Scope
from flowctl.gathering.distinct import Distinct
from flowctl.operators import Blocking, Gathering, Operator
from flowctl.records import Schema
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl

SPEC = Spec(
    kind="dedupe",
    summary="Keeps one record of each key, in the order of the input.",
    argument={
        "description": "The columns that make the key; nulls are equal to each other.",
        "type": "array",
        "items": {"type": "string", "format": "column"},
        "minItems": 1,
        "uniqueItems": True,
    },
    options={
        "keep": {
            "description": "Which record of a key is kept: the `first` one (the default) or the "
            "`last` one.",
            "enum": ["first", "last"],
        }
    },
    example="""dedupe: [flight, time_hour]
keep: last
""",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    keys = texts(arguments["dedupe"])
    unknown = (unknown_column(name, schema, ("dedupe", index)) for index, name in enumerate(keys))
    canonical: dict[str, Json] = {"dedupe": list(keys)}
    if arguments.get("keep") == "last":
        canonical["keep"] = "last"
    return Typed(canonical, schema, tuple(filter(None, unknown)))


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    last = arguments.get("keep") == "last"
    distinct = Distinct(tuple(texts(arguments["dedupe"])), keep="last" if last else "first")

    def condense(frame: pl.DataFrame) -> pl.DataFrame:
        return distinct.condense(frame.select(schema.names))

    def open(folder: Path, memory: int) -> Gathering:
        return distinct.open(folder, memory)

    return Blocking(condense, open)


COMPONENT = Transform(SPEC, rule, prepare, order="blocking")
