"""The sources of transforms whose records others meet: read whole before the stream begins."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor
from dataclasses import field
from pathlib import Path
from typing import Final

import polars as pl

from flowctl.dataclass import dataclass
from flowctl.dataflow import Split, Stretch
from flowctl.files.fingerprints import file_size
from flowctl.interpreter.checkpoint import Beside
from flowctl.interpreter.counts import Counts
from flowctl.interpreter.drive import Drive, Flow
from flowctl.interpreter.pipeline import Pipeline, column_type
from flowctl.interpreter.rejects import Rejects
from flowctl.interpreter.sections import Opened
from flowctl.operators import InOrder, Meeting, Pairing, Pairs
from flowctl.records import Column

HELD_MOST: Final = 128 * 1024 * 1024
"""Bytes that are held at most, however much memory there is: each split looks into all of them."""


@dataclass(slots=True)
class Collecting:
    """Takes what is needed of the records: into memory, or apart once they are too many."""

    meeting: Meeting
    most: int
    apart: Callable[[], Pairing]
    frames: list[pl.DataFrame] = field(default_factory=list)
    pairing: Pairing | None = None
    _held: int = 0

    def begin(self) -> None:
        """There is nothing before the first record."""

    @property
    def waiting(self) -> int:
        return 0

    def take(self, frame: pl.DataFrame) -> None:
        kept = self.meeting.keep(frame)
        if self.pairing is not None:
            self.pairing.take_beside(kept)
            return
        self.frames.append(kept)
        self._held += int(kept.estimated_size())
        if self.meeting.held is None or self._held > self.most:
            self.set_apart()

    def drain(self, waiting: int) -> None:
        """Nothing is under way."""

    def finish(self) -> None:
        if self.meeting.held is None and self.pairing is None:
            self.set_apart()

    def set_apart(self) -> None:
        """From here on nothing is held in memory."""
        self.pairing = self.apart()
        for frame in self.frames:
            self.pairing.take_beside(frame)
        self.frames = []


@dataclass(slots=True)
class BesideReading:
    """Reads such sources, one after the other.

    `kept` is what a checkpoint says of them: then they are read again as they were read before,
    held or apart, and what is wrong with their records has been told. `restored` are the boundaries
    at which it leads back to what was gathered.
    """

    flow: Flow
    executor: Executor
    rejects: Rejects
    most: int
    memory: int
    folder: Callable[[int], Path]
    kept: Sequence[Beside]
    restored: Collection[int]
    read: list[Beside] = field(default_factory=list)
    pairings: dict[int, Pairing] = field(default_factory=dict)

    def meet(self, meeting: Meeting, beside: Opened, boundary: int) -> InOrder | Pairs:
        """How records meet these. Raises what Drive raises."""
        kept = self.kept[len(self.read)] if self.kept else None
        apart = kept is not None and not kept.held

        def open_apart() -> Pairing:
            opened = meeting.apart.open(self.folder(boundary), self.memory)
            self.pairings[boundary] = opened
            return opened

        if kept is not None and apart and boundary in self.restored:
            # A checkpoint leads back to both sides.
            open_apart()
            self.read.append(kept)
            return meeting.apart
        most = 1 << 62 if kept is not None else self.most
        collecting = Collecting(meeting, most, open_apart)
        if apart:
            collecting.set_apart()
        found = self._all(beside, collecting, again=kept is not None)
        held = collecting.pairing is None
        columns = tuple(map(typed, beside.columns)) if kept is None else kept.columns
        counts = found.counts if kept is None else kept.counts
        self.read.append(
            Beside(columns, found.files, found.sizes, found.taken, held=held, counts=counts)
        )
        if held and meeting.held is not None:
            return meeting.held(pl.concat(collecting.frames))
        return meeting.apart

    def follow(self, source: Opened) -> None:
        """The source is read in the course of the stream."""
        kept = self.kept[len(self.read)] if self.kept else None
        files = tuple(file.name for file in source.files)
        sizes = tuple(map(file_size, source.files))
        now = Beside(tuple(map(typed, source.columns)), files, sizes, followed=True)
        self.read.append(kept or now)

    def _all(self, beside: Opened, collecting: Collecting, *, again: bool) -> Beside:
        """Reads a source from its beginning to its end."""
        taken: list[Stretch] = []
        names = {file.name for file in beside.files}
        sizes = tuple(map(file_size, beside.files))

        def committed(split: Split, source: int) -> None:
            taken.extend(stretch for stretch in split.taken() if stretch.file in names)

        rejects = (
            Rejects(self.rejects.step, self.rejects.allowance, None) if again else self.rejects
        )
        pipeline = beside.alone(collecting.meeting.columns)
        drive = Drive([pipeline], [[collecting]], rejects, self.flow, committed=committed)
        drive.run(self.executor)
        if not collecting.frames and collecting.pairing is None:
            collecting.take(_empty(pipeline))
        counts = drive.standing.counts
        # Each of these records has gone into what is met.
        counts = Counts(
            read=counts.read,
            rejected=counts.rejected,
            skipped=counts.skipped,
            absorbed=counts.written,
        )
        files = tuple(file.name for file in beside.files)
        return Beside(files=files, sizes=sizes, taken=tuple(taken), counts=counts)


def typed(column: Column) -> tuple[str, str]:
    """A column as a checkpoint keeps it: its name, and its type as `columns` says it."""
    return column.name, f"{column.type}{'?' if column.nullable else ''}"


def _empty(pipeline: Pipeline) -> pl.DataFrame:
    """No records, with the columns that leave a pipeline."""
    columns = pipeline.result or ()
    return pl.DataFrame(schema={column.name: column_type(column.type) for column in columns})
