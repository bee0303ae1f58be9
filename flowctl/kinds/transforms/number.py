"""`number: id`: gives each record its number, in the order of the input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowctl.codes.names import DUPLICATE_COLUMN
from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.operators import InOrder, Operator
from flowctl.records import Column, Integer, Schema
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl

SPEC = Spec(
    kind="number",
    summary="Gives each record its number in a new column, in the order of the input.",
    argument={"description": "The name of the new column.", "type": "string", "minLength": 1},
    options={
        "from": {
            "description": "The number of the first record (default 1).",
            "type": "integer",
            "minimum": -(2**62),
            "maximum": 2**62,
        }
    },
    detail="Records that come here are counted: those that a filter has taken out before are not.",
    example="""number: id
from: 0
""",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    name, first = str(arguments["number"]), arguments.get("from", 1)
    faults: tuple[Fault, ...] = ()
    if name in schema:
        message = f"there is a column `{name}` already"
        help = "choose another name, or `drop` that column before"
        faults = (Fault(DUPLICATE_COLUMN, message, ("number",), help=help),)
    canonical: dict[str, Json] = {"number": name}
    canonical |= {"from": first} if first != 1 else {}
    added = Column(name, Integer(64), nullable=False)
    return Typed(canonical, schema.with_columns([added]), faults)


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    """The state is the number of the next record."""
    name = str(arguments["number"])

    def step(state: Json, frame: pl.DataFrame) -> tuple[Json, pl.DataFrame]:
        import polars as pl

        if not isinstance(state, int):
            raise TypeError(f"the state of number is the next record's number, not {state!r}")
        after = state + frame.height
        numbers = pl.int_range(state, after, dtype=pl.Int64, eager=True)
        return after, frame.with_columns(numbers.alias(name))

    return InOrder(arguments.get("from", 1), step, lambda state: False, needs=frozenset())


COMPONENT = Transform(SPEC, rule, prepare, order="in-order")
