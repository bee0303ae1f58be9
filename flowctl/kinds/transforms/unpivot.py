"""`unpivot: [jan, feb]`: makes a record of each of these columns."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

from flowctl.arguments import texts, unknown_column
from flowctl.codes.names import DUPLICATE_COLUMN, WRONG_COLUMN
from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.expressions.types import common
from flowctl.operators import InOrder, Operator
from flowctl.records import Column, DataType, Null, Schema, String, Unknown
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl

SPEC = Spec(
    kind="unpivot",
    summary="Makes a record of each of some columns, in the order in which they are named.",
    argument={
        "description": "The columns whose values become records; they need a common type.",
        "type": "array",
        "items": {"type": "string", "format": "column"},
        "minItems": 1,
        "uniqueItems": True,
    },
    options={
        "name": {"description": "The column for their names (default `name`).", "type": "string"},
        "value": {
            "description": "The column for their values (default `value`).",
            "type": "string",
        },
    },
    detail="The other columns are repeated in each record. Nulls become records, too.",
    example="""unpivot: [dep_delay, arr_delay]
name: event
value: minutes
""",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    names = texts(arguments["unpivot"])
    name, value = _names(arguments)
    unknown = (unknown_column(one, schema, ("unpivot", i)) for i, one in enumerate(names))
    faults = list(filter(None, unknown))
    kinds = [schema[one].type if one in schema else Unknown() for one in names]
    kind = _common(kinds)
    if kind is None:
        shown = ", ".join(f"`{one}` {kind}" for one, kind in zip(names, kinds, strict=True))
        message = f"these columns have no common type: {shown}"
        help = "bring them to one with a `cast` before"
        faults.append(Fault(WRONG_COLUMN, message, ("unpivot",), help=help))
    staying = Schema(tuple(one for one in schema if one.name not in names), schema.open)
    for option, column in (("name", name), ("value", value)):
        if column in staying or (option == "value" and column == name):
            message = f"there is a column `{column}` already"
            help = f"choose another one with `{option}: …`"
            pointer = (option,) if option in arguments else ("unpivot",)
            faults.append(Fault(DUPLICATE_COLUMN, message, pointer, help=help))
    canonical: dict[str, Json] = {"unpivot": list(names)}
    canonical |= {"name": name} if name != "name" else {}
    canonical |= {"value": value} if value != "value" else {}
    added = [Column(name, String(), nullable=False), Column(value, kind or Unknown())]
    return Typed(canonical, staying.with_columns(added), tuple(faults))


def _names(arguments: Arguments) -> tuple[str, str]:
    return str(arguments.get("name", "name")), str(arguments.get("value", "value"))


def _common(kinds: list[DataType]) -> DataType | None:
    def both(left: DataType | None, right: DataType) -> DataType | None:
        return common(left, right) if left is not None else None

    first: DataType | None = Null()
    return reduce(both, kinds, first)


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    names = texts(arguments["unpivot"])
    name, value = _names(arguments)
    kind = _common([schema[one].type for one in names])

    def step(state: Json, frame: pl.DataFrame) -> tuple[Json, pl.DataFrame]:
        import polars as pl

        from flowctl.expressions.polars_types import polars_type

        dtype = polars_type(kind) if kind is not None else None
        values = pl.concat_list(pl.col(one).cast(dtype) if dtype else one for one in names)
        listed = frame.select(
            pl.exclude(*names),
            pl.lit(pl.Series([names], dtype=pl.List(pl.String))).first().alias(name),
            values.alias(value),
        )
        return state, listed.explode(name, value)

    needs = frozenset(names)
    return InOrder(None, step, lambda state: False, multiplies=True, stateless=True, needs=needs)


COMPONENT = Transform(SPEC, rule, prepare, order="in-order")
