"""`filter: expr`: keeps the records for which an expression is true."""

from __future__ import annotations

from flowctl.arguments import ON_ERROR, checked_tree, expression, expression_schema, hazards
from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.expressions.scope import Scope
from flowctl.operators import Keep, Operator
from flowctl.records import Boolean, Schema

SPEC = Spec(
    kind="filter",
    summary="Keeps the records for which an expression is true.",
    argument=expression_schema("A boolean expression; where it is null, the record goes away."),
    options=ON_ERROR,
    example="filter: dep_delay is not null and carrier = params.carrier",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    found = expression(arguments["filter"], schema, situation.scope, ("filter",), Boolean())
    return Typed({"filter": found.text}, schema, found.faults)


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    from flowctl.expressions.lower import lower

    lowered = lower(checked_tree(arguments["filter"], schema, scope, Boolean()))
    return Keep(lowered.value, hazards(lowered, "filter", ("filter",)))


COMPONENT = Transform(SPEC, rule, prepare)
