"""Columns that a transform computes of one record by expressions, on its way in or out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from flowctl.arguments import hazards
from flowctl.dataflow import CARRIED
from flowctl.operators import Rowwise
from flowctl.syntax.node import Pointer

if TYPE_CHECKING:
    import polars as pl

    from flowctl.expressions.lower import Lowered


class Computed(NamedTuple):
    """A column that is computed of one record; `pointer` leads to its expression."""

    name: str
    lowered: Lowered
    pointer: Pointer


def computing(rule: str, computed: Sequence[Computed], kept: Sequence[str] = ()) -> Rowwise:
    """Computes columns, and drops all but them and those that are kept, which come first.

    One that is computed under the name of one that is kept stands in its place.
    """
    columns = [one.lowered.value.alias(one.name) for one in computed]
    names = dict.fromkeys([*kept, *(one.name for one in computed)])

    def apply(frame: pl.LazyFrame) -> pl.LazyFrame:
        from polars import selectors

        # In a `select` of its own a constant would be one record, whatever the frame has.
        computed = frame.with_columns(columns)
        return computed.select(selectors.by_name(*names), selectors.matches(CARRIED))

    found = (hazards(one.lowered, rule, one.pointer) for one in computed)
    return Rowwise(apply, tuple(chain.from_iterable(found)))
