"""The first or the last record of each key, in the order of the input."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from flowctl.dataclass import dataclass
from flowctl.gathering.evenly import evenly, rows_per_frame
from flowctl.gathering.folding import Folding
from flowctl.gathering.order import Order, grouped, quick_to_sort
from flowctl.gathering.scatter import scattered
from flowctl.gathering.sorting import Sorting
from flowctl.gathering.spill import Spill
from flowctl.gathering.spooling import Spool
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl

    from flowctl.gathering.seen import Seen

POSITION: Final = "\ue000position"
"""A record's place in the input: the number of its split, and its index there."""
SPLIT: Final = 1 << 32
MANY: Final = 1 << 18
"""From so many records on it is worth the loading of NumPy to look which keys were seen."""


@dataclass(frozen=True, slots=True)
class Distinct:
    """Which columns make a key, and which record of each key is kept."""

    keys: tuple[str, ...]
    keep: Literal["first", "last"]

    def condense(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The records of a split that may be kept.

        Where hardly two of them share a key, all may.
        """
        return frame if scattered(frame, self.keys) else self.fold(frame)

    def fold(self, frame: pl.DataFrame, records: int = 0) -> pl.DataFrame:
        """One record a key, in their order; of how many `records` they are makes no difference."""
        if not quick_to_sort(frame, self.keys):
            return frame.unique(self.keys, keep=self.keep, maintain_order=True)
        places, starts = grouped(frame.select(self.keys).rechunk(), self.keys)
        if self.keep == "last":
            starts = starts.shift(-1, fill_value=True)
        kept = starts.arg_true() if places is None else places.filter(starts).sort()
        return frame[kept]

    def numbers(self, frame: pl.DataFrame) -> pl.Series | None:
        """The key as whole numbers, of which the first is kept; None where it is another one."""
        import polars as pl

        if self.keep == "last" or len(self.keys) > 1:
            return None
        key = frame[self.keys[0]].to_physical()
        wide = key.dtype in (pl.UInt64, pl.Int128, pl.UInt128)
        return key if key.dtype.is_integer() and not wide else None

    def open(self, folder: Path, memory: int) -> DistinctRecords:
        order = Order.ascending(self.keys)
        kept = Spool(Spill(folder / "first"), memory // 2)
        folding = Folding(order, self.fold, Spill(folder / "keys"), memory, ordered=False)
        return DistinctRecords(self, kept, folding, folder, memory)


@dataclass(slots=True)
class DistinctRecords:
    """The records that may still be kept.

    At first all are `kept` as they come. Once they are many, those whose key was `seen` are left
    out at once, if keys are numbers close to each other; of all others it `folds` the keys in the
    end. Which way is taken depends on the memory, and changes nothing of what leaves: frames of so
    many `rows`, as the first one to come suggests.
    """

    distinct: Distinct
    kept: Spool
    folding: Folding
    folder: Path
    memory: int
    rows: int = 0
    records: int = 0
    splits: int = 0
    folds: bool = False
    seen: Seen | None = None

    def take(self, frame: pl.DataFrame) -> None:
        if frame.is_empty():
            return
        self.rows = self.rows or rows_per_frame(frame)
        self.records += frame.height
        if not self.folds and self.distinct.numbers(frame) is None:
            self._fold_all()
        if not self.folds and self.seen is None and self.records >= MANY:
            self._look()
        self._add(frame)

    def leave(self) -> Iterator[pl.DataFrame]:
        if self.seen is not None:
            yield from evenly(self.kept.leave(), self.rows)
            return
        self._fold_all()
        order, spill = Order.ascending((POSITION,)), Spill(self.folder / "order")
        # What comes first out of the fold depends on the memory, and so may the width of it.
        sorting = Sorting(order, spill, self.memory, rows=self.rows)
        for frame in self.folding.leave():
            sorting.take(frame)
        for frame in sorting.leave():
            yield frame.drop(POSITION)
        sorting.close()

    def checkpoint(self) -> Json:
        return {
            "rows": self.rows,
            "records": self.records,
            "splits": self.splits,
            "folds": self.folds,
            "seen": self.seen is not None,
            "kept": self.kept.checkpoint(),
            "folding": self.folding.checkpoint(),
        }

    def restore(self, state: Json) -> None:
        match state:
            case {
                "rows": int(rows),
                "records": int(records),
                "splits": int(splits),
                "folds": bool(folds),
                "seen": bool(seen),
                "kept": kept,
                "folding": folding,
            }:
                self.rows, self.records, self.splits = rows, records, splits
                self.folds = folds
                self.kept.restore(kept)
                self.folding.restore(folding)
            case _:
                raise ValueError(f"not the state of a dedupe: {state!r}")
        if seen:
            self.seen = self._nothing_seen()
            if any(self._first(frame) is None for frame in self.kept.leave()):
                self._fold_all()

    def close(self) -> None:
        self.kept.close()
        self.folding.close()
        Spill(self.folder / "order").clear()
        if self.folder.is_dir():
            self.folder.rmdir()

    def _look(self) -> None:
        """From now on keeps only records whose key has not come before."""
        self.seen = self._nothing_seen()
        for frame in self.kept.emptied():
            self._add(frame)

    def _nothing_seen(self) -> Seen:
        from flowctl.gathering.seen import BYTES, Seen

        return Seen(self.memory // (8 * BYTES))

    def _add(self, frame: pl.DataFrame) -> None:
        if self.folds:
            self._fold(frame)
        elif self.seen is None:
            self.kept.take(frame)
        elif (first := self._first(frame)) is not None:
            self.kept.take(frame[first])
        else:
            self._fold_all()
            self._fold(frame)

    def _first(self, frame: pl.DataFrame) -> pl.Series | None:
        """Where the records stand whose key has not come before; None: it cannot be told."""
        numbers = self.distinct.numbers(frame)
        return self.seen.first(numbers) if self.seen and numbers is not None else None

    def _fold_all(self) -> None:
        """From now on folds the keys of all records."""
        self.folds, self.seen = True, None
        for frame in self.kept.emptied():
            self._fold(frame)

    def _fold(self, frame: pl.DataFrame) -> None:
        import polars as pl

        place = pl.int_range(pl.len(), dtype=pl.Int64) + self.splits * SPLIT
        self.folding.take(frame.with_columns(place.alias(POSITION)))
        self.splits += 1
