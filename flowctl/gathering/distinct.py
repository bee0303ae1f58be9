"""The first or the last record of each key, in the order of the input."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from flowctl.dataclass import dataclass
from flowctl.gathering.folding import Folding
from flowctl.gathering.order import Order, grouped, quick_to_sort
from flowctl.gathering.scatter import scattered
from flowctl.gathering.sorting import Sorting
from flowctl.gathering.spill import Spill
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl

POSITION: Final = "\ue000position"
"""A record's place in the input: the number of its split, and its index there."""
SPLIT: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Distinct:
    """Which columns make a key, and which record of each key is kept."""

    keys: tuple[str, ...]
    keep: Literal["first", "last"]

    def condense(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The records of a split that may be kept, with their index in it.

        Where hardly two of them share a key, all may.
        """
        import polars as pl

        index = pl.int_range(pl.len(), dtype=pl.Int64).alias(POSITION)
        placed = frame.with_columns(index)
        return placed if scattered(frame, self.keys) else self.fold(placed)

    def fold(self, frame: pl.DataFrame, records: int = 0) -> pl.DataFrame:
        """One record a key, in their order; of how many `records` they are makes no difference."""
        if not quick_to_sort(frame, self.keys):
            return frame.unique(self.keys, keep=self.keep, maintain_order=True)
        places, starts = grouped(frame.select(self.keys).rechunk(), self.keys)
        if self.keep == "last":
            starts = starts.shift(-1, fill_value=True)
        kept = starts.arg_true() if places is None else places.filter(starts).sort()
        return frame[kept]

    def open(self, folder: Path, memory: int) -> DistinctRecords:
        order = Order.ascending(self.keys)
        folding = Folding(order, self.fold, Spill(folder / "keys"), memory, ordered=False)
        return DistinctRecords(folding, folder, memory)


@dataclass(slots=True)
class DistinctRecords:
    """The records that may still be kept."""

    folding: Folding
    folder: Path
    memory: int
    splits: int = 0

    def take(self, frame: pl.DataFrame) -> None:
        import polars as pl

        self.folding.take(frame.with_columns(pl.col(POSITION) + self.splits * SPLIT))
        self.splits += 1

    def leave(self) -> Iterator[pl.DataFrame]:
        order, spill = Order.ascending((POSITION,)), Spill(self.folder / "order")
        # What comes first out of the fold depends on the memory, and so may the width of it.
        sorting = Sorting(order, spill, self.memory, rows=self.folding.rows)
        for frame in self.folding.leave():
            sorting.take(frame)
        for frame in sorting.leave():
            yield frame.drop(POSITION)
        sorting.close()

    def checkpoint(self) -> Json:
        return {"splits": self.splits, "folding": self.folding.checkpoint()}

    def restore(self, state: Json) -> None:
        match state:
            case {"splits": int(splits), "folding": folding}:
                self.splits = splits
                self.folding.restore(folding)
            case _:
                raise ValueError(f"not the state of a dedupe: {state!r}")

    def close(self) -> None:
        self.folding.close()
        Spill(self.folder / "order").clear()
        if self.folder.is_dir():
            self.folder.rmdir()
