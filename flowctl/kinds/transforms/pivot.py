"""`pivot: month`, `in: [1, 2]`, `value: sum(x)`: values of a column become columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from flowctl.aggregating import Result, aggregated, gathering, groups, keys_schema
from flowctl.arguments import ON_ERROR, checked_tree, expression, pairs, unknown_column
from flowctl.codes.names import DUPLICATE_COLUMN
from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.diagnostics import Fault
from flowctl.expressions.aggregates import Aggregated, narrowed
from flowctl.expressions.scope import Scope
from flowctl.expressions.tree import columns_used
from flowctl.operators import Operator
from flowctl.records import Boolean, Column, Schema, quoted
from flowctl.syntax.node import Json, Pointer

_BOOLEAN: Final = Boolean()
_SCALAR: Final[list[Json]] = ["string", "number", "boolean", "null"]

SPEC = Spec(
    kind="pivot",
    summary="Makes columns of the values of a column, and one record of each group.",
    argument={
        "description": "The column whose values become columns.",
        "type": "string",
        "format": "column",
    },
    options={
        "in": {
            "description": "The values that become columns, in this order: a list, in which each "
            "value names its column, or names with a value each.",
            "anyOf": [
                {
                    "type": "array",
                    "items": {"type": _SCALAR},
                    "minItems": 1,
                    "uniqueItems": True,
                },
                {
                    "type": "object",
                    "additionalProperties": {"type": _SCALAR},
                    "minProperties": 1,
                },
            ],
        },
        "value": {
            "description": "What stands in these columns: an expression with aggregates, over "
            "those records of the group that have the column's value.",
            "type": "string",
            "format": "expression",
        },
        "by": keys_schema(
            "Without them: all columns that neither `pivot` nor `value` names, as in SQL."
        ),
        **ON_ERROR,
    },
    required=("in", "value"),
    detail="""\
The columns are written down, since they must be known before anything runs. Groups are ordered by
their keys, as those of `aggregate`. Where a group has no record with a value, `count` gives 0 and
other aggregates null; records with other values than these count nowhere, but their group stays.
`unpivot` is the way back.
""",
    example="""pivot: origin
in: {newark: EWR, kennedy: JFK, la_guardia: LGA}
value: avg(dep_delay)
by: [carrier]
""",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    scope, column = situation.scope, str(arguments["pivot"])
    unknown = unknown_column(column, schema, ("pivot",))
    faults = [unknown] if unknown is not None else []
    by = _by(arguments, schema, scope)
    keys = groups({"by": by}, schema, scope)
    faults += keys.faults
    value = aggregated(arguments["value"], keys.columns, schema, scope, 0)
    faults += [fault.below("value") for fault in value.faults]
    names: list[str] = []
    for name, wanted, pointer in _cells(arguments):
        if unknown is None:
            found = expression(_condition(column, wanted), schema, scope, pointer, _BOOLEAN)
            faults += [_at(fault, wanted) for fault in found.faults]
        if name in keys.columns or name in names:
            what = "a key" if name in keys.columns else "a column of the result"
            message = f"`{name}` is {what} already"
            help = "give it a name of its own: `in: {name: value}`"
            faults.append(Fault(DUPLICATE_COLUMN, message, pointer, help=help))
        names.append(name)
    cells: list[Json] = [[name, wanted] for name, wanted, _ in _cells(arguments)]
    canonical: dict[str, Json] = {"pivot": column, "in": cells, "value": value.text}
    if keys.canonical:
        canonical["by"] = keys.canonical
    leaving = keys.columns.with_columns(Column(name, value.type) for name in names)
    return Typed(canonical, leaving, tuple(faults))


def _by(arguments: Arguments, schema: Schema, scope: Scope) -> Json:
    """The keys, or all columns that are not named otherwise."""
    if "by" in arguments:
        return arguments["by"]
    value = aggregated(arguments["value"], Schema(), schema, scope, 0)
    trees = [one.value for one in value.aggregations]
    used = {str(arguments["pivot"])}.union(*map(columns_used, trees))
    return [name for name in schema.names if name not in used]


def _cells(arguments: Arguments) -> list[tuple[str, Json, Pointer]]:
    """The columns with their values, as an author writes them, or as the plan holds them."""
    found = arguments["in"]
    if isinstance(found, Mapping):
        return [(name, value, ("in", name)) for name, value in found.items()]
    if isinstance(found, list) and all(isinstance(one, list) for one in found):
        return [(name, value, ("in", name)) for name, value in pairs(found)]
    values = found if isinstance(found, list) else []
    return [(_named(value), value, ("in", index)) for index, value in enumerate(values)]


def _named(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _condition(column: str, value: Json) -> str:
    """Whether a record has the value, as an expression."""
    name = quoted(column)
    if value is None:
        return f"{name} is null"
    if isinstance(value, str):
        text = value.replace("'", "''")
        return f"{name} = '{text}'"
    return f"{name} = {json.dumps(value)}"


def _at(fault: Fault, value: Json) -> Fault:
    """The fault of a condition that no author has written, told of the value."""
    message = f"`{_named(value)}` cannot be a value of this column: {fault.message}"
    return Fault(fault.code, message, fault.pointer)


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    column = str(arguments["pivot"])
    keys = groups(arguments, schema, scope).columns
    results: list[Result] = []
    count = 0
    for name, wanted, _ in _cells(arguments):
        value: Aggregated = aggregated(arguments["value"], keys, schema, scope, count)
        count += len(value.aggregations)
        condition = checked_tree(_condition(column, wanted), schema, scope, _BOOLEAN)
        results.append(Result(name, narrowed(value, condition), ("value",)))
    return gathering("pivot", arguments, schema, scope, results)


COMPONENT = Transform(SPEC, rule, prepare, order="blocking")
