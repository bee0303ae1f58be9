"""A fold of partial results, a record a key, along a tree over the numbers of the splits.

Sums of floats depend on the order of addition. Here it is fixed by the number of splits alone: a
node folds FAN_IN neighbours, as soon as they are there, and what is left is folded once in the end.
Where the parts lie, in memory or in files, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Final

from flowctl.dataclass import dataclass
from flowctl.gathering.evenly import evenly, rows_per_frame
from flowctl.gathering.merging import merged
from flowctl.gathering.order import Order
from flowctl.gathering.parts import Part, parts_of, pieced
from flowctl.gathering.spill import Spill
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl

FAN_IN: Final = 64


@dataclass(slots=True)
class Folding:
    """Gathers partial results, and gives one record a key, ordered by the keys if `ordered`.

    `fold` takes partial results of several parts, one behind the other, and gives one record a
    key, with the same columns; those of a key come in the order of their parts. It is told how many
    records these parts have, wherever they lie, of which it may get but a range. `memory` is in
    bytes. Frames that leave have so many `rows`, as the first one to come suggests. Once all that
    leaves is in memory, it stands for what it was made of: `folded`.
    """

    order: Order
    fold: Callable[[pl.DataFrame, int], pl.DataFrame]
    spill: Spill
    memory: int
    ordered: bool = True
    rows: int = 0
    folded: bool = False
    _levels: list[list[Part]] = field(default_factory=list)

    def take(self, frame: pl.DataFrame) -> None:
        """The partial result of the next split; an empty one has its place in the tree, too."""
        if self.rows == 0 and not frame.is_empty():
            self.rows = rows_per_frame(frame)
        self._push(Part.of(frame, ordered=False), 0)
        self._make_room()

    def leave(self) -> Iterator[pl.DataFrame]:
        return evenly(self._leaving(), max(1, self.rows))

    def checkpoint(self) -> Json:
        for part in self._parts():
            part.keep(self.spill)
        self.spill.keep(part.run for part in self._parts() if part.run is not None)
        levels: Json = [[part.to_json() for part in level] for level in self._levels]
        return {"rows": self.rows, "folded": self.folded, "levels": levels}

    def restore(self, state: Json) -> None:
        match state:
            case {"rows": int(rows), "folded": bool(folded), "levels": [*found]}:
                self._levels = [parts_of(level) for level in found]
            case _:
                raise ValueError(f"not the state of a fold: {state!r}")
        self.spill.adopt(part.run for part in self._parts() if part.run is not None)
        self.rows, self.folded = rows, folded
        for part in self._parts():
            part.load(self.spill)
            self._make_room()

    def close(self) -> None:
        self._levels = []
        self.spill.clear()

    def _leaving(self) -> Iterator[pl.DataFrame]:
        parts = self._parts()
        if parts and not self.folded and self._fits(parts):
            node = self._node(parts)
            if self.ordered:
                node.order(self.order)
            self._levels, self.folded = [[node]], True
        if self.folded:
            for part in self._parts():
                yield from part.pieces(self.spill)
        elif parts:
            yield from self._by_ranges(parts)

    def _push(self, part: Part, level: int) -> None:
        if level == len(self._levels):
            self._levels.append([])
        siblings = self._levels[level]
        siblings.append(part)
        if len(siblings) == FAN_IN:
            self._levels[level] = []
            self._push(self._node(siblings), level + 1)

    def _node(self, parts: Sequence[Part]) -> Part:
        """The fold of some parts, which are dropped."""
        if self._fits(parts):
            node = Part.of(self._at_once(parts), ordered=False)
        else:
            frames = pieced(self._by_ranges(parts), self._segment)
            node = Part.written(frames, self.spill, self.order)
        for part in parts:
            part.drop(self.spill)
        return node

    def _fits(self, parts: Sequence[Part]) -> bool:
        """Whether they can be folded at once; nothing at all always can."""
        size = sum(part.bytes for part in parts)
        return size <= self.memory // 4 or not any(part.rows for part in parts)

    def _by_ranges(self, parts: Sequence[Part]) -> Iterator[pl.DataFrame]:
        """The fold of some parts in the order of the keys, range by range."""
        feeds = [part.feed(self.spill, self.order, self._segment) for part in parts]
        records = _records(parts)
        for frame in merged(feeds, self.order, self.memory // 8, whole=True):
            yield self.fold(frame, records)

    def _at_once(self, parts: Sequence[Part]) -> pl.DataFrame:
        import polars as pl

        whole = pl.concat([part.whole(self.spill) for part in parts])
        return self.fold(whole, _records(parts))

    def _parts(self) -> list[Part]:
        """All parts in the order of their splits: those of higher levels stand for earlier ones."""
        return [part for level in reversed(self._levels) for part in level]

    def _make_room(self) -> None:
        """Writes the largest parts to files, until the rest takes half of the memory at most."""
        held = sum(part.held for part in self._parts())
        for part in sorted(self._parts(), key=lambda part: -part.held):
            if held <= self.memory // 2:
                break
            held -= part.held
            part.release(self.spill, self.order, self._segment)

    @property
    def _segment(self) -> int:
        """Bytes of a segment, so that one of each part is in memory while they are merged."""
        return min(4 * 1024 * 1024, max(4096, self.memory // (8 * FAN_IN)))


def _records(parts: Sequence[Part]) -> int:
    return sum(part.rows for part in parts)
