"""An external sort: runs that are sorted when memory is full, merged in the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from flowctl.gathering.evenly import evenly, rows_per_frame
from flowctl.gathering.merging import merged
from flowctl.gathering.order import Order
from flowctl.gathering.parts import Part, pieced, size_of
from flowctl.gathering.spill import Run, Spill
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl

FAN_IN: Final = 64
"""Runs that are merged at once; more are merged in two steps."""


@dataclass(slots=True)
class Sorting:
    """Gathers records and gives them back in order; equal ones come as they came in.

    `memory` is in bytes. With `whole`, records with equal keys leave in one frame, whose size then
    depends on them; else frames are cut evenly.
    """

    order: Order
    spill: Spill
    memory: int
    whole: bool = False
    _rows: int = 0
    _pending: list[pl.DataFrame] = field(default_factory=list)
    _held: int = 0
    _runs: list[Part] = field(default_factory=list)

    def take(self, frame: pl.DataFrame) -> None:
        if frame.is_empty():
            return
        if self._rows == 0:
            self._rows = rows_per_frame(frame)
        self._pending.append(frame)
        self._held += size_of(frame)
        # Sorting takes as much again for its result, and as much for what it is gathered from.
        if self._held > self.memory // 3:
            self._write()

    def leave(self) -> Iterator[pl.DataFrame]:
        frames = self._ordered()
        return frames if self.whole else evenly(frames, max(1, self._rows))

    def checkpoint(self) -> Json:
        self._write()
        runs = [part.run for part in self._runs if part.run is not None]
        self.spill.keep(runs)
        return {"rows": self._rows, "runs": [run.to_json() for run in runs]}

    def restore(self, state: Json) -> None:
        match state:
            case {"rows": int(rows), "runs": [*found]}:
                runs = [Run.from_json(run) for run in found]
            case _:
                raise ValueError(f"not the state of a sort: {state!r}")
        self.spill.adopt(runs)
        self._rows = rows
        self._runs = [Part(None, run, run.length, True) for run in runs]

    def close(self) -> None:
        self._pending, self._runs = [], []
        self.spill.clear()

    def _ordered(self) -> Iterator[pl.DataFrame]:
        import polars as pl

        last = self._pending
        self._pending, self._held = [], 0
        if not self._runs:
            if last:
                yield self.order.sorted(pl.concat(last))
            return
        parts = [*self._runs]
        if last:
            parts.append(Part.of(self.order.sorted(pl.concat(last)), ordered=True))
        del last
        yield from self._merged(parts)

    def _write(self) -> None:
        """Sorts what is in memory and writes it as a run."""
        import polars as pl

        if not self._pending:
            return
        part = Part.of(pl.concat(self._pending), ordered=False)
        self._pending, self._held = [], 0
        part.save(self.spill, self.order, self._segment)
        part.release()
        self._runs.append(part)
        if len(self._runs) > FAN_IN:
            together, self._runs = self._runs, []
            pieces = pieced(self._merged(together), self._segment)
            self._runs = [Part.written(pieces, self.spill, self.order)]
            for part in together:
                part.drop(self.spill)

    def _merged(self, parts: list[Part]) -> Iterator[pl.DataFrame]:
        feeds = [part.feed(self.spill, self.order, self._segment) for part in parts]
        return merged(feeds, self.order, self.memory // 6, whole=self.whole)

    @property
    def _segment(self) -> int:
        """Bytes of a segment, so that one of each run is in memory while they are merged."""
        return min(4 * 1024 * 1024, max(4096, self.memory // (6 * FAN_IN)))
