"""Which whole numbers have come before: a place for each from the least to the greatest."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from flowctl.dataclass import dataclass

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    Places: TypeAlias = "NDArray[np.uint32]"

_LEAST: Final = -(1 << 63)
BYTES: Final = np.dtype(np.uint32).itemsize
"""What a place takes."""


@dataclass(slots=True)
class Seen:
    """The numbers that have come, in as many places as there are `most`.

    The first place is that of null, the next one that of the number `_start`. A place holds 0 until
    its number comes. The `_ends` are the least and the greatest that have come.

    >>> import polars as pl
    >>> seen = Seen(most=100)
    >>> [seen.first(pl.Series(some)).to_list() for some in ([7, 5, 7, None], [5, 9, None])]
    [[0, 1, 3], [1]]
    >>> seen.first(pl.Series([500])) is None
    True
    """

    most: int
    _start: int = 0
    _ends: tuple[int, int] | None = None
    _places: Places = field(default_factory=lambda: np.zeros(1, dtype=np.uint32))

    def first(self, numbers: pl.Series) -> pl.Series | None:
        """Where those stand that have not come before; None: there are not so many places."""
        import polars as pl

        least, greatest = numbers.min(), numbers.max()
        if isinstance(least, int) and isinstance(greatest, int):
            if not self._reach(least, greatest):
                return None
            numbers = (numbers.cast(pl.Int64) - self._start + 1).fill_null(0)
        else:
            numbers = pl.zeros(len(numbers), pl.Int64, eager=True)
        own = numbers.to_numpy()
        new = np.flatnonzero(self._places[own] == 0)
        fresh, order = own[new], np.arange(1, len(new) + 1, dtype=np.uint32)
        # Of those that are equal the one that is written last stays: backwards, the first.
        self._places[fresh[::-1]] = order[::-1]
        return pl.Series(new[self._places[fresh] == order])

    def _reach(self, least: int, greatest: int) -> bool:
        """Has places for all between these, and for as many again if there may be."""
        if self._ends is None:
            low, high = least, least - 1
        else:
            low, high = self._ends
        least, greatest = min(least, low), max(greatest, high)
        self._ends = least, greatest
        if self._start <= least and greatest - self._start < len(self._places) - 1:
            return True
        wanted = greatest - least + 1
        if wanted >= self.most:
            return False
        room = min(self.most - 1, 2 * wanted)
        start = max(greatest - room + 1, _LEAST) if least < low else least
        places = np.zeros(room + 1, dtype=np.uint32)
        places[0] = self._places[0]
        kept = slice(low - self._start + 1, high - self._start + 2)
        places[low - start + 1 : high - start + 2] = self._places[kept]
        self._places, self._start = places, start
        return True
