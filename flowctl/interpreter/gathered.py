"""The boundary between two stages: one gathers into a blocking operator, the next reads from it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import field
from itertools import islice

import polars as pl

from flowctl.dataclass import dataclass
from flowctl.dataflow import RECORD, Examined, Origin, Scan, Split, Stretch
from flowctl.interpreter.careful import EngineRefused
from flowctl.interpreter.checkpoint import Gathered
from flowctl.interpreter.pipeline import Stage, from_home
from flowctl.operators import Blocking, Gathering, Pairing, Pairs, Ranged, Ranging, Rowwise
from flowctl.syntax.node import Json


@dataclass(slots=True)
class Gatherer:
    """The end of a stage: splits are condensed in the workers, and gathered in order.

    `number` is that of the boundary.
    """

    number: int
    blocking: Blocking | Pairs
    gathering: Gathering
    boundary: Stage
    executor: Executor
    records: int = 0
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

    def durable(self) -> Gathered:
        """Makes all that was taken durable, and says how to find it again."""
        self.drain(waiting=0)
        with _told_by(self.boundary):
            return Gathered(self.gathering.checkpoint(), self.records)


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
            for index, one in enumerate(self._leaving()):
                if index >= first:
                    yield GatheredSplit(one, index + 1, self.blocking.after)

    def _leaving(self) -> Iterator[Ranged]:
        gathering = self.gathering
        if isinstance(gathering, Ranging):
            return gathering.ranges()
        return (_Whole(frame) for frame in gathering.leave())

    def close(self) -> None:
        self.gathering.close()


@dataclass(frozen=True, slots=True)
class _Whole:
    """Records that stand together already."""

    frame: pl.DataFrame

    @property
    def height(self) -> int:
        return self.frame.height

    def gathered(self) -> pl.DataFrame:
        return self.frame


@dataclass(frozen=True, slots=True)
class GatheredSplit:
    """Records that were made of many, or have lost their place in a file."""

    records: Ranged
    after: int
    computed: Rowwise | None = None

    @property
    def size(self) -> int:
        """No bytes of the input, all of which has been read."""
        return 0

    def taken(self) -> Sequence[Stretch]:
        return ()

    def scan(self, columns: Sequence[str]) -> Scan:
        return Scan(self.records.height, self._numbered(columns).lazy())

    def examine(self, columns: Sequence[str]) -> Examined:
        return Examined(self.records.height, self._numbered(columns))

    def origins(self, records: Sequence[int]) -> list[Origin]:
        """No file and no line; the text is the record as JSON."""
        frame = self.records.gathered()[list(records)]
        if self.computed is not None:
            frame = self.computed.apply(frame.lazy()).collect()
        lines = frame.write_ndjson().splitlines()
        return [Origin("", None, None, line) for line in lines]

    def _numbered(self, columns: Sequence[str]) -> pl.DataFrame:
        frame = self.records.gathered()
        if RECORD not in columns:
            return frame
        return frame.with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias(RECORD))


@dataclass(frozen=True, slots=True)
class PairedReader:
    """Records that have met others at a boundary, as a source: split by split, as they came there.

    `behind` gives the splits of a feed again, for the sake of the places of their records.
    """

    pairing: Pairing
    boundary: Stage
    behind: Callable[[int], Iterator[Split]]

    @property
    def size(self) -> int | None:
        return None

    def splits(self, target: int, start: Json = None) -> Iterator[Split]:
        """A position is the number of frames before it."""
        first = start if isinstance(start, int) else 0
        homes = _Homes(self.behind)
        with _told_by(self.boundary):
            for index, frame in enumerate(self.pairing.leave()):
                if index >= first:
                    heights = self.pairing.heights
                    rows = heights[index] if index < len(heights) else 0
                    yield PairedSplit(frame, index, rows, homes)

    def close(self) -> None:
        self.pairing.close()


@dataclass(slots=True)
class _Homes:
    """The splits from which records came, each looked up behind those before it."""

    begin: Callable[[int], Iterator[Split]]
    _splits: Iterator[Split] = field(default_factory=lambda: iter(()))
    _next: tuple[int, int] = (-1, 0)
    _last: Split | None = None

    def split(self, feed: int, index: int) -> Split:
        """The split with this number of a feed; raises BadInput."""
        if self._next == (feed, index + 1) and self._last is not None:
            return self._last
        if self._next[0] != feed or index < self._next[1]:
            self._splits, self._next = self.begin(feed), (feed, 0)
        self._last = next(islice(self._splits, index - self._next[1], None))
        self._next = (feed, index + 1)
        return self._last


@dataclass(frozen=True, slots=True)
class PairedSplit:
    """Records of one split that have met others; `rows` is how many they had been.

    A column RECORD leads home (see `pipeline.home`), where records have a place.
    """

    frame: pl.DataFrame
    index: int
    rows: int
    homes: _Homes

    @property
    def after(self) -> Json:
        return self.index + 1

    @property
    def size(self) -> int:
        return 0

    def taken(self) -> Sequence[Stretch]:
        return ()

    def scan(self, columns: Sequence[str]) -> Scan:
        more = self.frame.height - self.rows
        return Scan(self.rows, self._numbered().lazy(), more=more)

    def examine(self, columns: Sequence[str]) -> Examined:
        return Examined(self.rows, self._numbered(), more=self.frame.height - self.rows)

    def origins(self, records: Sequence[int]) -> list[Origin]:
        """Those of the split's records; or the records themselves as JSON, without a place."""
        if RECORD not in self.frame.columns:
            return GatheredSplit(_Whole(self.frame), self.index).origins(records)
        numbers = self.frame[RECORD].gather(list(records)).to_list()
        distinct = sorted(set(numbers))
        feed, split, _ = from_home(distinct[0])
        records = [from_home(number)[2] for number in distinct]
        origins = self.homes.split(feed, split).origins(records)
        found = dict(zip(distinct, origins, strict=True))
        return [found[number] for number in numbers]

    def _numbered(self) -> pl.DataFrame:
        number = pl.int_range(pl.len(), dtype=pl.Int64).alias(RECORD)
        return self.frame.with_columns(number)


@contextmanager
def _told_by(boundary: Stage) -> Iterator[None]:
    """What Polars refuses is told as the transform's."""
    try:
        yield
    except pl.exceptions.PolarsError as error:
        raise EngineRefused(boundary, error) from error
