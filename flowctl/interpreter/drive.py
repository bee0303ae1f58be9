"""Splits run side by side, and are committed in order.

    reader ──splits──▶ workers: query ──▶ in order: later segments, gather ──▶ workers: encode
                                                                     in order: write ◀──┘

At most one task more than there are workers is under way, which bounds the memory. What leaves
depends on the input and the plan alone: never on the number of workers, nor on who is faster.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import field, replace

import polars as pl

from flowctl.dataclass import dataclass
from flowctl.dataflow import RECORD, SUSPECT, BadInput, Split
from flowctl.files.polars_quirks import REFUSALS
from flowctl.interpreter.careful import Examination, StageFault, examine_frame, examine_split
from flowctl.interpreter.checkpoint import Standing
from flowctl.interpreter.events import Counts
from flowctl.interpreter.outputs import Outlet
from flowctl.interpreter.pipeline import Pipeline
from flowctl.interpreter.rejects import Rejects
from flowctl.syntax.node import Json


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


class Cancelled(Exception):
    """The run was told to stop."""


@dataclass(slots=True)
class Drive:
    """One run of a pipeline into its outputs, from where it stands.

    `standing` goes on with each split, and `committed` is then told of it.
    """

    pipeline: Pipeline
    outputs: Sequence[Outlet]
    rejects: Rejects
    flow: Flow
    standing: Standing = field(default_factory=Standing)
    committed: Callable[[Split], None] = lambda split: None
    _states: list[Json] = field(default_factory=list)

    def run(self, executor: Executor) -> None:
        """Moves all records, and publishes nothing; its caller begins and ends the rejects.

        Raises RecordFailed, TooManyRejects, Cancelled, EngineRefused, BadInput, CannotWrite.
        """
        self._states = [operator.initial for operator in self.pipeline.in_order]
        if self.standing.splits:
            self._states = list(self.standing.states)
        for output in self.outputs:
            output.begin()
        if not self._done():
            for split, examination in self._examinations(executor):
                self._commit(split, examination)
                if self._done():
                    break
        for output in self.outputs:
            output.finish()

    def _examinations(self, executor: Executor) -> Iterator[tuple[Split, Examination]]:
        """Each split with what the workers made of it, in the splits' order."""
        under_way: deque[tuple[Split, Future[Examination]]] = deque()
        splits = self.pipeline.reader.splits(self.flow.split_bytes, self.standing.position)
        bad_input: BadInput | None = None
        more = True
        try:
            while more or under_way:
                while more and len(under_way) + self._encoding() <= self.flow.workers:
                    try:
                        split = next(splits, None)
                    except BadInput as error:
                        # What stands before it goes first, however far the reading is ahead.
                        bad_input, split = error, None
                    more = split is not None
                    if split is not None:
                        under_way.append((split, executor.submit(run_split, split, self.pipeline)))
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

    def _commit(self, split: Split, examination: Examination) -> None:
        frame, fatal = examination.frame, examination.fatal
        filtered, absorbed, made = examination.filtered, 0, 0
        faults = [*examination.faults]
        homes: pl.Series | None = None
        for index, operator in enumerate(self.pipeline.in_order):
            self._states[index], passed = operator.step(self._states[index], frame)
            absorbed += max(0, frame.height - passed.height)
            made += max(0, passed.height - frame.height)
            if operator.multiplies:
                passed, homes = _numbered(passed, homes)
            later = _at_home(run_frame(passed, self.pipeline, index + 1), homes)
            frame = later.frame
            filtered += later.filtered
            faults += later.faults
            # Only records before a fault that ends the step go on, so a later one is of an
            # earlier record.
            fatal = later.fatal or fatal
        if fatal is not None:
            raise RecordFailed(fatal, split)
        rejected = self.rejects.take(split, faults)
        for output in self.outputs:
            output.take(frame)
        counts = self.standing.counts
        counts = Counts(
            read=counts.read + examination.rows,
            made=counts.made + made,
            written=counts.written + frame.height,
            filtered=counts.filtered + filtered,
            rejected=counts.rejected + rejected,
            skipped=counts.skipped + len(faults) - rejected,
            absorbed=counts.absorbed + absorbed,
        )
        before = self.standing
        self.standing = Standing(
            position=split.after,
            splits=before.splits + 1,
            bytes=before.bytes + split.size,
            states=tuple(self._states),
            counts=counts,
        )
        self.committed(split)
        self.flow.on_progress(Progress(counts.read, self.standing.bytes, self.pipeline.reader.size))

    def _done(self) -> bool:
        return any(
            operator.done(state)
            for operator, state in zip(self.pipeline.in_order, self._states, strict=True)
        )

    def _all_outputs(self) -> Iterator[Outlet]:
        yield from self.outputs
        if self.rejects.output is not None:
            yield self.rejects.output

    def _encoding(self) -> int:
        return sum(output.waiting for output in self._all_outputs())


def _result(future: Future[Examination]) -> Examination:
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


def run_split(split: Split, pipeline: Pipeline) -> Examination:
    """Takes a split through the first segment: at once, or with care where there are suspects."""
    for thorough in (False, True):
        scan = split.scan(pipeline.columns, thorough)
        frame = _at_once(scan.frame, pipeline, 0) if scan is not None else None
        if scan is not None and frame is not None:
            return Examination(scan.rows, frame, scan.rows - frame.height)
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
