"""Splits run side by side, and are committed in order.

    reader ──splits──▶ workers: query ──▶ in order: later segments, gather ──▶ workers: encode
                                                                     in order: write ◀──┘

A bounded number of tasks is under way, and so is the memory. What leaves depends on the input and
the plan alone: never on the number of workers, nor on who is faster.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import field, replace

import polars as pl

from flowctl.dataclass import dataclass
from flowctl.dataflow import RECORD, BadInput, Growing, Reader, Split
from flowctl.diagnostics import Fault
from flowctl.interpreter.careful import StageFault
from flowctl.interpreter.checkpoint import Standing
from flowctl.interpreter.counts import sum_of
from flowctl.interpreter.outputs import Outlet
from flowctl.interpreter.passage import Passage, begin_passage, end_passage
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
    """What drives a stream besides its pipeline; splits are of about `split_bytes` each.

    `idle` is called where all that has come is committed, and returns when it is time to look for
    more.
    """

    workers: int
    split_bytes: int
    cancelled: Callable[[], bool]
    on_progress: Callable[[Progress], None]
    idle: Callable[[], None] = lambda: None


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


@dataclass(slots=True)
class Drive:
    """One run of pipelines, one after the other, into the same outlets, from where it stands.

    What leaves by a mouth goes to each of its outlets; one may take what leaves by several.
    `standing` goes on with each split, and `committed` is then told of it, with the number of the
    source that it is from.
    """

    pipelines: Sequence[Pipeline]
    mouths: Sequence[Sequence[Outlet]]
    rejects: Rejects
    flow: Flow
    standing: Standing = field(default_factory=Standing)
    committed: Callable[[Split, int], None] = lambda split, source: None
    _states: list[Json] = field(default_factory=list)

    def begin_at(self, position: Json) -> bool:
        """Stands there if nothing has been read; tells whether that is so."""
        if self.standing.position is not None:
            return False
        self.standing = replace(self.standing, position=position)
        return True

    def run(self, executor: Executor) -> None:
        """Moves all records, and publishes nothing; its caller begins and ends the rejects.

        Raises RecordFailed, TooManyRejects, Cancelled, EngineRefused, Misread, CannotWrite.
        """
        initial = {
            slot: operator.initial
            for pipeline in self.pipelines
            for one in pipeline.all
            for slot, operator in zip(one.slots, one.in_order, strict=True)
        }
        self._states = [initial[slot] for slot in sorted(initial)]
        if self.standing.splits:
            self._states = list(self.standing.states)
        for outlet in self._outlets:
            outlet.begin()
        for feed in range(self.standing.feed, len(self.pipelines)):
            if feed > self.standing.feed:
                before = self.standing.splits
                self.standing = replace(self.standing, feed=feed, position=None, before=before)
            self._run_feed(self.pipelines[feed], executor)
        for outlet in self._outlets:
            outlet.finish()

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
        splits = self._splits(pipeline.reader)
        bad_input: BadInput | None = None
        more = True
        try:
            while more or under_way:
                waits, most = False, self.flow.workers + AHEAD
                while more and not waits and len(under_way) + self._encoding() < most:
                    try:
                        split = next(splits)
                    except StopIteration:
                        more = False
                        break
                    except BadInput as error:
                        # What stands before it goes first, however far the reading is ahead.
                        bad_input, more = error, False
                        break
                    waits = split is None
                    if split is not None:
                        under_way.append((split, executor.submit(begin_passage, split, pipeline)))
                if self.flow.cancelled():
                    raise Cancelled
                for output in self._all_outputs():
                    output.drain(waiting=self.flow.workers if under_way else 0)
                if under_way:
                    first, future = under_way.popleft()
                    yield first, _result(future)
                elif waits:
                    self.flow.idle()
            if bad_input is not None:
                raise bad_input
        finally:
            for _, future in under_way:
                future.cancel()

    def _splits(self, reader: Reader) -> Iterator[Split | None]:
        """The splits from where the stream stands; None where more is still to come."""
        if isinstance(reader, Growing):
            return reader.coming(self.flow.split_bytes, self.standing.position)
        return reader.splits(self.flow.split_bytes, self.standing.position)

    def _commit(self, pipeline: Pipeline, split: Split, passage: Passage) -> None:
        before = self.standing
        passage = end_passage(passage, pipeline, self._states)
        if (fatal := passage.first_fatal) is not None:
            raise RecordFailed(fatal, split)
        faults = [fault for one in passage.all for fault in one.faults]
        counts = passage.counts(self.rejects.take(split, faults))
        left = [*before.left] or [0] * len(self.mouths)
        for one, leaf in zip(pipeline.leaves, passage.leaves, strict=True):
            left[one.mouth] += leaf.frame.height
            frame = self._homeward(one, leaf)
            for outlet in self.mouths[one.mouth]:
                outlet.take(frame)
        counts = sum_of(before.counts, counts)
        self.standing = replace(
            before,
            position=split.after,
            splits=before.splits + 1,
            bytes=before.bytes + split.size,
            states=tuple(self._states),
            counts=counts,
            left=tuple(left),
        )
        self.committed(split, pipeline.input)
        self.flow.on_progress(Progress(counts.read, self.standing.bytes, self._size()))

    def _homeward(self, pipeline: Pipeline, passage: Passage) -> pl.DataFrame:
        """What leaves, with the way home where it is wanted."""
        frame = passage.frame
        if not pipeline.homeward or RECORD not in frame.columns:
            return frame
        if passage.homes is not None:
            frame = frame.with_columns(passage.homes.gather(frame[RECORD]).alias(RECORD))
        own = self.standing.splits - self.standing.before
        return frame.with_columns(home(self.standing.feed, own, pl.col(RECORD)))

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
        """Whether nothing more will leave, by whichever branch."""
        if pipeline.branches and all(map(self._done, pipeline.branches)):
            return True
        return any(
            operator.done(self._states[slot])
            for operator, slot in zip(pipeline.in_order, pipeline.slots, strict=True)
        )

    @property
    def _outlets(self) -> Iterable[Outlet]:
        """Each outlet once."""
        return {id(outlet): outlet for mouth in self.mouths for outlet in mouth}.values()

    def _all_outputs(self) -> Iterator[Outlet]:
        yield from self._outlets
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
