"""The one table of window functions: types, doc, and what each asks of the records around."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

from flowctl.dataclass import dataclass
from flowctl.expressions.aggregates.table import AGGREGATES, Aggregate
from flowctl.expressions.functions.signature import Function, Operands, Signature, T, takes
from flowctl.expressions.lazily import pl
from flowctl.expressions.tree import Literal as Constant
from flowctl.expressions.tree import Tree
from flowctl.expressions.types import INT64

Look: TypeAlias = Literal["number", "rank", "dense_rank", "shift", "first", "last", "sum", "least",
                          "greatest"]  # fmt: skip
"""How a record's value comes from the records of its partition, or of its frame."""


@dataclass(frozen=True, slots=True)
class Window:
    """An entry: `function` has its name, types, doc and example.

    With `aggregate`, the states of that one are combined as `look` says, over the frame.
    """

    function: Function
    look: Look
    aggregate: Aggregate | None = None


def _never(operands: Operands) -> pl.Expr:
    raise TypeError("a window function has no value for one record")


def _place(arguments: Sequence[Tree]) -> tuple[int, str] | None:
    """How far `lag` and `lead` look is written out, so that it is known how much to keep."""
    if len(arguments) < 2:
        return None
    far = arguments[1]
    while not isinstance(far, Constant):
        operand = getattr(far, "operand", None)
        if operand is None:
            return 1, "how far to look must be written out, as in `lag(x, 2)`"
        far = operand
    if not isinstance(far.value, int) or isinstance(far.value, bool):
        return 1, "how far to look is a number of records"
    if abs(far.value) > FURTHEST:
        return 1, f"at most {FURTHEST:,} records are looked across"
    return None


FURTHEST: Final = 1_000_000
"""Records that are kept at hand, since a function may look at them."""


def _entry(
    name: str, signatures: tuple[Signature, ...], doc: str, example: str, look: Look
) -> Window:
    verify = _place if look == "shift" else None
    return Window(Function(name, signatures, doc, example, "windows", (), verify), look)


_NUMBER: Final = (takes(gives=INT64, lower=_never),)
_SAME: Final = (takes(T, gives=T, lower=_never),)
_SHIFT: Final = (
    *_SAME,
    takes(T, INT64, gives=T, lower=_never),
    takes(T, INT64, T, gives=T, lower=_never),
)


def _over(name: str, look: Look) -> Window:
    """An aggregate over the records of a frame."""
    aggregate = AGGREGATES[name]
    return Window(aggregate.function, look, aggregate)


_ENTRIES: Final = (
    _entry("row_number", _NUMBER, "The record's place in its partition, from 1.",
           "row_number() → 1", "number"),
    _entry("rank", _NUMBER, "Its place, the same for equal records, with gaps behind them.",
           "rank() → 1", "rank"),
    _entry("dense_rank", _NUMBER, "Its place, the same for equal records, without gaps.",
           "dense_rank() → 1", "dense_rank"),
    _entry("lag", _SHIFT, "The value of the record before, or of the n-th before; where there is "
           "none, null or the third argument.", "lag(x, 1, 0) → 0", "shift"),
    _entry("lead", _SHIFT, "The value of the record behind, or of the n-th behind; where there is "
           "none, null or the third argument.", "lead(x) → 2", "shift"),
    _entry("first_value", _SAME, "The value of the frame's first record.",
           "first_value(x) → 1", "first"),
    _entry("last_value", _SAME, "The value of the frame's last record.",
           "last_value(x) → 2", "last"),
    _over("count", "sum"),
    _over("sum", "sum"),
    _over("avg", "sum"),
    _over("min", "least"),
    _over("max", "greatest"),
    _over("bool_and", "least"),
    _over("bool_or", "greatest"),
)  # fmt: skip

WINDOWS: Final[Mapping[str, Window]] = {entry.function.name: entry for entry in _ENTRIES}
"""Each window function under its name."""

BY_NAME: Final[Mapping[str, Window]] = {
    **{alias: entry for entry in _ENTRIES for alias in entry.function.aliases},
    **WINDOWS,
}
