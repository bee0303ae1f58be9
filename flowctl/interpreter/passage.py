"""A split on its way through a stage: what has become of its records so far, branch by branch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import polars as pl

from flowctl.dataclass import dataclass
from flowctl.dataflow import BRANCH, RECORD, SUSPECT, Split
from flowctl.files.polars_quirks import REFUSALS
from flowctl.interpreter.careful import Examination, StageFault, examine_frame, examine_split
from flowctl.interpreter.counts import Counts
from flowctl.interpreter.pipeline import Pipeline
from flowctl.syntax.node import Json


@dataclass(frozen=True, slots=True)
class Passage:
    """A split on its way: what has become of it `behind` so many in-order operators.

    Once records were multiplied, they have numbers of their own, and `homes` leads from these to
    those of the split. Where they have parted, `branches` tell what has become of them since.
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
    branches: tuple[Passage, ...] = ()

    @classmethod
    def of(cls, one: Examination, homes: pl.Series | None = None) -> Passage:
        """Behind the first segment."""
        more, less = max(0, one.more), max(0, -one.more)
        faults, fatal = one.faults, one.fatal
        return cls(one.rows, one.frame, one.filtered, faults, fatal, more, less, homes=homes)

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

    def part(self, pipeline: Pipeline) -> Passage:
        """Behind the last segment: into the branches, and there behind the first one."""
        parts = [self.frame.filter(pl.col(BRANCH) == n) for n in range(len(pipeline.branches))]
        passed = sum(part.height for part in parts)
        found = (
            Passage.of(_at_home(run_frame(part.drop(BRANCH), branch, 0), self.homes), self.homes)
            for part, branch in zip(parts, pipeline.branches, strict=True)
        )
        return replace(
            self,
            frame=self.frame.clear(),
            filtered=self.filtered + self.frame.height - passed,
            branches=tuple(found),
        )

    @property
    def leaves(self) -> Iterator[Passage]:
        """Those of the branches that do not part any more."""
        return (one for one in self.all if not one.branches)

    @property
    def all(self) -> Iterator[Passage]:
        """This one, and those of the branches."""
        yield self
        for branch in self.branches:
            yield from branch.all

    @property
    def first_fatal(self) -> StageFault | None:
        """The fault of the first record that ends the step.

        Only records before a fault that ends the step have come into branches.
        """
        below = [fatal for one in self.branches if (fatal := one.first_fatal) is not None]
        return min(below, key=lambda fatal: fatal.fault.record) if below else self.fatal

    def counts(self, rejected: int) -> Counts:
        """What became of the records, of whose faults so many are rejects."""
        found = [*self.all]
        return Counts(
            read=self.rows,
            made=sum(one.made for one in found),
            written=sum(leaf.frame.height for leaf in self.leaves),
            filtered=sum(one.filtered for one in found),
            rejected=rejected,
            skipped=sum(len(one.faults) for one in found) - rejected,
            absorbed=sum(one.absorbed for one in found),
        )


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
    return _go_on(Passage.of(run_split(split, pipeline)), pipeline)


def _go_on(passage: Passage, pipeline: Pipeline) -> Passage:
    for operator in pipeline.in_order:
        if not operator.stateless:
            return passage
        _, passage = passage.on(pipeline, operator.initial)
    if not pipeline.branches:
        return passage
    passage = passage.part(pipeline)
    pairs = zip(passage.branches, pipeline.branches, strict=True)
    return replace(passage, branches=tuple(_go_on(*pair) for pair in pairs))


def end_passage(passage: Passage, pipeline: Pipeline, states: list[Json]) -> Passage:
    """Takes a split to where its records leave; `states` are those behind the splits before it."""
    for slot in pipeline.slots[passage.behind :]:
        states[slot], passage = passage.on(pipeline, states[slot])
    if pipeline.branches and not passage.branches:
        passage = passage.part(pipeline)
    pairs = zip(passage.branches, pipeline.branches, strict=True)
    return replace(passage, branches=tuple(end_passage(*pair, states) for pair in pairs))


def run_split(split: Split, pipeline: Pipeline) -> Examination:
    """Takes a split through the first segment: at once, or with care where there are suspects."""
    scan = split.scan(pipeline.columns)
    frame = _at_once(scan.frame, pipeline, 0) if scan is not None else None
    if scan is None or frame is None:
        return examine_split(split, pipeline)
    filtered = scan.rows + scan.more - frame.height
    return Examination(scan.rows, frame, filtered, more=scan.more)


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
    # Not by `drop`, which is a query and would wait for the threads that other splits keep busy.
    return None if left.drop_in_place(SUSPECT).any() else left
