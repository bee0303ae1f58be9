"""An external sort: runs that are written when memory is full, merged in the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import TYPE_CHECKING, Final

from flowctl.dataclass import dataclass
from flowctl.gathering.evenly import evenly, rows_per_frame
from flowctl.gathering.heap import Heap
from flowctl.gathering.interleaving import Interleaved, Range
from flowctl.gathering.merging import merged
from flowctl.gathering.order import Order
from flowctl.gathering.parts import Part, pieced
from flowctl.gathering.spill import Spill, runs_of
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import polars as pl

FAN_IN: Final = 64
"""Runs that are merged into one as soon as there are so many of about the same size."""


@dataclass(slots=True)
class Sorting:
    """Gathers records and gives them back in order; equal ones come as they came in.

    `memory` is in bytes. The records of a frame that is taken may be `ordered` already. With
    `whole`, records with equal keys leave in one frame, whose size then depends on them; else
    frames are cut evenly, into so many `rows`: as many as the first one to come suggests, unless
    they are given.
    """

    order: Order
    spill: Spill
    memory: int
    ordered: bool = False
    whole: bool = False
    rows: int = 0
    _heap: Heap = field(init=False)
    _levels: list[list[Part]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._heap = Heap(self.order, self.spill)

    def take(self, frame: pl.DataFrame) -> None:
        if frame.is_empty():
            return
        if self.rows == 0:
            self.rows = rows_per_frame(frame)
        self._heap.add(frame, ordered=self.ordered)
        if self._heap.bytes > self.memory // 2:
            self._write()

    def write_ahead(self, executor: Executor) -> None:
        self._heap.ahead = executor

    def leave(self) -> Iterator[pl.DataFrame]:
        return (one.gathered() for one in self.ranges())

    def ranges(self) -> Iterator[Range]:
        """What leaves, frame by frame, each put together by whoever needs it."""
        held = self._held()
        if not any(self._levels):
            return held.ranges(held.height if self.whole else self.rows) if held else iter(())
        parts = [part for level in reversed(self._levels) for part in level]
        feeds = [part.feed(self.spill, self.order, self._segment) for part in parts]
        if held is not None:
            feeds.append(held.feed(self.order.columns, self._rows(held)))
        frames = merged(feeds, self.order, self.memory // 6, whole=self.whole)
        return (Range([one]) for one in (frames if self.whole else evenly(frames, self.rows)))

    def checkpoint(self) -> Json:
        heap = self._heap.checkpoint()
        levels = [[part.run for part in parts if part.run] for parts in self._levels]
        self.spill.keep([*(run for runs in levels for run in runs), *self._heap.runs])
        return {
            "rows": self.rows,
            "levels": [[run.to_json() for run in runs] for runs in levels],
            "heap": heap,
        }

    def restore(self, state: Json) -> None:
        match state:
            case {"rows": int(rows), "levels": [*found], "heap": heap}:
                levels = [runs_of(level) for level in found]
                self._heap.restore(heap)
            case _:
                raise ValueError(f"not the state of a sort: {state!r}")
        self.spill.adopt([*(run for runs in levels for run in runs), *self._heap.runs])
        self._heap.read()
        self.rows = rows
        self._levels = [[Part(None, run, run.length, True) for run in runs] for runs in levels]

    def close(self) -> None:
        self._heap.clear()
        self._levels = []
        self.spill.clear()

    def _write(self) -> None:
        """Writes what is in memory as a run."""
        held = self._held()
        if held is None:
            return
        self._heap.settle()
        # What comes from now on is written soon in any case, in order.
        self._heap.ahead = None
        pieces = (one.gathered() for one in held.ranges(self._rows(held)))
        part = Part.written(pieces, self.spill, self.order)
        self._heap.clear()
        self._add(part, 0)

    def _add(self, part: Part, level: int) -> None:
        """Runs of a level are neighbours, and those of higher levels came before them."""
        if level == len(self._levels):
            self._levels.append([])
        runs = self._levels[level]
        runs.append(part)
        if len(runs) == FAN_IN:
            self._levels[level] = []
            feeds = [run.feed(self.spill, self.order, self._segment) for run in runs]
            frames = merged(feeds, self.order, self.memory // 6, whole=self.whole)
            pieces = pieced(frames, self._segment)
            self._add(Part.written(pieces, self.spill, self.order), level + 1)
            for run in runs:
                run.drop(self.spill)

    def _held(self) -> Interleaved | None:
        """What is in memory, if anything is."""
        frames = self._heap.frames
        return Interleaved.of(frames, self.order) if frames else None

    def _rows(self, held: Interleaved) -> int:
        """How many records of what is in memory come to a segment."""
        return max(1, held.height * self._segment // max(1, self._heap.bytes))

    @property
    def _segment(self) -> int:
        """Bytes of a segment, so that one of each run is in memory while they are merged."""
        return min(4 * 1024 * 1024, max(4096, self.memory // (6 * FAN_IN)))
