"""The boundary between two stages: one gathers into a blocking operator, the next reads from it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import field

import polars as pl

from flowctl.dataclass import dataclass
from flowctl.dataflow import (
    RECORD,
    Blocking,
    Examined,
    Gathering,
    Origin,
    Rowwise,
    Scan,
    Split,
    Stretch,
)
from flowctl.interpreter.careful import EngineRefused
from flowctl.interpreter.pipeline import Stage
from flowctl.syntax.node import Json


@dataclass(slots=True)
class Gatherer:
    """The end of a stage: splits are condensed in the workers, and gathered in order."""

    blocking: Blocking
    gathering: Gathering
    boundary: Stage
    executor: Executor
    _condensing: deque[Future[pl.DataFrame]] = field(default_factory=deque)

    def begin(self) -> None:
        """There is nothing before the first record."""

    @property
    def waiting(self) -> int:
        return len(self._condensing)

    def take(self, frame: pl.DataFrame) -> None:
        self._condensing.append(self.executor.submit(self.blocking.condense, frame))

    def drain(self, waiting: int) -> None:
        while self._condensing and (self._condensing[0].done() or self.waiting > waiting):
            with _told_by(self.boundary):
                self.gathering.take(self._condensing.popleft().result())

    def finish(self) -> None:
        self.drain(waiting=0)

    def checkpoint(self) -> Json:
        """Makes all that was taken durable, and says how to find it again."""
        self.drain(waiting=0)
        with _told_by(self.boundary):
            return self.gathering.checkpoint()


@dataclass(frozen=True, slots=True)
class GatheredReader:
    """What was gathered, as a source of splits."""

    blocking: Blocking
    gathering: Gathering
    boundary: Stage

    @property
    def size(self) -> int | None:
        return None

    def splits(self, target: int, start: Json = None) -> Iterator[Split]:
        """Their size is the transform's own; a position is the number of frames before it."""
        first = start if isinstance(start, int) else 0
        with _told_by(self.boundary):
            for index, frame in enumerate(self.gathering.leave()):
                if index >= first:
                    yield GatheredSplit(frame, index + 1, self.blocking.after)

    def close(self) -> None:
        self.gathering.close()


@dataclass(frozen=True, slots=True)
class GatheredSplit:
    """Records that were made of many, or have lost their place in a file."""

    frame: pl.DataFrame
    after: int
    computed: Rowwise | None = None

    @property
    def size(self) -> int:
        """No bytes of the input, all of which has been read."""
        return 0

    def taken(self) -> Sequence[Stretch]:
        return ()

    def scan(self, columns: Sequence[str], thorough: bool) -> Scan:
        return Scan(self.frame.height, self._numbered(columns).lazy())

    def examine(self, columns: Sequence[str]) -> Examined:
        return Examined(self.frame.height, self._numbered(columns))

    def origins(self, records: Sequence[int]) -> list[Origin]:
        """No file and no line; the text is the record as JSON."""
        frame = self.frame[list(records)]
        if self.computed is not None:
            frame = self.computed.apply(frame.lazy()).collect()
        lines = frame.write_ndjson().splitlines()
        return [Origin("", None, None, line) for line in lines]

    def _numbered(self, columns: Sequence[str]) -> pl.DataFrame:
        if RECORD not in columns:
            return self.frame
        return self.frame.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(RECORD))


@contextmanager
def _told_by(boundary: Stage) -> Iterator[None]:
    """What Polars refuses is told as the transform's."""
    try:
        yield
    except pl.exceptions.PolarsError as error:
        raise EngineRefused(boundary, error) from error
