"""How often each key occurs: the keys of all records, folded as they come."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from flowctl.dataclass import dataclass
from flowctl.gathering.folding import Folding
from flowctl.gathering.order import Order
from flowctl.gathering.scatter import scattered
from flowctl.gathering.spill import Spill
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl

_TIMES: Final = "\ue000times"


class Repeated(NamedTuple):
    """Keys that occur more than once: how many, the first of them, and how often that one does."""

    keys: int
    first: Mapping[str, object]
    times: int


@dataclass(frozen=True, slots=True)
class Keys:
    """The columns that make a key; nulls are equal to each other."""

    columns: tuple[str, ...]

    def condense(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The keys of a split, each with how often it occurs there.

        Where hardly two records share one, they are not brought together yet.
        """
        import polars as pl

        keys = frame.select(*self.columns, pl.lit(1, pl.Int64).alias(_TIMES))
        return keys if scattered(keys, self.columns) else self.fold(keys)

    def fold(self, frame: pl.DataFrame, records: int = 0) -> pl.DataFrame:
        """One record a key; of how many `records` they are makes no difference."""
        import polars as pl

        return frame.group_by(self.columns, maintain_order=True).agg(pl.col(_TIMES).sum())

    def open(self, folder: Path, memory: int) -> Repeats:
        order = Order.ascending(self.columns)
        return Repeats(Folding(order, self.fold, Spill(folder), memory))


@dataclass(slots=True)
class Repeats:
    """The keys that were seen so far."""

    folding: Folding

    def take(self, keys: pl.DataFrame) -> None:
        """The condensed keys of the next split."""
        self.folding.take(keys)

    def found(self) -> Repeated | None:
        """What occurs more than once, the first in the order of the keys; nothing comes after."""
        import polars as pl

        keys = 0
        first: dict[str, object] = {}
        for frame in self.folding.leave():
            repeated = frame.filter(pl.col(_TIMES) > 1)
            if not keys and repeated.height:
                first = repeated.row(0, named=True)
            keys += repeated.height
        times = first.pop(_TIMES, 0)
        return Repeated(keys, first, times if isinstance(times, int) else 0) if keys else None

    def checkpoint(self) -> Json:
        return self.folding.checkpoint()

    def restore(self, state: Json) -> None:
        self.folding.restore(state)

    def close(self) -> None:
        self.folding.close()
