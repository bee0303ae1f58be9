"""`explode: col`: makes a record of each item of a list."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flowctl.arguments import unknown_column
from flowctl.codes.names import WRONG_COLUMN
from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.operators import InOrder, Operator
from flowctl.records import Column, DataType, List, Null, Schema, Unknown
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl

SPEC = Spec(
    kind="explode",
    summary="Makes a record of each item of a list, in the list's order.",
    argument={"description": "The column that holds lists.", "type": "string", "format": "column"},
    options={
        "keep_empty": {
            "description": "Whether a record whose list is empty or null stays, with a null in "
            "place of an item (default false: nothing is left of it, as with `unnest`).",
            "type": "boolean",
        }
    },
    example="explode: tags",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    name = str(arguments["explode"])
    canonical: dict[str, Json] = {"explode": name}
    if arguments.get("keep_empty") is True:
        canonical["keep_empty"] = True
    unknown = unknown_column(name, schema, ("explode",))
    if name not in schema:
        faults = (unknown,) if unknown is not None else ()
        return Typed(canonical, schema.with_columns([Column(name, Unknown())]), faults)
    column = schema[name]
    item = _item(column.type)
    exploded = schema.with_columns([replace(column, type=item or Unknown(), nullable=True)])
    if item is not None:
        return Typed(canonical, exploded)
    message = f"`{name}` is of type {column.type}, and only lists have items"
    help = "`string_split` makes a list of a text" if str(column.type) == "string" else None
    return Typed(canonical, exploded, (Fault(WRONG_COLUMN, message, ("explode",), help=help),))


def _item(kind: DataType) -> DataType | None:
    """The type of a list's items; None where it is none."""
    if isinstance(kind, List):
        return kind.item
    return kind if isinstance(kind, Null | Unknown) else None


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    name = str(arguments["explode"])
    keep = arguments.get("keep_empty") is True

    def step(state: Json, frame: pl.DataFrame) -> tuple[Json, pl.DataFrame]:
        import polars as pl

        if frame.schema[name] == pl.Null:
            return state, frame if keep else frame.clear()
        return state, frame.explode(name, empty_as_null=keep, keep_nulls=keep)

    needs = frozenset({name})
    return InOrder(None, step, lambda state: False, multiplies=True, stateless=True, needs=needs)


COMPONENT = Transform(SPEC, rule, prepare, order="in-order")
