"""`aggregate: {n: count(*)}`, `by: [k]`: one record of each group, ordered by the keys."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from flowctl.arguments import (
    ON_ERROR,
    checked_tree,
    expression,
    expression_schema,
    pairs,
    unknown_column,
)
from flowctl.codes.names import DUPLICATE_COLUMN
from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.computing import Computed, computing
from flowctl.dataclass import dataclass
from flowctl.dataflow import Blocking, Operator
from flowctl.diagnostics import Fault
from flowctl.expressions.aggregates import AGGREGATES, Aggregated, Aggregation, check_aggregation
from flowctl.expressions.aggregates.reading import placeholder
from flowctl.expressions.scope import Scope
from flowctl.gathering.grouping import Grouping, Measure
from flowctl.records import Column, Schema, Unknown, quoted
from flowctl.syntax.node import Json, Pointer

# Columns that live between the parts of the transform; no author writes such names.
_VALUE: Final = "\ue000value"
_WHERE: Final = "\ue000where"

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
        "by": {
            "description": "The keys: columns, or names with expressions over the record. Without "
            "keys all records are one group, which exists even if there is no record.",
            "type": "array",
            "items": {
                "anyOf": [
                    {"type": "string", "format": "column"},
                    {
                        "type": "object",
                        "additionalProperties": expression_schema("An expression over the record."),
                        "minProperties": 1,
                        "maxProperties": 1,
                    },
                ]
            },
            "minItems": 1,
        },
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


@dataclass(frozen=True, slots=True)
class _Key:
    """A key as it was written: its name, its expression, and where it stands."""

    name: str
    text: Json
    pointer: Pointer
    column: bool


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    faults: list[Fault] = []
    keys: list[Column] = []
    by: list[Json] = []
    for key in _keys(arguments):
        column, text, found = _key(key, schema, situation.scope)
        if any(column.name == other.name for other in keys):
            message = f"the key `{column.name}` stands twice"
            found = (*found, Fault(DUPLICATE_COLUMN, message, key.pointer))
        faults += found
        keys.append(column)
        by.append(key.name if key.column else [key.name, text])
    groups = Schema(tuple(keys))
    columns: list[Column] = []
    texts: list[Json] = []
    for name, value in pairs(arguments["aggregate"]):
        aggregated = _aggregated(value, groups, schema, situation.scope)
        faults += [fault.below("aggregate", name) for fault in aggregated.faults]
        if name in groups:
            message = f"`{name}` is a key already, and keys are columns of the result"
            faults.append(Fault(DUPLICATE_COLUMN, message, ("aggregate", name), key=True))
        columns.append(Column(name, aggregated.type))
        texts.append([name, aggregated.text])
    canonical: dict[str, Json] = {"aggregate": texts}
    if by:
        canonical["by"] = by
    return Typed(canonical, groups.with_columns(columns), tuple(faults))


def _keys(arguments: Arguments) -> Iterator[_Key]:
    """The keys as an author writes them, or as the plan holds them: a name, or a pair."""
    found = arguments.get("by", [])
    for index, item in enumerate(found if isinstance(found, list) else []):
        if isinstance(item, str):
            yield _Key(item, item, ("by", index), column=True)
        else:
            for name, text in pairs(item) if isinstance(item, Mapping) else pairs([item]):
                yield _Key(name, text, ("by", index, name), column=False)


def _key(key: _Key, schema: Schema, scope: Scope) -> tuple[Column, Json, tuple[Fault, ...]]:
    """The column that a key becomes, its canonical expression, and what is wrong."""
    if key.column:
        fault = unknown_column(key.name, schema, key.pointer)
        column = schema[key.name] if key.name in schema else Column(key.name, Unknown())
        if fault is not None and not key.name.isidentifier():
            fault = replace(fault, help=f"an expression needs a name: `{{key: {key.name}}}`")
        return column, key.name, (fault,) if fault is not None else ()
    found = expression(key.text, schema, scope, key.pointer)
    return Column(key.name, found.type), found.text, found.faults


def _aggregated(
    value: Json, groups: Schema, schema: Schema, scope: Scope, first: int = 0
) -> Aggregated:
    text = value if isinstance(value, str) else json.dumps(value)
    return check_aggregation(text, groups, replace(scope, columns=schema), first)


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    from flowctl.expressions.lower import lower

    keys = list(_keys(arguments))
    groups = Schema(tuple(_key(key, schema, scope)[0] for key in keys))
    measures: list[_Measured] = []
    results: list[Computed] = []
    for name, value in pairs(arguments["aggregate"]):
        found = _aggregated(value, groups, schema, scope, len(measures))
        if found.tree is None:
            raise ValueError(f"{value!r}: {found.faults[0].message}")
        for aggregation in found.aggregations:
            measures.append(_measured(aggregation, len(measures), name))
        results.append(Computed(name, lower(found.tree), ("aggregate", name)))
    by = [
        Computed(key.name, lower(checked_tree(_expression(key), schema, scope)), key.pointer)
        for key in keys
    ]
    grouping = Grouping(tuple(groups.names), tuple(one.measure for one in measures))
    return Blocking(
        condense=grouping.condense,
        open=grouping.open,
        before=computing(
            "aggregate", [*by, *(computed for one in measures for computed in one.computed)]
        ),
        after=computing("aggregate", results, groups.names),
        gives=groups.with_columns(one.column for one in measures),
    )


class _Measured(NamedTuple):
    """An aggregate, and the columns that it needs."""

    column: Column
    measure: Measure
    computed: list[Computed]


def _expression(key: _Key) -> Json:
    return quoted(key.name) if key.column else key.text


def _measured(aggregation: Aggregation, index: int, name: str) -> _Measured:
    """The aggregate with this number, of the result column `name`."""
    from flowctl.expressions.lower import lower
    from flowctl.expressions.polars_types import polars_type

    steps, pointer = aggregation.steps, ("aggregate", name)
    if steps is None:
        raise ValueError(f"{aggregation.text}: the type of its value is not known")
    value = f"{_VALUE}{index}"
    computed = [Computed(value, lower(aggregation.value), pointer)]
    where = f"{_WHERE}{index}" if aggregation.where is not None and aggregation.nulls else None
    if where is not None and aggregation.where is not None:
        computed.append(Computed(where, lower(aggregation.where), pointer))
    measure = Measure(
        placeholder(index),
        polars_type(aggregation.type),
        value,
        polars_type(aggregation.value.type),
        where,
        steps.partial,
        steps.merge,
        steps.final,
        steps.single,
    )
    return _Measured(Column(measure.name, aggregation.type), measure, computed)


COMPONENT = Transform(SPEC, rule, prepare, order="blocking")
