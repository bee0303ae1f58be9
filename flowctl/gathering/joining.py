"""Records that meet others by keys: beside those that memory holds, or both sides in partitions.

Equal keys fall into the same partition, whatever the side, so that a partition of one side need
only meet that of the other. What has met is brought back into the order of the splits, which makes
the outcome that of a meeting in memory, frame by frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from flowctl.dataclass import dataclass
from flowctl.dataflow import RECORD, SOURCE_FILE, SOURCE_LINE
from flowctl.gathering.evenly import evenly
from flowctl.gathering.order import Order
from flowctl.gathering.sorting import Sorting
from flowctl.gathering.spill import Spill
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl
    from polars.datatypes import DataType as PolarsType

How: TypeAlias = Literal["inner", "left", "full", "semi", "anti"]
PARTITIONS: Final = 256
LONE_ROWS: Final = 64 * 1024
"""Records in a frame of those that met nobody; like every cut, it must not depend on memory."""

_CARRIED: Final = (SOURCE_FILE, SOURCE_LINE, RECORD)
_PARTITION: Final = "\ue000partition"
_POSITION: Final = "\ue000position"
_SPLIT: Final = 1 << 32


@dataclass(frozen=True, slots=True)
class Join:
    """How records meet.

    `keys` are expressions over the left and over the right side, each pair of one type; `names`
    are the left side's columns, `values` lead from the columns that the right side adds to its
    own. `key_names` are the columns that hold the keys, where a record may come from either side.
    `types` are those of all columns that leave, `key_types` those of the keys.
    """

    how: How
    keys: tuple[tuple[pl.Expr, pl.Expr], ...]
    key_names: tuple[str, ...]
    names: tuple[str, ...]
    values: dict[str, str]
    types: dict[str, PolarsType]
    key_types: tuple[PolarsType, ...]

    @property
    def kept_types(self) -> dict[str, PolarsType]:
        """The types of what is kept of the right side."""
        keys = dict(zip(self.key_columns, self.key_types, strict=True))
        return keys | {name: self.types[name] for name in self.values}

    @property
    def key_columns(self) -> list[str]:
        return [f"\ue000key{index}" for index in range(len(self.keys))]

    def keep(self, right: pl.DataFrame) -> pl.DataFrame:
        """What is needed of records of the right side; a null key meets nobody."""
        import polars as pl

        keys = [key.alias(name) for (_, key), name in zip(self.keys, self.key_columns, strict=True)]
        # In a `select` of its own a constant would be one record, whatever the frame has.
        frame = right.with_columns(keys).select(
            *self.key_columns, *(pl.col(own).alias(name) for name, own in self.values.items())
        )
        if self.how != "full":
            frame = frame.drop_nulls(self.key_columns)
        if self.how in ("semi", "anti"):
            frame = frame.unique(maintain_order=True)
        return frame

    def meet(self, left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
        """Records of the left side beside what was kept of the right one, in the left's order."""
        keyed = self._keyed(left)
        on = self.key_columns
        if self.how in ("semi", "anti"):
            met = keyed.join(right, on=on, how="semi" if self.how == "semi" else "anti")
        else:
            how: Literal["inner", "left"] = "inner" if self.how == "inner" else "left"
            met = keyed.join(right, on=on, how=how, maintain_order="left_right")
        if self.how == "full":
            met = met.with_columns(self._from_keys())
        return self.beside(met, left)

    def beside(self, met: pl.DataFrame, left: pl.DataFrame) -> pl.DataFrame:
        """The columns of records that have met, in their order; those of the `left` are among them.

        What the left side carries besides its own comes last.
        """
        passing = {*left.columns, *self.values}
        own = [name for name in self.types if name in passing]
        others = [name for name in left.columns if name not in self.names]
        return met.select(*own, *others)

    def lone(self, left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
        """What was kept of the right side's records that meet none of these."""
        return right.join(
            self._keyed(left).select(self.key_columns), on=self.key_columns, how="anti"
        )

    def alone(self, right: pl.DataFrame) -> pl.DataFrame:
        """Records of the right side that met nobody, as they leave."""
        import polars as pl

        absent = [name for name in self.names if name not in self.key_names]
        nulls = [pl.lit(None, dtype=self.types[name]).alias(name) for name in absent]
        return right.with_columns(*self._from_keys(), *nulls).select(*self.types)

    def partitioned(self, left: pl.DataFrame) -> pl.DataFrame:
        """The left side's records, each with its partition."""
        return _partitioned(self._keyed(left), self.key_columns).drop(self.key_columns)

    def partitioned_right(self, right: pl.DataFrame) -> pl.DataFrame:
        """What was kept of the right side, each record with its partition."""
        return _partitioned(right, self.key_columns)

    def _keyed(self, left: pl.DataFrame) -> pl.DataFrame:
        pairs = zip(self.keys, self.key_columns, strict=True)
        return left.with_columns(key.alias(name) for (key, _), name in pairs)

    def _from_keys(self) -> list[pl.Expr]:
        import polars as pl

        return [
            pl.col(key).alias(name)
            for key, name in zip(self.key_columns, self.key_names, strict=True)
        ]


def _partitioned(frame: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Polars keeps its hashes the same within a version; what leaves does not depend on them."""
    import polars as pl

    number = pl.struct(keys).hash(0) % PARTITIONS
    return frame.with_columns(number.cast(pl.UInt16).alias(_PARTITION))


@dataclass(slots=True)
class Partitioned:
    """Both sides, as far as they were taken, in files if need be; `memory` is in bytes."""

    join: Join
    folder: Path
    memory: int
    heights: list[int] = field(default_factory=list)
    _carried: tuple[str, ...] = ()
    _beside: int = 0
    _left: Sorting = field(init=False)
    _right: Sorting = field(init=False)

    def __post_init__(self) -> None:
        order = Order.ascending((_PARTITION,))
        self._left = Sorting(order, Spill(self.folder / "left"), self.memory // 4)
        self._right = Sorting(order, Spill(self.folder / "right"), self.memory // 2, whole=True)

    def take_beside(self, frame: pl.DataFrame) -> None:
        """The next of what is kept of the right side."""
        import polars as pl

        numbers = pl.int_range(pl.len(), dtype=pl.Int64) + self._beside
        self._beside += frame.height
        self._right.take(self.join.partitioned_right(frame).with_columns(numbers.alias(_POSITION)))

    def take(self, frame: pl.DataFrame) -> None:
        """The next split, each record with its partition."""
        import polars as pl

        place = pl.int_range(pl.len(), dtype=pl.Int64) + len(self.heights) * _SPLIT
        self.heights.append(frame.height)
        self._carried = tuple(name for name in _CARRIED if name in frame.columns)
        self._left.take(frame.with_columns(place.alias(_POSITION)))

    def leave(self) -> Iterator[pl.DataFrame]:
        """A frame for each split, then those that hold what only the right side has."""
        by_place = Order.ascending((_POSITION,))
        met = Sorting(by_place, Spill(self.folder / "met"), self.memory // 4)
        lone = Sorting(by_place, Spill(self.folder / "lone"), self.memory // 8)
        rest = _Rest(self._left.leave())
        for right in self._right.leave():
            kept = right.drop(_PARTITION, _POSITION)
            for left in rest.until(int(right[_PARTITION][-1])):
                met.take(self.join.meet(left.drop(_PARTITION), kept))
                if self.join.how == "full":
                    right = self.join.lone(left, right)
            if self.join.how == "full":
                lone.take(right.drop(_PARTITION))
        for left in rest.until(PARTITIONS):
            met.take(self.join.meet(left.drop(_PARTITION), self._nothing()))
        yield from self._by_split(met.leave())
        met.close()
        for frame in evenly(lone.leave(), LONE_ROWS):
            yield self.join.alone(frame.drop(_POSITION))
        lone.close()

    def checkpoint(self) -> Json:
        return {
            "heights": list(self.heights),
            "carried": list(self._carried),
            "left": self._left.checkpoint(),
            "right": self._right.checkpoint(),
        }

    def restore(self, state: Json) -> None:
        match state:
            case {"heights": [*heights], "carried": [*carried], "left": left, "right": right}:
                self.heights = [int(str(height)) for height in heights]
                self._carried = tuple(map(str, carried))
                self._left.restore(left)
                self._right.restore(right)
            case _:
                raise ValueError(f"not the state of a join: {state!r}")

    def close(self) -> None:
        self._left.close()
        self._right.close()
        for name in ("met", "lone"):
            Spill(self.folder / name).clear()
        if self.folder.is_dir():
            self.folder.rmdir()

    def _by_split(self, frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """The records of each split as one frame, of an empty one, too."""
        import polars as pl

        current: list[pl.DataFrame] = []
        number = 0
        for frame in frames:
            runs = (frame[_POSITION] // _SPLIT).rle().struct.unnest()
            start = 0
            for length, split in runs.rows():
                while number < split:
                    yield pl.concat(current) if current else self._empty()
                    current, number = [], number + 1
                current.append(frame.slice(start, length).drop(_POSITION))
                start += length
        while number < len(self.heights):
            yield pl.concat(current) if current else self._empty()
            current, number = [], number + 1

    def _empty(self) -> pl.DataFrame:
        import polars as pl

        carried = {
            name: pl.String() if name == SOURCE_FILE else pl.Int64() for name in self._carried
        }
        return pl.DataFrame(schema={**self.join.types, **carried})

    def _nothing(self) -> pl.DataFrame:
        """No record of the right side."""
        import polars as pl

        return pl.DataFrame(schema=self.join.kept_types)


@dataclass(slots=True)
class _Rest:
    """Records in the order of their partitions, of which the first ones are taken bit by bit."""

    frames: Iterator[pl.DataFrame]
    held: pl.DataFrame | None = None

    def until(self, partition: int) -> Iterator[pl.DataFrame]:
        """Those up to this partition, it included."""
        while (
            frame := self.held if self.held is not None else next(self.frames, None)
        ) is not None:
            self.held = None
            count = int(frame[_PARTITION].search_sorted(partition, side="right"))
            if count:
                yield frame.head(count)
            if count < frame.height:
                self.held = frame.slice(count)
                return
