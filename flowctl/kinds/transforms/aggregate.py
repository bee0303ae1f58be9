"""`aggregate: {n: count(*)}`, `by: [k]`: one record of each group, ordered by the keys."""

from __future__ import annotations

from flowctl.aggregating import Result, aggregated, gathering, groups, keys_schema
from flowctl.arguments import ON_ERROR, expression_schema, pairs
from flowctl.codes.names import DUPLICATE_COLUMN
from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.diagnostics import Fault
from flowctl.expressions.aggregates import AGGREGATES
from flowctl.expressions.scope import Scope
from flowctl.operators import Operator
from flowctl.records import Column, Schema
from flowctl.syntax.node import Json

SPEC = Spec(
    kind="aggregate",
    summary="Makes one record of each group of records, ordered by the keys.",
    argument={
        "description": "Names of columns, each with an expression over the group: aggregates such "
        "as `count(*)` or `sum(a * b)`, keys, and what can be computed from them.",
        "type": "object",
        "additionalProperties": expression_schema("An expression with aggregates."),
        "minProperties": 1,
    },
    options={
        "by": keys_schema(
            "Without keys all records are one group, which exists even if there is no record."
        ),
        **ON_ERROR,
    },
    detail="""\
Groups are ordered by their keys, one after the other, nulls last. A sum of integers is exact, and
an int64 once it becomes a column; where it does not fit, the run ends. Sums of floats are the same
in every run, whatever the number of workers and the memory. An aggregate may be narrowed:
`count(*) filter (where late)`, `count(distinct carrier)`.

Aggregates: """
    + ", ".join(f"`{name}`" for name in AGGREGATES)
    + ".",
    example="""aggregate:
  flights: count(*)
  delay: avg(dep_delay)
  late: count(*) filter (where dep_delay > 15) / count(*)
by: [dest, {month: "month(day)"}]
""",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    keys = groups(arguments, schema, situation.scope)
    faults = [*keys.faults]
    columns: list[Column] = []
    texts: list[Json] = []
    for name, value in pairs(arguments["aggregate"]):
        found = aggregated(value, keys.columns, schema, situation.scope, 0)
        faults += [fault.below("aggregate", name) for fault in found.faults]
        if name in keys.columns:
            message = f"`{name}` is a key already, and keys are columns of the result"
            faults.append(Fault(DUPLICATE_COLUMN, message, ("aggregate", name), key=True))
        columns.append(Column(name, found.type, found.nullable))
        texts.append([name, found.text])
    canonical: dict[str, Json] = {"aggregate": texts}
    if keys.canonical:
        canonical["by"] = keys.canonical
    return Typed(canonical, keys.columns.with_columns(columns), tuple(faults))


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    keys = groups(arguments, schema, scope).columns
    results: list[Result] = []
    count = 0
    for name, value in pairs(arguments["aggregate"]):
        found = aggregated(value, keys, schema, scope, count)
        count += len(found.aggregations)
        results.append(Result(name, found, ("aggregate", name)))
    return gathering("aggregate", arguments, schema, scope, results)


COMPONENT = Transform(SPEC, rule, prepare, order="blocking")
