"""An external sort: runs that are sorted when memory is full, merged in the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import TYPE_CHECKING, Final

from flowctl.dataclass import dataclass
from flowctl.gathering.evenly import evenly, rows_per_frame
from flowctl.gathering.merging import merged
from flowctl.gathering.order import Order
from flowctl.gathering.parts import Part, pieced, size_of
from flowctl.gathering.spill import Run, Spill, runs_of
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl

FAN_IN: Final = 64
"""Runs that are merged into one as soon as there are so many of about the same size."""


@dataclass(slots=True)
class Sorting:
    """Gathers records and gives them back in order; equal ones come as they came in.

    `memory` is in bytes. What waits in memory to be sorted is kept in files as it stands. With
    `whole`, records with equal keys leave in one frame, whose size then depends on them; else
    frames are cut evenly, into so many `rows`: as many as the first one to come suggests, unless
    they are given.
    """

    order: Order
    spill: Spill
    memory: int
    whole: bool = False
    rows: int = 0
    _pending: list[pl.DataFrame] = field(default_factory=list)
    _held: int = 0
    _kept: list[Run] = field(default_factory=list)
    _levels: list[list[Part]] = field(default_factory=list)

    def take(self, frame: pl.DataFrame) -> None:
        if frame.is_empty():
            return
        if self.rows == 0:
            self.rows = rows_per_frame(frame)
        self._wait(frame)

    def _wait(self, frame: pl.DataFrame) -> None:
        """Has a frame wait to be sorted with others, of which there may be enough now."""
        self._pending.append(frame)
        self._held += size_of(frame)
        # Sorting takes as much again for its result, and as much for what it is gathered from.
        if self._held > self.memory // 3:
            self._write()

    def leave(self) -> Iterator[pl.DataFrame]:
        frames = self._ordered()
        return frames if self.whole else evenly(frames, max(1, self.rows))

    def checkpoint(self) -> Json:
        fresh = self._pending[sum(len(run.segments) for run in self._kept) :]
        if fresh:
            self._kept.append(self.spill.write(fresh))
        levels = [[part.run for part in parts if part.run] for parts in self._levels]
        self.spill.keep([*(run for runs in levels for run in runs), *self._kept])
        return {
            "rows": self.rows,
            "levels": [[run.to_json() for run in runs] for runs in levels],
            "pending": [run.to_json() for run in self._kept],
        }

    def restore(self, state: Json) -> None:
        match state:
            case {"rows": int(rows), "levels": [*found], "pending": pending}:
                levels = [runs_of(level) for level in found]
                kept = runs_of(pending)
            case _:
                raise ValueError(f"not the state of a sort: {state!r}")
        self.spill.adopt([*(run for runs in levels for run in runs), *kept])
        self.rows = rows
        self._levels = [[Part(None, run, run.length, True) for run in runs] for runs in levels]
        for run in kept:
            self._kept.append(run)
            for index in range(len(run.segments)):
                self._wait(self.spill.read(run, index))

    def close(self) -> None:
        self._pending, self._kept, self._levels = [], [], []
        self.spill.clear()

    def _ordered(self) -> Iterator[pl.DataFrame]:
        import polars as pl

        parts = [part for level in reversed(self._levels) for part in level]
        if not parts:
            if self._pending:
                yield self.order.sorted(pl.concat(self._pending))
            return
        if self._pending:
            last = self.order.sorted(pl.concat(self._pending))
            parts.append(Part.of(last, ordered=True))
        yield from self._merged(parts)

    def _write(self) -> None:
        """Sorts what is in memory and writes it as a run."""
        import polars as pl

        if not self._pending:
            return
        part = Part.of(pl.concat(self._pending), ordered=False)
        self._pending, self._held = [], 0
        part.release(self.spill, self.order, self._segment)
        self._add(part, 0)
        for run in self._kept:
            self.spill.drop(run)
        self._kept = []

    def _add(self, part: Part, level: int) -> None:
        """Runs of a level are neighbours, and those of higher levels came before them."""
        if level == len(self._levels):
            self._levels.append([])
        runs = self._levels[level]
        runs.append(part)
        if len(runs) == FAN_IN:
            self._levels[level] = []
            pieces = pieced(self._merged(runs), self._segment)
            self._add(Part.written(pieces, self.spill, self.order), level + 1)
            for run in runs:
                run.drop(self.spill)

    def _merged(self, parts: list[Part]) -> Iterator[pl.DataFrame]:
        feeds = [part.feed(self.spill, self.order, self._segment) for part in parts]
        return merged(feeds, self.order, self.memory // 6, whole=self.whole)

    @property
    def _segment(self) -> int:
        """Bytes of a segment, so that one of each run is in memory while they are merged."""
        return min(4 * 1024 * 1024, max(4096, self.memory // (6 * FAN_IN)))
