"""`sort: [-a, b]`: orders all records by columns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flowctl.arguments import texts, unknown_column
from flowctl.codes.names import DUPLICATE_COLUMN
from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.gathering.order import Order
from flowctl.gathering.sorting import Sorting
from flowctl.gathering.spill import Spill
from flowctl.operators import Blocking, Operator
from flowctl.records import Schema

if TYPE_CHECKING:
    import polars as pl

SPEC = Spec(
    kind="sort",
    summary="Orders all records by columns.",
    argument={
        "description": "Columns to sort by, the first one counts most; a `-` before the name puts "
        "the greatest values first.",
        "type": "array",
        "items": {"type": "string", "format": "column"},
        "minItems": 1,
    },
    detail="""\
Nulls come last in either direction, NaN is the greatest number, and text compares by code point.
Records that are equal in all these columns stay in the order in which they came.
""",
    example="sort: [-dep_delay, carrier]",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    keys = texts(arguments["sort"])
    faults: list[Fault] = []
    seen: set[str] = set()
    for index, key in enumerate(keys):
        name = key.removeprefix("-")
        unknown = unknown_column(name, schema, ("sort", index))
        if unknown is not None:
            faults.append(unknown)
        elif name in seen:
            message = f"the records are sorted by `{name}` already"
            faults.append(Fault(DUPLICATE_COLUMN, message, ("sort", index)))
        seen.add(name)
    return Typed({"sort": list(keys)}, schema, tuple(faults))


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    keys = texts(arguments["sort"])
    order = Order(
        tuple(key.removeprefix("-") for key in keys), tuple(key.startswith("-") for key in keys)
    )

    def condense(frame: pl.DataFrame) -> pl.DataFrame:
        return order.sorted(frame.select(schema.names))

    def open(folder: Path, memory: int) -> Sorting:
        return Sorting(order, Spill(folder), memory, ordered=True)

    return Blocking(condense, open)


COMPONENT = Transform(SPEC, rule, prepare, order="blocking")
