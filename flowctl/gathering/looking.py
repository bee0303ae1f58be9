"""What a record sees of those around it, over whole columns at once.

Places are numbers of records in a frame that is ordered by partition. Sums of floats add up from
the first record of what is seen to the last one, or by halves that begin there: how the records
were cut into frames never changes a result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    Places: TypeAlias = "NDArray[np.int64]"
    Flags: TypeAlias = "NDArray[np.bool_]"


def starts(flags: Flags) -> Places:
    """For each record the last flagged place up to it; -1 where there is none."""
    return np.maximum.accumulate(np.where(flags, np.arange(len(flags)), -1))


def ends(flags: Flags) -> Places:
    """For each record the next flagged place from it on; behind the last record for none."""
    places = np.where(flags, np.arange(len(flags)), len(flags))
    return np.minimum.accumulate(places[::-1])[::-1]


def gathered(values: pl.Series, places: Places, seen: Flags) -> pl.Series:
    """The values at these places, and null where none is seen."""
    import polars as pl

    if values.is_empty():
        return values.clear(len(places))
    index = pl.Series(np.where(seen, places, 0))
    return values.gather(index).zip_with(pl.Series(seen), values.clear(len(places)))


def running_sums(values: pl.Series, partition: Places) -> pl.Series:
    """The sums from the start of each partition on; `partition` numbers them in order."""
    import polars as pl

    frame = pl.DataFrame({"value": values, "partition": partition})
    return frame.select(pl.col("value").cum_sum().over("partition")).to_series()


def running_extremes(values: pl.Series, partition: Places, *, greatest: bool) -> pl.Series:
    """The least or greatest value since the start of each partition; nulls do not count."""
    ranks, places = _ranked(values, greatest=greatest)
    found = np.maximum.accumulate(ranks + partition * (len(places) + 1))
    found -= partition * (len(places) + 1)
    return gathered(values, places[np.maximum(found, 1) - 1], found > 0) if len(places) else values


def sums(values: pl.Series, first: Places, last: Places) -> pl.Series:
    """The sums over stretches from `first` to `last`; 0 for an empty one."""
    import polars as pl

    if values.dtype.is_float():
        return pl.Series(_float_sums(values.to_numpy(), first, last))
    total = values.cum_sum().extend_constant(0, 1)  # at the end: what comes before the first one
    begin = total.gather(pl.Series(np.where(first > 0, first - 1, len(values))))
    end = total.gather(pl.Series(np.where(last >= first, last, 0)))
    return (end - begin).zip_with(pl.Series(last >= first), values.clear(len(first)).fill_null(0))


def extremes(values: pl.Series, first: Places, last: Places, *, greatest: bool) -> pl.Series:
    """The least or greatest value of stretches from `first` to `last`; nulls do not count."""
    ranks, places = _ranked(values, greatest=greatest)
    found = np.zeros(len(first), dtype=np.int64)
    length = last - first + 1
    width = 1
    while len(places) and width <= length.max(initial=0):
        now = (length >= width) & (length < 2 * width)
        found[now] = np.maximum(ranks[first[now]], ranks[last[now] - width + 1])
        ranks = np.maximum(ranks, _ahead(ranks, width, 0))
        width *= 2
    if not len(places):
        return values.clear(len(first))
    return gathered(values, places[np.maximum(found, 1) - 1], found > 0)


def _float_sums(values: NDArray[Any], first: Places, last: Places) -> NDArray[Any]:
    """By halves: the sum of so many records is that of the largest power of two, and the rest."""
    found = np.zeros(len(first))
    place, left = first.copy(), np.maximum(last - first + 1, 0)
    width = 1
    # An infinite value makes its own sums infinite, and no others.
    with np.errstate(invalid="ignore", over="ignore"):
        while width <= left.max(initial=0):
            now = (left & width) > 0
            found[now] += values[place[now]]
            place[now] += width
            left[now] -= width
            values = values + _ahead(values, width, 0.0)
            width *= 2
    return found


def _ahead(values: NDArray[Any], width: int, nothing: float) -> NDArray[Any]:
    """For each record the value so many places behind it."""
    moved = np.full_like(values, nothing)
    moved[: len(values) - width] = values[width:]
    return moved


def _ranked(values: pl.Series, *, greatest: bool) -> tuple[Places, Places]:
    """Ranks from 1 of which the greatest is wanted, 0 for null; and for each rank a place."""
    ranks = values.rank("dense").fill_null(0).cast(int).to_numpy().copy()
    count = int(ranks.max(initial=0))
    if not greatest:
        ranks = np.where(ranks > 0, count + 1 - ranks, 0)
    places = np.zeros(count + 1, dtype=np.int64)
    # Backwards, so that of equal values the first one counts.
    places[ranks[::-1]] = np.arange(len(ranks))[::-1]
    return ranks, places[1:]
