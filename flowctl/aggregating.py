"""What transforms share that make one record of each group: their keys, and how they gather."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from flowctl.arguments import (
    checked_tree,
    expression,
    expression_schema,
    pairs,
    unknown_column,
)
from flowctl.codes.names import DUPLICATE_COLUMN
from flowctl.component import Arguments, JsonSchema
from flowctl.computing import Computed, computing
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault
from flowctl.expressions.aggregates import Aggregated, Aggregation, check_aggregation
from flowctl.expressions.aggregates.reading import placeholder
from flowctl.expressions.scope import Scope
from flowctl.gathering.grouping import Grouping, Measure
from flowctl.operators import Blocking
from flowctl.records import Column, Schema, Unknown, quoted
from flowctl.syntax.node import Json, Pointer

# Columns that live between the parts of the transform; no author writes such names.
_VALUE: Final = "\ue000value"
_WHERE: Final = "\ue000where"


def keys_schema(without: str) -> JsonSchema:
    """The JSON Schema of `by`; `without` says what its absence means."""
    return {
        "description": "The keys: columns, or names with expressions over the record. " + without,
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
    }


class Grouped(NamedTuple):
    """The keys as columns, in canonical form, and what is wrong with them."""

    columns: Schema
    canonical: list[Json]
    faults: list[Fault]


def groups(arguments: Arguments, schema: Schema, scope: Scope) -> Grouped:
    """Checks the option `by`."""
    faults: list[Fault] = []
    columns: list[Column] = []
    by: list[Json] = []
    for key in _keys(arguments):
        column, text, found = _key(key, schema, scope)
        if any(column.name == other.name for other in columns):
            message = f"the key `{column.name}` stands twice"
            found = (*found, Fault(DUPLICATE_COLUMN, message, key.pointer))
        faults += found
        columns.append(column)
        by.append(key.name if key.column else [key.name, text])
    return Grouped(Schema(tuple(columns)), by, faults)


def aggregated(value: Json, groups: Schema, schema: Schema, scope: Scope, first: int) -> Aggregated:
    """Checks an expression over groups; its aggregates are numbered from `first`."""
    text = value if isinstance(value, str) else json.dumps(value)
    return check_aggregation(text, groups, replace(scope, columns=schema), first)


class Result(NamedTuple):
    """A column of the result; `pointer` leads to its expression."""

    name: str
    value: Aggregated
    pointer: Pointer


def gathering(
    rule: str, arguments: Arguments, schema: Schema, scope: Scope, results: Sequence[Result]
) -> Blocking:
    """The operator: one record of each group, with these columns behind the keys."""
    from flowctl.expressions.lower import lower

    keys = list(_keys(arguments))
    groups = Schema(tuple(_key(key, schema, scope)[0] for key in keys))
    measures: list[_Measured] = []
    columns: list[Computed] = []
    for name, value, pointer in results:
        if value.tree is None:
            raise ValueError(f"{value.text!r}: {value.faults[0].message}")
        for aggregation in value.aggregations:
            measures.append(_measured(aggregation, len(measures), pointer))
        columns.append(Computed(name, lower(value.tree), pointer))
    by = [
        Computed(key.name, lower(checked_tree(_expression(key), schema, scope)), key.pointer)
        for key in keys
    ]
    grouping = Grouping(tuple(groups.names), tuple(one.measure for one in measures))
    computed = [computed for one in measures for computed in one.computed]
    return Blocking(
        condense=grouping.condense,
        open=grouping.open,
        before=computing(rule, [*by, *computed]),
        after=computing(rule, columns, groups.names),
        gives=groups.with_columns(one.column for one in measures),
    )


@dataclass(frozen=True, slots=True)
class _Key:
    """A key as it was written: its name, its expression, and where it stands."""

    name: str
    text: Json
    pointer: Pointer
    column: bool


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


class _Measured(NamedTuple):
    """An aggregate, and the columns that it needs."""

    column: Column
    measure: Measure
    computed: list[Computed]


def _expression(key: _Key) -> Json:
    return quoted(key.name) if key.column else key.text


def _measured(aggregation: Aggregation, index: int, pointer: Pointer) -> _Measured:
    """The aggregate with this number; `pointer` leads to its expression."""
    from flowctl.expressions.lower import lower
    from flowctl.expressions.polars_types import polars_type

    steps = aggregation.steps
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
        steps.plain,
    )
    return _Measured(Column(measure.name, aggregation.type), measure, computed)
