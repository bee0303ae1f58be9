"""A run of records wherever it is: in memory, in a file, or both; read segment by segment."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from flowctl.dataclass import dataclass
from flowctl.gathering.order import Order
from flowctl.gathering.spill import Run, Spill, write_stream
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl


KEPT_BYTES: Final = 16 * 1024 * 1024
"""Bytes of a segment of what is written as it stands."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Ordered records, to be loaded piece by piece; `fences` holds the first keys of each piece."""

    fences: pl.DataFrame
    load: Callable[[int], pl.DataFrame]


@dataclass(slots=True)
class Part:
    """Records that belong together.

    `frame` is None where they are only in the file, `run` where they are only in memory. `bytes`
    is what they take in memory; `ordered` says whether they stand in the order of the keys there,
    and `raw` that they do not so in the file.
    """

    frame: pl.DataFrame | None
    run: Run | None
    bytes: int
    ordered: bool
    fences: pl.DataFrame | None = None
    raw: bool = False

    @classmethod
    def of(cls, frame: pl.DataFrame, *, ordered: bool) -> Part:
        """A part in memory."""
        return cls(frame, None, size_of(frame), ordered)

    @classmethod
    def written(cls, frames: Iterable[pl.DataFrame], spill: Spill, order: Order) -> Part:
        """A part in a file, from ordered records; each frame becomes a segment."""
        import polars as pl

        fences: list[pl.DataFrame] = []
        size = 0

        def noted() -> Iterator[pl.DataFrame]:
            nonlocal size
            for frame in frames:
                fences.append(copied(frame.head(1).select(order.columns)))
                size += size_of(frame)
                yield frame

        run = spill.write(noted())
        return cls(None, run, size, True, pl.concat(fences) if fences else None)

    @property
    def rows(self) -> int:
        if self.frame is not None:
            return self.frame.height
        return self._saved().rows

    @property
    def held(self) -> int:
        """Bytes of memory that it takes now."""
        return self.bytes if self.frame is not None else 0

    def order(self, order: Order) -> None:
        """Puts what is in memory into the order of the keys."""
        if not self.ordered and self.frame is not None:
            self.frame = order.sorted(self.frame)
            self.ordered = True

    def keep(self, spill: Spill) -> None:
        """Has the records in a file, which is written soonest as they stand in memory."""
        if self.run is None and self.frame is not None:
            self.run = spill.write(sliced(self.frame, rows_of(self.frame, KEPT_BYTES)))
            self.raw = not self.ordered

    def release(self, spill: Spill, order: Order, segment: int) -> None:
        """Lets go of the memory: the records are in a file, in order, in segments of such bytes."""
        if self.frame is not None and (self.run is None or self.raw):
            self.order(order)
            written = Part.written(sliced(self.frame, rows_of(self.frame, segment)), spill, order)
            if self.run is not None:
                spill.drop(self.run)
            self.run, self.fences, self.raw = written.run, written.fences, False
        self.frame = None

    def to_json(self) -> Json:
        """As a checkpoint keeps it: it must be in a file."""
        return [self._saved().to_json(), self.raw]

    @classmethod
    def from_json(cls, value: Json) -> Part:
        """Raises ValueError for what `to_json` has not made."""
        match value:
            case [run, bool(raw)]:
                found = Run.from_json(run)
                return cls(None, found, found.length, ordered=not raw, raw=raw)
        raise ValueError(f"not a part: {value!r}")

    def load(self, spill: Spill) -> None:
        """Takes records into memory that are in no order, so that they can be put into one."""
        if self.raw and self.frame is None:
            self.frame = self.whole(spill)
            self.bytes = size_of(self.frame)

    def drop(self, spill: Spill) -> None:
        """The records are not needed any more."""
        if self.run is not None:
            spill.drop(self.run)
        self.frame = self.run = self.fences = None

    def pieces(self, spill: Spill) -> Iterator[pl.DataFrame]:
        """All records: at once if they are in memory, else segment by segment."""
        if self.frame is not None:
            yield self.frame
            return
        run = self._saved()
        for index in range(len(run.segments)):
            yield spill.read(run, index)

    def whole(self, spill: Spill) -> pl.DataFrame:
        """All records at once."""
        import polars as pl

        return pl.concat([*self.pieces(spill)])

    def feed(self, spill: Spill, order: Order, segment: int) -> Feed:
        """The ordered records in pieces; those that are in memory in pieces of so many bytes."""
        import polars as pl

        self.order(order)
        frame = self.frame
        if frame is not None:
            rows = rows_of(frame, segment)
            starts = list(range(0, frame.height, rows))
            fences = frame.select(order.columns)[starts]
            return Feed(fences, lambda index: frame.slice(starts[index], rows))
        run = self._saved()
        if self.fences is None:
            heads = (spill.read(run, index).head(1) for index in range(len(run.segments)))
            self.fences = pl.concat([copied(head.select(order.columns)) for head in heads])
        return Feed(self.fences, lambda index: spill.read(run, index))

    def _saved(self) -> Run:
        if self.run is None:
            raise ValueError("the part was dropped")
        return self.run


def parts_of(value: Json) -> list[Part]:
    """Several parts as a checkpoint keeps them; raises ValueError for anything else."""
    if not isinstance(value, list):
        raise ValueError(f"not a list of parts: {value!r}")
    return [Part.from_json(part) for part in value]


def size_of(frame: pl.DataFrame) -> int:
    """Bytes of memory that the records take."""
    return int(frame.estimated_size())


def copied(frame: pl.DataFrame) -> pl.DataFrame:
    """The same records in memory of their own: a slice keeps all alive that it was cut from."""
    import polars as pl

    buffer = io.BytesIO()
    write_stream(frame, buffer)
    buffer.seek(0)
    return pl.read_ipc_stream(buffer)


def rows_of(frame: pl.DataFrame, size: int) -> int:
    """How many records of this frame take about so many bytes; at least one."""
    return max(1, frame.height * size // max(1, size_of(frame)))


def sliced(frame: pl.DataFrame, rows: int) -> Iterator[pl.DataFrame]:
    """The frame in pieces of so many records; an empty one is a piece, with its columns."""
    for start in range(0, max(1, frame.height), rows):
        yield frame.slice(start, rows)


def pieced(frames: Iterable[pl.DataFrame], size: int) -> Iterator[pl.DataFrame]:
    """The records of all frames, in pieces of about so many bytes at most."""
    for frame in frames:
        yield from sliced(frame, rows_of(frame, size))
