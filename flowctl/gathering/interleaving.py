"""Ordered frames as one, range by range: only keys are sorted, records are moved once.

The records of a range stand side by side in each frame, because each is in order. So a range is a
piece of each frame, and what it takes to put these into order is left to whoever needs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeAlias

from flowctl.dataclass import dataclass
from flowctl.gathering.order import Order
from flowctl.gathering.parts import Feed

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    Places: TypeAlias = NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Range:
    """Records that come one after the other, as pieces of frames; any thread may gather them."""

    pieces: Sequence[pl.DataFrame]
    places: Places | None = None
    """Where each record stands among the pieces, if these are put one behind the other."""

    @property
    def height(self) -> int:
        return sum(piece.height for piece in self.pieces)

    def gathered(self) -> pl.DataFrame:
        """The records in order, in memory of their own."""
        import polars as pl

        joined = pl.concat(self.pieces).rechunk()
        return joined if self.places is None else joined[pl.Series(self.places)]


@dataclass(frozen=True, slots=True)
class Interleaved:
    """The records of ordered frames in order; equal ones in the order of the frames."""

    frames: Sequence[pl.DataFrame]
    places: Places
    """Where each record stands among all frames, if these are put one behind the other."""

    @classmethod
    def of(cls, frames: Sequence[pl.DataFrame], order: Order) -> Interleaved:
        import numpy as np
        import polars as pl

        keys = pl.concat([frame.select(order.columns) for frame in frames]).rechunk()
        places = order.places(keys) if len(frames) > 1 else None
        if places is None:
            return cls(frames, np.arange(keys.height, dtype=np.uint32))
        return cls(frames, places.to_numpy())

    @property
    def height(self) -> int:
        return len(self.places)

    def ranges(self, rows: int) -> Iterator[Range]:
        """All records, so many in each range but the last."""
        import numpy as np

        heights = np.array([frame.height for frame in self.frames])
        ends = heights.cumsum()
        begins, taken = ends - heights, np.zeros_like(heights)
        for start in range(0, self.height, rows):
            places = self.places[start : start + rows]
            origin = np.searchsorted(ends, places, side="right")
            counts = np.bincount(origin, minlength=len(heights))
            behind = counts.cumsum() - counts
            moved = (behind - begins - taken)[origin]
            (present,) = counts.nonzero()
            pieces = [self.frames[n].slice(int(taken[n]), int(counts[n])) for n in present.tolist()]
            yield Range(pieces, (places + moved).astype(np.uint32) if len(pieces) > 1 else None)
            taken += counts

    def feed(self, columns: Sequence[str], rows: int) -> Feed:
        """The same ranges for a merge by these columns, which loads each of them once, in turn."""
        import polars as pl

        keys = pl.concat([frame.select(columns) for frame in self.frames])
        ranges = self.ranges(rows)
        return Feed(keys[pl.Series(self.places[::rows])], lambda _: next(ranges).gathered())
