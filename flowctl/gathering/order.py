"""The order of records by keys: nulls last, NaN greatest, text by code point, ties as they came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flowctl.dataclass import dataclass
from flowctl.gathering.packing import packed

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Order:
    """Columns to sort by, each with whether its greatest values come first."""

    columns: tuple[str, ...]
    descending: tuple[bool, ...] = ()

    @classmethod
    def ascending(cls, columns: tuple[str, ...]) -> Order:
        return cls(columns, (False,) * len(columns))

    def sorted(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The records in this order; equal ones stay as they came."""
        frame = frame.rechunk()  # records of one piece are moved in half the time
        places = self.places(frame)
        return frame if places is None else frame[places]

    def places(self, frame: pl.DataFrame) -> pl.Series | None:
        """Where the records stand that come one after the other; None: they stand in order."""
        if len(self.columns) == 1 and not any(self.descending):
            values = frame[self.columns[0]]
            # To see that nothing has to be moved is cheap, and to move it all the same is not.
            if values.dtype.is_integer() and not values.has_nulls() and values.is_sorted():
                return None
        found = packed(frame, self.columns, self.descending)
        if found is not None:
            return found.places
        place: pl.Series | None = None
        # By the last column first: Polars takes many times as long for several at once.
        for column, down in reversed([*zip(self.columns, self.descending, strict=True)]):
            place = _placed(frame[column], place, down)
        return place


def _placed(values: pl.Series, place: pl.Series | None, down: bool) -> pl.Series:
    """The places of the values in order, where those that are equal stay as `place` has them."""
    import polars as pl

    if place is None:
        place = pl.int_range(len(values), dtype=pl.UInt32, eager=True)
    else:
        values = values.gather(place)
    pairs = pl.DataFrame({"value": values, "place": place})
    ordered = pairs.sort("value", descending=down, nulls_last=True, maintain_order=True)
    return ordered["place"]


def quick_to_sort(frame: pl.DataFrame, columns: Sequence[str]) -> bool:
    """Whether these columns are sorted sooner than their values are put into a hash table."""
    kinds = (frame.schema[column] for column in columns)
    return all(kind.is_numeric() or kind.is_temporal() for kind in kinds)


def grouped(frame: pl.DataFrame, columns: Sequence[str]) -> tuple[pl.Series | None, pl.Series]:
    """Where the records of one group after the other stand, as `Order.places` says it.

    And whether each of them, in this order, has other keys than the one before.
    """
    found = packed(frame, columns, [False] * len(columns))
    if found is not None:
        return found.places, found.starts
    places = Order.ascending(tuple(columns)).places(frame)
    keys = frame.select(columns)
    return places, runs(keys if places is None else keys[places], columns)


def runs(frame: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """In a frame that is ordered by these columns: whether a record differs from the one before."""
    import polars as pl

    changed = (pl.col(one).ne_missing(pl.col(one).shift(1)) for one in columns)
    first = pl.int_range(pl.len()) == 0
    return frame.select(pl.any_horizontal(first, *changed)).to_series()
