"""Splits run side by side, and are committed in order.

    reader ──splits──▶ workers: query ──▶ in order: later segments, gather ──▶ workers: encode
                                                                     in order: write ◀──┘

A bounded number of tasks is under way, and so is the memory. What leaves depends on the input and
the plan alone: never on the number of workers, nor on who is faster.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import field, replace

import polars as pl

from flowctl.dataclass import dataclass
from flowctl.dataflow import RECORD, SUSPECT, BadInput, Split
from flowctl.diagnostics import Fault
from flowctl.files.polars_quirks import REFUSALS
from flowctl.interpreter.careful import Examination, StageFault, examine_frame, examine_split
from flowctl.interpreter.checkpoint import Standing
from flowctl.interpreter.counts import Counts
from flowctl.interpreter.outputs import Outlet
from flowctl.interpreter.pipeline import Pipeline, home
from flowctl.interpreter.rejects import Rejects
from flowctl.syntax.node import Json

AHEAD = 1
"""How many threads there are besides one for each worker.

Polars computes on threads of its own; what waits for them, or for the interpreter's lock, leaves a
processor idle unless there is another split to go on with. Each one more takes a split and what
becomes of it in memory: with two a stream of two sinks came close to 400 MB.
"""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a stream has come: records and bytes read, of `total` bytes where that is known."""

    rows: int
    bytes: int
    total: int | None


@dataclass(frozen=True, slots=True)
class Flow:
    """What drives a stream besides its pipeline; splits are of about `split_bytes` each."""

    workers: int
    split_bytes: int
    cancelled: Callable[[], bool]
    on_progress: Callable[[Progress], None]


class RecordFailed(Exception):
    """A record's fault that ends the step."""

    def __init__(self, fault: StageFault, split: Split) -> None:
        super().__init__(fault.fault.message)
        self.fault = fault
        self.split = split


class Misread(Exception):
    """A source that cannot be read on; the fault's pointer starts at the step."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class Cancelled(Exception):
    """The run was told to stop."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A split on its way: what has become of it `behind` so many in-order operators.

    Once records were multiplied, they have numbers of their own, and `homes` leads from these to
    those of the split.
    """

    rows: int
    frame: pl.DataFrame
    filtered: int
    faults: tuple[StageFault, ...]
    fatal: StageFault | None
    made: int
    absorbed: int
    behind: int = 0
    homes: pl.Series | None = None

    @classmethod
    def of(cls, one: Examination) -> Passage:
        """Behind the first segment."""
        more, less = max(0, one.more), max(0, -one.more)
        return cls(one.rows, one.frame, one.filtered, one.faults, one.fatal, more, less)

    def on(self, pipeline: Pipeline, state: Json) -> tuple[Json, Passage]:
        """Through the next operator and the segment behind it; also the operator's next state."""
        operator, homes = pipeline.in_order[self.behind], self.homes
        state, frame = operator.step(state, self.frame)
        more = frame.height - self.frame.height
        if operator.multiplies:
            frame, homes = _numbered(frame, homes)
        later = _at_home(run_frame(frame, pipeline, self.behind + 1), homes)
        return state, replace(
            self,
            frame=later.frame,
            filtered=self.filtered + later.filtered,
            faults=(*self.faults, *later.faults),
            # Only records before a fault that ends the step go on, so a later one is of an
            # earlier record.
            fatal=later.fatal or self.fatal,
            made=self.made + max(0, more),
            absorbed=self.absorbed + max(0, -more),
            behind=self.behind + 1,
            homes=homes,
        )


@dataclass(slots=True)
class Drive:
    """One run of pipelines, one after the other, into the same outputs, from where it stands.

    `standing` goes on with each split, and `committed` is then told of it, with the number of the
    source that it is from.
    """

    pipelines: Sequence[Pipeline]
    outputs: Sequence[Outlet]
    rejects: Rejects
    flow: Flow
    standing: Standing = field(default_factory=Standing)
    committed: Callable[[Split, int], None] = lambda split, source: None
    _states: list[Json] = field(default_factory=list)

    def run(self, executor: Executor) -> None:
        """Moves all records, and publishes nothing; its caller begins and ends the rejects.

        Raises RecordFailed, TooManyRejects, Cancelled, EngineRefused, Misread, CannotWrite.
        """
        initial = {
            slot: operator.initial
            for pipeline in self.pipelines
            for slot, operator in zip(pipeline.slots, pipeline.in_order, strict=True)
        }
        self._states = [initial[slot] for slot in sorted(initial)]
        if self.standing.splits:
            self._states = list(self.standing.states)
        for output in self.outputs:
            output.begin()
        for feed in range(self.standing.feed, len(self.pipelines)):
            if feed > self.standing.feed:
                before = self.standing.splits
                self.standing = replace(self.standing, feed=feed, position=None, before=before)
            self._run_feed(self.pipelines[feed], executor)
        for output in self.outputs:
            output.finish()

    def _run_feed(self, pipeline: Pipeline, executor: Executor) -> None:
        try:
            if not self._done(pipeline):
                for split, passage in self._passages(pipeline, executor):
                    self._commit(pipeline, split, passage)
                    if self._done(pipeline):
                        break
        except BadInput as error:
            raise Misread(error.fault.below(*pipeline.source.pointer)) from error

    def _passages(self, pipeline: Pipeline, executor: Executor) -> Iterator[tuple[Split, Passage]]:
        """Each split with what the workers made of it, in the splits' order."""
        under_way: deque[tuple[Split, Future[Passage]]] = deque()
        splits = pipeline.reader.splits(self.flow.split_bytes, self.standing.position)
        bad_input: BadInput | None = None
        more = True
        try:
            while more or under_way:
                while more and len(under_way) + self._encoding() < self.flow.workers + AHEAD:
                    try:
                        split = next(splits, None)
                    except BadInput as error:
                        # What stands before it goes first, however far the reading is ahead.
                        bad_input, split = error, None
                    more = split is not None
                    if split is not None:
                        under_way.append((split, executor.submit(begin_passage, split, pipeline)))
                if self.flow.cancelled():
                    raise Cancelled
                for output in self._all_outputs():
                    output.drain(waiting=self.flow.workers if under_way else 0)
                if under_way:
                    split, future = under_way.popleft()
                    yield split, _result(future)
            if bad_input is not None:
                raise bad_input
        finally:
            for _, future in under_way:
                future.cancel()

    def _commit(self, pipeline: Pipeline, split: Split, passage: Passage) -> None:
        before = self.standing
        for slot in pipeline.slots[passage.behind :]:
            self._states[slot], passage = passage.on(pipeline, self._states[slot])
        frame, faults, fatal = passage.frame, passage.faults, passage.fatal
        if fatal is not None:
            raise RecordFailed(fatal, split)
        rejected = self.rejects.take(split, faults)
        if pipeline.homeward and RECORD in frame.columns:
            if passage.homes is not None:
                frame = frame.with_columns(passage.homes.gather(frame[RECORD]).alias(RECORD))
            own = before.splits - before.before
            frame = frame.with_columns(home(before.feed, own, pl.col(RECORD)))
        for output in self.outputs:
            output.take(frame)
        counts = before.counts
        counts = Counts(
            read=counts.read + passage.rows,
            made=counts.made + passage.made,
            written=counts.written + frame.height,
            filtered=counts.filtered + passage.filtered,
            rejected=counts.rejected + rejected,
            skipped=counts.skipped + len(faults) - rejected,
            absorbed=counts.absorbed + passage.absorbed,
        )
        self.standing = replace(
            before,
            position=split.after,
            splits=before.splits + 1,
            bytes=before.bytes + split.size,
            states=tuple(self._states),
            counts=counts,
        )
        self.committed(split, pipeline.input)
        self.flow.on_progress(Progress(counts.read, self.standing.bytes, self._size()))

    def _size(self) -> int | None:
        """Bytes that all splits will stand for together, where that is known."""
        total = 0
        for pipeline in self.pipelines:
            size = pipeline.reader.size
            if size is None:
                return None
            total += size
        return total

    def _done(self, pipeline: Pipeline) -> bool:
        return any(
            operator.done(self._states[slot])
            for operator, slot in zip(pipeline.in_order, pipeline.slots, strict=True)
        )

    def _all_outputs(self) -> Iterator[Outlet]:
        yield from self.outputs
        if self.rejects.output is not None:
            yield self.rejects.output

    def _encoding(self) -> int:
        return sum(output.waiting for output in self._all_outputs())


def _result(future: Future[Passage]) -> Passage:
    """What a worker made of a split; Polars has SIGINT end what it does there."""
    try:
        return future.result()
    except KeyboardInterrupt as error:
        raise Cancelled from error


def _numbered(frame: pl.DataFrame, homes: pl.Series | None) -> tuple[pl.DataFrame, pl.Series]:
    """The records with numbers of their own, and for each the one of the split that it comes from.

    `homes` is the latter for the frame's numbers as they were.
    """
    origin = frame[RECORD] if homes is None else homes.gather(frame[RECORD])
    numbers = pl.int_range(frame.height, dtype=pl.Int64, eager=True).alias(RECORD)
    return frame.with_columns(numbers), origin


def _at_home(examination: Examination, homes: pl.Series | None) -> Examination:
    """Faults of records that were multiplied, told of the record in the split."""
    if homes is None:
        return examination

    def told(fault: StageFault) -> StageFault:
        return replace(fault, fault=replace(fault.fault, record=homes[fault.fault.record]))

    fatal = examination.fatal
    return replace(
        examination,
        faults=tuple(map(told, examination.faults)),
        fatal=told(fatal) if fatal is not None else None,
    )


def begin_passage(split: Split, pipeline: Pipeline) -> Passage:
    """Takes a split as far as it can go without those before it."""
    passage = Passage.of(run_split(split, pipeline))
    for operator in pipeline.in_order:
        if not operator.stateless:
            break
        _, passage = passage.on(pipeline, operator.initial)
    return passage


def run_split(split: Split, pipeline: Pipeline) -> Examination:
    """Takes a split through the first segment: at once, or with care where there are suspects."""
    for thorough in (False, True):
        scan = split.scan(pipeline.columns, thorough)
        frame = _at_once(scan.frame, pipeline, 0) if scan is not None else None
        if scan is not None and frame is not None:
            filtered = scan.rows + scan.more - frame.height
            return Examination(scan.rows, frame, filtered, more=scan.more)
        if scan is None or not scan.doubtful:
            break
    return examine_split(split, pipeline)


def run_frame(frame: pl.DataFrame, pipeline: Pipeline, segment: int) -> Examination:
    """Takes a frame through a later segment."""
    left = _at_once(frame.lazy(), pipeline, segment)
    if left is not None:
        return Examination(frame.height, left, frame.height - left.height)
    return examine_frame(frame, pipeline, segment)


def _at_once(frame: pl.LazyFrame, pipeline: Pipeline, segment: int) -> pl.DataFrame | None:
    """What leaves the segment; None where the parser or an operator suspects a record."""
    try:
        left = pipeline.through(frame, segment).collect()
    except REFUSALS:
        return None
    if SUSPECT not in left.columns:
        return left
    return None if left[SUSPECT].any() else left.drop(SUSPECT)
