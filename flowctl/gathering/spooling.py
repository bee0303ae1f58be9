"""Frames that wait, in the order in which they came: in memory, and in files once that is full."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import TYPE_CHECKING

from flowctl.dataclass import dataclass
from flowctl.gathering.parts import size_of
from flowctl.gathering.spill import Run, Spill, runs_of
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl


@dataclass(slots=True)
class Spool:
    """Gathers frames and gives them back as they are; empty ones are left out.

    `memory` is in bytes.
    """

    spill: Spill
    memory: int
    _runs: list[Run] = field(default_factory=list)
    _pending: list[pl.DataFrame] = field(default_factory=list)
    _held: int = 0

    def take(self, frame: pl.DataFrame) -> None:
        if frame.is_empty():
            return
        self._pending.append(frame)
        self._held += size_of(frame)
        if self._held > self.memory // 2:
            self._write()

    def leave(self) -> Iterator[pl.DataFrame]:
        for run in self._runs:
            for index in range(len(run.segments)):
                yield self.spill.read(run, index)
        yield from self._pending

    def emptied(self) -> Iterator[pl.DataFrame]:
        """What was gathered, which is forgotten; meanwhile other frames may be taken."""
        runs, pending = self._runs, self._pending
        self._runs, self._pending, self._held = [], [], 0
        for run in runs:
            for index in range(len(run.segments)):
                yield self.spill.read(run, index)
            self.spill.drop(run)
        yield from pending

    def checkpoint(self) -> Json:
        self._write()
        self.spill.keep(self._runs)
        return {"runs": [run.to_json() for run in self._runs]}

    def restore(self, state: Json) -> None:
        match state:
            case {"runs": found}:
                self._runs = runs_of(found)
            case _:
                raise ValueError(f"not the state of a spool: {state!r}")
        self.spill.adopt(self._runs)

    def close(self) -> None:
        self._runs, self._pending = [], []
        self.spill.clear()

    def _write(self) -> None:
        if self._pending:
            self._runs.append(self.spill.write(self._pending))
            self._pending, self._held = [], 0
