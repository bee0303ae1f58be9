"""Ordered frames that wait in memory, with those of them in files that a checkpoint names."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import field
from typing import TYPE_CHECKING, Final

from flowctl.dataclass import dataclass
from flowctl.gathering.order import Order
from flowctl.gathering.parts import size_of
from flowctl.gathering.spill import Run, Spill, runs_of
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    import polars as pl

LEAST_BYTES: Final = 4 * 1024 * 1024
"""Frames below are put together: to have a piece of each in every range would cost too much."""
KEYED_BYTES: Final = 64
"""What a record takes besides while the order of all is found."""


@dataclass(slots=True)
class Heap:
    """Frames in the order in which they came, each of them ordered in itself.

    The last ones may be `_loose`: too small to stay as they are. Once there has been a checkpoint,
    frames are written by the executor `ahead` of the next one, if there is any.
    """

    order: Order
    spill: Spill
    ahead: Executor | None = None
    bytes: int = 0
    _frames: list[pl.DataFrame] = field(default_factory=list)
    _loose: list[pl.DataFrame] = field(default_factory=list)
    _loose_bytes: int = 0
    _runs: list[Run] = field(default_factory=list)
    """Files that hold the first frames, a segment each."""
    _loose_run: Run | None = None
    _writing: Future[Run] | None = None
    """What becomes the next of them."""
    _asked: bool = False

    def add(self, frame: pl.DataFrame, *, ordered: bool) -> None:
        """The next records, and whether they are in order."""
        self.bytes += _burden(frame)
        self._loose.append(frame if ordered else self.order.sorted(frame))
        self._loose_bytes += size_of(frame)
        if self._loose_bytes >= LEAST_BYTES:
            self._frames.append(self._together())
            self._loose, self._loose_bytes = [], 0
            if self.ahead is not None and self._asked:
                self._write_ahead(self.ahead)

    @property
    def frames(self) -> Sequence[pl.DataFrame]:
        return [*self._frames, self._together()] if self._loose else self._frames

    def settle(self) -> None:
        """Nothing is written by other threads any more; raises OSError."""
        from concurrent.futures import wait

        writing, self._writing = self._writing, None
        if writing is not None:
            wait([writing])
            if not writing.cancelled():
                self._runs.append(writing.result())

    def clear(self) -> None:
        """The records are kept elsewhere now, or nobody needs them."""
        with suppress(OSError):  # of a file that nobody needs either
            self.settle()
        for run in self.runs:
            self.spill.drop(run)
        self.bytes = self._loose_bytes = 0
        self._frames, self._loose, self._runs, self._loose_run = [], [], [], None

    def checkpoint(self) -> Json:
        """Has all records in files; what is loose is written again each time."""
        self._asked = True
        self.settle()
        if fresh := self._fresh:
            self._runs.append(self.spill.write(fresh))
        if self._loose_run is not None:
            self.spill.drop(self._loose_run)
            self._loose_run = None
        if self._loose:
            self._loose = [self._together()]
            self._loose_run = self.spill.write(self._loose)
        loose = self._loose_run.to_json() if self._loose_run is not None else None
        return {"runs": [run.to_json() for run in self._runs], "loose": loose}

    def restore(self, state: Json) -> None:
        """Names the files that `runs` has then; the records are in memory once they are `read`."""
        match state:
            case {"runs": runs, "loose": loose}:
                self._runs = runs_of(runs)
                self._loose_run = Run.from_json(loose) if loose is not None else None
            case _:
                raise ValueError(f"not the state of a heap: {state!r}")

    def read(self) -> None:
        """Takes the records into memory that a checkpoint names; raises DamagedRun."""
        self._frames = [
            self._counted(run, n) for run in self._runs for n in range(len(run.segments))
        ]
        if self._loose_run is not None:
            self._loose = [self._counted(self._loose_run, 0)]
            self._loose_bytes = size_of(self._loose[0])

    @property
    def runs(self) -> list[Run]:
        """The files that a checkpoint names."""
        return [*self._runs, *([self._loose_run] if self._loose_run is not None else [])]

    @property
    def _fresh(self) -> list[pl.DataFrame]:
        """Frames that are in no file yet."""
        return self._frames[sum(len(run.segments) for run in self._runs) :]

    def _write_ahead(self, executor: Executor) -> None:
        """One file at a time: who is slower than records come finds more of them the next time."""
        if self._writing is None or self._writing.done():
            self.settle()
            fresh = self._fresh
            self._writing = executor.submit(lambda: self.spill.write(fresh, durable=True))

    def _counted(self, run: Run, index: int) -> pl.DataFrame:
        frame = self.spill.read(run, index)
        self.bytes += _burden(frame)
        return frame

    def _together(self) -> pl.DataFrame:
        """What is loose as one frame."""
        import polars as pl

        loose = self._loose
        return loose[0] if len(loose) == 1 else self.order.sorted(pl.concat(loose))


def _burden(frame: pl.DataFrame) -> int:
    """Bytes of memory that records take while they wait, and are put into one order."""
    return size_of(frame) + KEYED_BYTES * frame.height
