"""Merges ordered parts by ranges: what comes before the next unread piece is put out, sorted.

Polars sorts a few pieces at a time far faster than records could be compared one by one; at any
time a piece of each part and one range are in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Final

from flowctl.dataclass import dataclass
from flowctl.gathering.order import Order
from flowctl.gathering.parts import Feed, size_of

if TYPE_CHECKING:
    import polars as pl

_PART: Final = "__part"
_PIECE: Final = "__piece"


def merged(
    feeds: Sequence[Feed], order: Order, size: int, *, whole: bool
) -> Iterator[pl.DataFrame]:
    """All records in order; equal ones in the order of their parts, and there as they came.

    A frame takes about `size` bytes, more if need be. With `whole`, records with equal keys come
    in one frame.
    """
    feeds = [feed for feed in feeds if not feed.fences.is_empty()]
    if len(feeds) == 1 and not whole:
        for index in range(feeds[0].fences.height):
            yield feeds[0].load(index)
    elif feeds:
        yield from _Merge(feeds, order, size, whole).frames()


@dataclass(slots=True)
class _Merge:
    """`carried` are the records of each part that were loaded but belong behind the last range."""

    feeds: Sequence[Feed]
    order: Order
    size: int
    whole: bool
    carried: list[pl.DataFrame] = field(default_factory=list)

    def frames(self) -> Iterator[pl.DataFrame]:
        fences = self._fences()
        places = list(zip(fences[_PART].to_list(), fences[_PIECE].to_list(), strict=True))
        position = 0
        while position < len(places):
            fresh: list[list[pl.DataFrame]] = [[] for _ in self.feeds]
            loaded = 0
            while position < len(places) and (loaded == 0 or loaded < self.size):
                part, piece = places[position]
                frame = self.feeds[part].load(piece)
                fresh[part].append(frame)
                loaded += size_of(frame)
                position += 1
            pivot = fences[position] if position < len(places) else None
            frame = self._range(fresh, pivot)
            if not frame.is_empty():
                yield frame

    def _fences(self) -> pl.DataFrame:
        """The first keys of all pieces, in the order in which they have to be loaded."""
        import polars as pl

        found = [
            feed.fences.with_columns(
                pl.lit(part, pl.UInt32).alias(_PART),
                pl.int_range(feed.fences.height, dtype=pl.UInt32).alias(_PIECE),
            )
            for part, feed in enumerate(self.feeds)
        ]
        return self.order.sorted(pl.concat(found))

    def _range(
        self, fresh: Sequence[Sequence[pl.DataFrame]], pivot: pl.DataFrame | None
    ) -> pl.DataFrame:
        """What comes before the pivot; the rest is carried on.

        The pivot goes through the sort as a marker, which finds its place by the same comparison
        as all others: before all records with equal keys, or among them where its part is.
        """
        import polars as pl

        pieces: list[pl.DataFrame] = []
        for part, frames in enumerate(fresh):
            mine = [*self.carried[part : part + 1], *frames]
            pieces += [frame.with_columns(pl.lit(part, pl.UInt32).alias(_PART)) for frame in mine]
        if pivot is None:
            self.carried = []
            return self.order.sorted(pl.concat(pieces)).drop(_PART)
        marker = _marker(pieces[0], pivot.select(self.order.columns))
        behind = 0
        if not self.whole:
            until = pivot[_PART][0]
            behind = sum(
                len(self.carried[part : part + 1]) + len(fresh[part]) for part in range(until + 1)
            )
        found = self.order.sorted(pl.concat([*pieces[:behind], marker, *pieces[behind:]]))
        place = found[_PART].is_null().arg_max() or 0
        rest = found.slice(place + 1)
        self.carried = [
            rest.filter(pl.col(_PART) == part).drop(_PART) for part in range(len(self.feeds))
        ]
        return found.head(place).drop(_PART)


def _marker(like: pl.DataFrame, keys: pl.DataFrame) -> pl.DataFrame:
    """One record with these keys, and nulls in all other columns."""
    return like.clear(1).with_columns(keys.get_columns())
