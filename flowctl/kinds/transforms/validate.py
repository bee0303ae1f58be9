"""`validate: {JSON Schema}` or `validate: "expr"`: a record that breaks it is at fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flowctl.arguments import ON_ERROR, checked_tree, expression, hazards, texts, unknown_column
from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.dataflow import CARRIED
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.json_schema import record_judge, schema_faults
from flowctl.operators import Hazard, Operator, Rowwise
from flowctl.records import Boolean, Schema
from flowctl.suspects import suspects
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl

SPEC = Spec(
    kind="validate",
    summary="Holds each record against a JSON Schema or a boolean expression.",
    argument={
        "description": "A JSON Schema for a record, in which a null is there as null; or an "
        "expression that must be true.",
        "anyOf": [
            {"type": "object", "format": "json-schema"},
            {"type": "string", "format": "expression"},
        ],
    },
    options=ON_ERROR,
    example="""validate:
  required: [flight]
  properties:
    flight: {type: integer, minimum: 1}
    carrier: {type: string, maxLength: 2}
on_error: reject
""",
    detail="Dates and times are judged as ISO 8601 text. A record for which the expression is "
    "false or null is at fault.",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    demand = arguments["validate"]
    if isinstance(demand, str):
        found = expression(demand, schema, situation.scope, ("validate",), Boolean())
        return Typed({"validate": found.text}, schema, found.faults)
    faults = [fault.below("validate") for fault in schema_faults(demand)]
    return Typed({"validate": demand}, schema, tuple(faults or _missing_columns(demand, schema)))


def _missing_columns(demand: Json, schema: Schema) -> Iterator[Fault]:
    """Columns that every record would be blamed for not having."""
    required = texts(demand.get("required")) if isinstance(demand, dict) else []
    for index, name in enumerate(required):
        unknown = unknown_column(name, schema, ("validate", "required", index))
        if unknown is not None:
            yield unknown


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    demand = arguments["validate"]
    if isinstance(demand, str):
        return Rowwise(_unchanged, _expression_hazards(demand, schema, scope))
    return Rowwise(_unchanged, (_schema_hazard(demand, schema),))


def _unchanged(frame: pl.LazyFrame) -> pl.LazyFrame:
    return frame


def _expression_hazards(text: str, schema: Schema, scope: Scope) -> tuple[Hazard, ...]:
    import polars as pl

    from flowctl.expressions.lower import lower

    lowered = lower(checked_tree(text, schema, scope, Boolean()))
    broken = lowered.value.fill_null(value=False).not_()

    def examine(frame: pl.DataFrame) -> pl.Series:
        message = pl.when(broken).then(pl.lit(f"`{text}` is not true"))
        return frame.with_columns(message.alias("__fault")).get_column("__fault")

    computing = hazards(lowered, "validate", ("validate",))
    return (*computing, Hazard(broken, examine, "validate", ("validate",)))


def _schema_hazard(demand: Json, schema: Schema) -> Hazard:
    import polars as pl
    from polars import selectors

    judge = record_judge(demand)

    def examine(frame: pl.DataFrame) -> pl.Series:
        records = frame.select(selectors.all() - selectors.matches(CARRIED))
        return pl.Series("__fault", judge(records), dtype=pl.String)

    return Hazard(suspects(demand, schema), examine, "validate", ("validate",))


COMPONENT = Transform(SPEC, rule, prepare)
