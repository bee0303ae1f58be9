"""`sample: fraction`: keeps some of the records, chosen by their position."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.expressions.scope import Scope
from flowctl.operators import InOrder, Operator
from flowctl.records import Schema
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl

SPEC = Spec(
    kind="sample",
    summary="Keeps some of the records, chosen by their position: the same ones in every run.",
    argument={
        "description": "About which share of the records is kept.",
        "type": "number",
        "minimum": 0,
        "maximum": 1,
    },
    options={
        "seed": {
            "description": "Another number chooses other records (default 0).",
            "type": "integer",
            "minimum": 0,
            "maximum": 2**63 - 1,
        }
    },
    example="""sample: 0.01
seed: 7
""",
)

# The finaliser of SplitMix64 (Steele, Lea, Flood 2014): each bit of a number moves all others. It
# is written out, because the hashes of libraries change with their versions.
_STEP: Final = 0x9E3779B97F4A7C15
_FIRST: Final = 0xBF58476D1CE4E5B9
_SECOND: Final = 0x94D049BB133111EB


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    canonical: dict[str, Json] = {"sample": arguments["sample"]}
    if arguments.get("seed", 0) != 0:
        canonical["seed"] = arguments["seed"]
    return Typed(canonical, schema)


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    """The state is the number of records that have come so far."""
    share, seed = arguments["sample"], arguments.get("seed", 0)
    if not isinstance(share, int | float) or not isinstance(seed, int):
        raise TypeError("a share and a seed are numbers")
    limit = int(share * 2**64)

    def step(before: Json, frame: pl.DataFrame) -> tuple[Json, pl.DataFrame]:
        import polars as pl

        if not isinstance(before, int):
            raise TypeError(f"the state of sample is a number of records, not {before!r}")
        after = before + frame.height
        if limit >= 2**64:
            return after, frame
        places = pl.int_range(before, after, dtype=pl.UInt64, eager=True)
        return after, frame.filter(_mixed(places, seed) < limit)

    return InOrder(0, step, lambda state: limit == 0, needs=frozenset())


def _mixed(places: pl.Series, seed: int) -> pl.Series:
    """A number for each place, from all that 64 bits hold; products wrap around."""
    mixed = (places + 1 + (seed * _FIRST) % 2**64) * _STEP
    mixed = (mixed ^ (mixed // 2**30)) * _FIRST
    mixed = (mixed ^ (mixed // 2**27)) * _SECOND
    return mixed ^ (mixed // 2**31)


COMPONENT = Transform(SPEC, rule, prepare, order="in-order")
