"""Aggregates over groups, as a fold: states of each split, states of all, and their values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from flowctl.dataclass import dataclass
from flowctl.gathering.folding import Folding
from flowctl.gathering.order import Order, grouped, quick_to_sort
from flowctl.gathering.scatter import scattered
from flowctl.gathering.spill import Spill
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl
    from polars.datatypes import DataType as PolarsType

    from flowctl.expressions.aggregates.table import Fold
    from flowctl.gathering.stretches import Places

_RUN: Final = "\ue000run"
MANY: Final = 1 << 18
"""So many records are merged by NumPy, which is worth its loading."""
_ALL: Final = "\ue000all"
"""The one key where there are no keys: a sum without groups depends on the number of threads."""


@dataclass(frozen=True, slots=True)
class Measure:
    """An aggregate over a column; `name` and `type` are those of its result.

    Only records count for which the column `where` is true, if there is one. `partial` leads from
    values to states, `merge` from states to states, `final` to the result; `single` from each
    record's value to states of its own. `plain` says of each state how it merges, if that is plain.
    """

    name: str
    type: PolarsType
    value: str
    value_type: PolarsType
    where: str | None
    partial: Callable[[pl.Expr], list[pl.Expr]]
    merge: Callable[[Sequence[pl.Expr]], list[pl.Expr]]
    final: Callable[[Sequence[pl.Expr]], pl.Expr]
    single: Callable[[pl.Expr], list[pl.Expr]] | None = None
    plain: tuple[Fold, ...] = ()

    def states(self) -> list[pl.Expr]:
        """The states of a split's records."""
        import polars as pl

        value = pl.col(self.value)
        if self.where is not None:
            value = value.filter(pl.col(self.where))
        return self._named(self.partial(value))

    def alone(self) -> list[pl.Expr] | None:
        """The states of each record by itself; None where they are not to be had."""
        import polars as pl

        if self.single is None or self.where is not None:
            return None
        return self._named(self.single(pl.col(self.value)))

    def merged(self) -> list[pl.Expr]:
        """The states of several splits' states."""
        return self._named(self.merge(self._columns()))

    def stretched(self, states: pl.DataFrame, starts: Places) -> list[pl.Series] | None:
        """The states of several splits' states, group behind group; None: not in this way."""
        from flowctl.gathering.stretches import folded

        found: list[pl.Series] = []
        for index, fold in enumerate(self.plain):
            state = folded(states[self._column(index)], starts, fold)
            if state is None:
                return None
            found.append(state)
        return found or None

    def result(self) -> pl.Expr:
        """The result of the states of all."""
        return self.final(self._columns()).cast(self.type).alias(self.name)

    def _named(self, states: Sequence[pl.Expr]) -> list[pl.Expr]:
        return [state.alias(self._column(index)) for index, state in enumerate(states)]

    def _columns(self) -> list[pl.Expr]:
        import polars as pl

        count = len(self.partial(pl.col(self.value)))
        return [pl.col(self._column(index)) for index in range(count)]

    def _column(self, index: int) -> str:
        return f"{self.name}\ue000{index}"


@dataclass(frozen=True, slots=True)
class Grouping:
    """Groups by columns (none: all records are one group) and what is computed of each group."""

    keys: tuple[str, ...]
    measures: tuple[Measure, ...]

    def condense(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The states of a split.

        Where hardly two of its records share a key, grouping them costs and gains nothing.
        """
        if self.keys and scattered(frame, self.keys):
            alone = [one.alone() for one in self.measures]
            states = [state for one in alone if one is not None for state in one]
            if None not in alone:
                return frame.select(*self.keys, *states)
        return self._grouped(frame, [state for one in self.measures for state in one.states()])

    def open(self, folder: Path, memory: int) -> Groups:
        """Begins to gather states."""
        order = Order.ascending(self.keys or (_ALL,))
        return Groups(self, Folding(order, self._merge, Spill(folder), memory))

    def results(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The keys and the results of the states of all."""
        return frame.select(*self.keys, *(one.result() for one in self.measures))

    def nothing(self) -> pl.DataFrame:
        """The result for no records at all: one record where there are no keys, else none."""
        import polars as pl

        types = {one.value: one.value_type for one in self.measures}
        wheres = {one.where: pl.Boolean() for one in self.measures if one.where is not None}
        empty = pl.DataFrame(schema={**types, **wheres})
        states = [state for one in self.measures for state in one.states()]
        return self.results(empty.select(states))

    def _merge(self, frame: pl.DataFrame, records: int) -> pl.DataFrame:
        if self.keys and quick_to_sort(frame, self.keys):
            return self._in_order(frame, at_once=records >= MANY)
        return self._grouped(frame, [state for one in self.measures for state in one.merged()])

    def _in_order(self, frame: pl.DataFrame, *, at_once: bool) -> pl.DataFrame:
        """One record a key, in their order.

        Groups that are stretches of an ordered frame are added up stretch by stretch, in the same
        way wherever they lie; numbers all `at_once`.
        """
        frame = frame.rechunk()
        places, starts = grouped(frame, self.keys)
        first = starts.arg_true() if places is None else places.filter(starts)
        states = frame.drop(self.keys)
        ordered = states if places is None else states[places]
        plain: list[pl.Series] = []
        others = list(self.measures)
        if at_once:
            stretches = starts.arg_true().to_numpy().astype("int64")
            for one in self.measures:
                if (found := one.stretched(ordered, stretches)) is not None:
                    plain += found
                    others.remove(one)
        merged = frame.select(self.keys)[first].hstack(plain)
        if others:
            merged = merged.hstack(_by_runs(ordered, starts, others))
        return merged.select(frame.columns)

    def _grouped(self, frame: pl.DataFrame, states: Sequence[pl.Expr]) -> pl.DataFrame:
        import polars as pl

        if not self.keys and _ALL not in frame.columns:
            frame = frame.with_columns(pl.lit(0, pl.UInt8).alias(_ALL))
        keys = self.keys or (_ALL,)
        # Polars adds up floats in another order where it knows that a key is sorted. A column
        # that comes out of a struct has lost that knowledge.
        hidden = frame.select(keys).to_struct().struct.unnest()
        frame = frame.rechunk().with_columns(hidden.get_columns())
        return frame.group_by(keys, maintain_order=True).agg(states)


def _by_runs(
    ordered: pl.DataFrame, starts: pl.Series, measures: Sequence[Measure]
) -> list[pl.Series]:
    """The states of groups that stand one behind the other, each from its start on."""
    import polars as pl

    states = [state for one in measures for state in one.merged()]
    run = starts.cast(pl.UInt32).cum_sum().alias(_RUN).set_sorted()
    merged = ordered.with_columns(run).group_by(_RUN, maintain_order=True).agg(states)
    return merged.drop(_RUN).get_columns()


@dataclass(slots=True)
class Groups:
    """The groups that were seen so far."""

    grouping: Grouping
    folding: Folding

    def take(self, frame: pl.DataFrame) -> None:
        self.folding.take(frame)

    def leave(self) -> Iterator[pl.DataFrame]:
        nothing = True
        for frame in self.folding.leave():
            nothing = nothing and frame.is_empty()
            yield self.grouping.results(frame)
        if nothing and not self.grouping.keys:
            yield self.grouping.nothing()

    def checkpoint(self) -> Json:
        return self.folding.checkpoint()

    def restore(self, state: Json) -> None:
        self.folding.restore(state)

    def close(self) -> None:
        self.folding.close()
