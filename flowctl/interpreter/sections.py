"""The ways of records through a stream's stages: where they gather, part, and leave for sinks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field, replace
from typing import Protocol, TypeAlias

from flowctl.dataclass import dataclass
from flowctl.dataflow import Reader
from flowctl.files.paths import DataFile
from flowctl.interpreter.pipeline import Pipeline, Stage, segments
from flowctl.operators import Awaiting, Blocking, Confluence, InOrder, Keep, Meeting, Pairs, Rowwise
from flowctl.plan import Placed
from flowctl.records import Schema

Mouth: TypeAlias = tuple[int, int]
"""Where records leave a stage: its number, and which of its branches' ends."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A source of a stream that can be read now; the stream's own has the number 0."""

    reading: Stage
    reader: Reader
    files: tuple[DataFile, ...]
    columns: Schema
    number: int

    def alone(self, names: Sequence[str]) -> Pipeline:
        """Nothing but some of its columns."""
        wanted = Schema(tuple(column for column in self.columns if column.name in names))
        return Pipeline(
            self.reader, self.reading, ((),), (), self.columns, wanted, input=self.number
        )


@dataclass(frozen=True, slots=True)
class Passing:
    """A transform that records pass, and the columns that leave it."""

    operator: Rowwise | Keep | InOrder | Blocking | Awaiting | Confluence
    boundary: Stage
    leaving: Schema
    inputs: tuple[Opened, ...]


@dataclass(frozen=True, slots=True)
class Course:
    """Transforms one after the other; behind them records part, or leave with the `result`.

    Where they part, the last of the transforms has numbered them by their branch.
    """

    passing: tuple[Passing, ...]
    result: Schema
    sinks: tuple[Placed, ...] = ()
    branches: tuple[Course, ...] = ()

    @property
    def ends(self) -> tuple[Course, ...]:
        """Where records leave for sinks, in the order of the branches."""
        below = tuple(end for branch in self.branches for end in branch.ends)
        return below if self.branches else (self,)

    @property
    def inputs(self) -> tuple[Opened, ...]:
        """The further sources of the transforms, in their order."""
        own = tuple(source for one in self.passing for source in one.inputs)
        return own + tuple(source for branch in self.branches for source in branch.inputs)


class Further(Protocol):
    """Knows what becomes of the further sources of a stream; each is told once, in their order."""

    def meet(self, meeting: Meeting, beside: Opened, boundary: int) -> InOrder | Pairs:
        """Has records meet those of another source, in memory or at a boundary."""
        ...

    def follow(self, source: Opened) -> None:
        """The source's records come behind others."""
        ...


@dataclass(frozen=True, slots=True)
class Later:
    """What is gathered at the end of a stage, and read in one of its own.

    Gathered from `mouth` at the boundary with this number, it is read in the stage with the next.
    """

    number: int
    mouth: Mouth
    blocking: Blocking | Pairs
    boundary: Stage
    pipelines: Callable[[Reader], tuple[Pipeline, ...]]


@dataclass(frozen=True, slots=True)
class End:
    """Where records leave for sinks."""

    mouth: Mouth
    course: Course


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of a stream: each but the first reads what an earlier one gathers.

    A stage has a pipeline for each source from which it reads, one after the other.
    """

    first: tuple[Pipeline, ...]
    later: tuple[Later, ...]
    ends: tuple[End, ...]


def stages(source: Opened, course: Course, further: Further) -> Stages:
    """What runs, stage by stage; raises what `further` raises where it reads other sources."""
    making = _Making(further)
    section = _Section(0)
    making.run(course, section.way([_Feed(source.reading, source.columns)], source.columns))
    return Stages(section.pipelines(source.reader), tuple(making.later), tuple(making.ends))


@dataclass(slots=True)
class _Making:
    """Stages as they come into being, those of one branch before those of the next."""

    further: Further
    later: list[Later] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)

    def run(self, course: Course, way: _Way) -> None:
        """Takes the records of a way through a course, to its ends."""
        for one in course.passing:
            way = self._pass(one, way)
        for branch in course.branches:
            self.run(branch, way.branch(course.result))
        if not course.branches:
            self.ends.append(End(way.mouth(), course))

    def _pass(self, one: Passing, way: _Way) -> _Way:
        """The way behind a transform."""
        operator = self._met(one)
        if isinstance(operator, Confluence):
            way.join(operator, one)
            for source in one.inputs:
                self.further.follow(source)
            return way
        if isinstance(operator, Blocking | Pairs):
            number, mouth = len(self.later), way.mouth()
            section = _Section(number + 1)
            self.later.append(Later(number, mouth, operator, one.boundary, section.pipelines))
            return way.behind(operator, one.boundary, one.leaving, section)
        way.add(operator, one.boundary, one.leaving)
        return way

    def _met(self, one: Passing) -> Rowwise | Keep | InOrder | Blocking | Pairs | Confluence:
        """The operator of a transform that knows what it has to know of other sources."""
        if not isinstance(one.operator, Awaiting):
            return one.operator
        (beside,) = one.inputs
        return self.further.meet(one.operator.meet(beside.columns), beside, len(self.later))


@dataclass(slots=True)
class _Feed:
    """The way of the records of one source; None: of what was gathered, or goes on in a branch."""

    source: Stage
    schema: Schema
    opened: Opened | None = None
    stages: list[Stage | InOrder] = field(default_factory=list)
    between: list[Schema] = field(default_factory=list)


@dataclass(slots=True)
class _Section:
    """What one stage does between two boundaries: ways that part."""

    number: int
    in_order: list[InOrder] = field(default_factory=list)
    mouths: int = 0
    _ways: list[_Way] = field(default_factory=list)

    def way(self, feeds: list[_Feed], leaving: Schema) -> _Way:
        """Another way, in which these feeds run together."""
        way = _Way(self, feeds, leaving)
        self._ways.append(way)
        return way

    def pipelines(self, reader: Reader) -> tuple[Pipeline, ...]:
        """One for each feed; that of a branch alone leads into this branch."""
        first = self._ways[0]
        return tuple(
            way.pipeline(feed, reader)
            for way in self._ways
            for feed in way.feeds
            if way is first or feed.opened is not None
        )


@dataclass(slots=True)
class _Way:
    """The feeds that run together, the columns that leave, and where they do."""

    section: _Section
    feeds: list[_Feed]
    leaving: Schema
    computed: bool = False
    homeward: bool = False
    placed: bool = False
    branches: list[_Way] = field(default_factory=list)
    _mouth: int = -1

    def add(self, operator: Rowwise | Keep | InOrder, boundary: Stage, leaving: Schema) -> None:
        if isinstance(operator, InOrder):
            self.section.in_order.append(operator)
            self._all(operator)
            for feed in self.feeds:
                feed.between.append(leaving)
        else:
            self._all(replace(boundary, operator=operator))
        self.leaving = leaving

    def join(self, confluence: Confluence, one: Passing) -> None:
        """Records of further sources come behind the others."""
        own, *others = confluence.bring([source.columns for source in one.inputs])
        self.add(own, one.boundary, one.leaving)
        for source, operator in zip(one.inputs, others, strict=True):
            stage = replace(one.boundary, operator=operator)
            self.feeds.append(_Feed(source.reading, source.columns, source, [stage]))

    def branch(self, schema: Schema) -> _Way:
        """The way of the records of one more branch, behind the end of this one."""
        way = self.section.way([_Feed(self.feeds[0].source, schema)], schema)
        self.branches.append(way)
        return way

    def mouth(self) -> Mouth:
        """Where the records leave the stage."""
        self._mouth, self.section.mouths = self.section.mouths, self.section.mouths + 1
        return self.section.number, self._mouth

    def behind(
        self, blocking: Blocking | Pairs, boundary: Stage, schema: Schema, section: _Section
    ) -> _Way:
        """The way in the next section, which reads what the boundary at this one's end gives."""
        if isinstance(blocking, Pairs):
            self.computed = self.homeward = True
            return section.way([_Feed(boundary, schema)], schema)
        if blocking.before is not None:
            self._all(replace(boundary, operator=blocking.before))
            self.computed = True
        self.placed = blocking.placed
        way = section.way([_Feed(boundary, blocking.gives or schema)], schema)
        if blocking.after is not None:
            way.add(blocking.after, boundary, schema)
        return way

    def pipeline(self, feed: _Feed, reader: Reader) -> Pipeline:
        """What becomes of the records of a feed, in the branches too."""
        if feed.opened is not None:
            reader = feed.opened.reader
        found, in_order = segments(feed.stages)
        slots = {id(operator): slot for slot, operator in enumerate(self.section.in_order)}
        return Pipeline(
            reader,
            feed.source,
            found,
            in_order,
            feed.schema,
            None if self.computed else self.leaving,
            homeward=self.homeward,
            placed=self.placed,
            slots=tuple(slots[id(operator)] for operator in in_order),
            input=feed.opened.number if feed.opened is not None else 0,
            branches=tuple(way.pipeline(way.feeds[0], reader) for way in self.branches),
            mouth=self._mouth,
            between=tuple(feed.between),
        )

    def _all(self, stage: Stage | InOrder) -> None:
        for feed in self.feeds:
            feed.stages.append(stage)
