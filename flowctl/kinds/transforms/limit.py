"""`limit: n`: lets the first records pass, in the order of the input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.expressions.scope import Scope
from flowctl.operators import InOrder, Operator
from flowctl.records import Schema
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl

SPEC = Spec(
    kind="limit",
    summary="Lets the first records pass, in the order of the input.",
    argument={
        "description": "How many records pass at most.",
        "type": "integer",
        "minimum": 0,
    },
    example="limit: 1000",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    return Typed({"limit": arguments["limit"]}, schema)


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    """The state is the number of records that may still pass."""

    def step(left: Json, frame: pl.DataFrame) -> tuple[Json, pl.DataFrame]:
        passing = frame.head(_count(left))
        return _count(left) - passing.height, passing

    return InOrder(
        initial=arguments["limit"], step=step, done=lambda left: left == 0, needs=frozenset()
    )


def _count(state: Json) -> int:
    if not isinstance(state, int):
        raise TypeError(f"the state of limit is a number of records, not {state!r}")
    return state


COMPONENT = Transform(SPEC, rule, prepare, order="in-order")
