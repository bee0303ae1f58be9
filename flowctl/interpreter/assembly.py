"""From a stream of the plan to pipelines: types are known now, so every rule is asked again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from itertools import count
from pathlib import Path
from typing import Protocol, TypeAlias

from flowctl.checking import plain
from flowctl.checking import rule as check_rule
from flowctl.codes.environment import NO_INPUT
from flowctl.component import Folders, Situation, Source, Transform
from flowctl.component import Sink as SinkComponent
from flowctl.dataclass import dataclass
from flowctl.dataflow import (
    Awaiting,
    Blocking,
    Confluence,
    Foreign,
    InOrder,
    Keep,
    Meeting,
    Pairs,
    Reader,
    Rowwise,
    Writer,
)
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.files.paths import DataFile, DataFiles, expand
from flowctl.interpreter.calling import Callers
from flowctl.interpreter.pipeline import Pipeline, Stage, segments
from flowctl.plan import Operation, Stream
from flowctl.records import Schema
from flowctl.sinking import destination
from flowctl.sourcing import again_and_again
from flowctl.syntax.node import Pointer


class Components(Protocol):
    """The components by kind, as `registry.Registry` holds them."""

    @property
    def sources(self) -> Mapping[str, Source]: ...
    @property
    def transforms(self) -> Mapping[str, Transform]: ...
    @property
    def sinks(self) -> Mapping[str, SinkComponent]: ...


class Unfit(Exception):
    """The rules refuse what the data turn out to be; the faults' pointers start at the step."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = tuple(faults)


Left: TypeAlias = "Callable[[tuple[DataFile, ...]], tuple[DataFile, ...]]"


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
class Later:
    """A stage behind a boundary: what is gathered there is read by pipelines of its own."""

    blocking: Blocking | Pairs
    boundary: Stage
    pipelines: Callable[[Reader], tuple[Pipeline, ...]]


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of a stream, each behind what the one before gathers.

    A stage has a pipeline for each source from which it reads, one after the other.
    """

    first: tuple[Pipeline, ...]
    later: tuple[Later, ...]


class Further(Protocol):
    """Knows what becomes of the further sources of a stream; each is told once, in their order."""

    def meet(self, meeting: Meeting, beside: Opened, boundary: int) -> InOrder | Pairs:
        """Has records meet those of another source, in memory or at a boundary."""
        ...

    def follow(self, source: Opened) -> None:
        """The source's records come behind others."""
        ...


@dataclass(frozen=True, slots=True)
class Assembled:
    """A stream whose types are known; `result` are the columns that the sinks get.

    `inputs` are the sources of its transforms, in their order.
    """

    source: Opened
    inputs: tuple[Opened, ...]
    result: Schema
    _passing: tuple[_Passing, ...]

    def stages(self, further: Further) -> Stages:
        """What runs, stage by stage; raises what `further` raises where it reads other sources."""
        section = _Section.of(self.source.reading, self.source.columns)
        sections, boundaries = [section], list[tuple[Blocking | Pairs, Stage]]()
        for one in self._passing:
            operator = _met(one, further, len(boundaries))
            if isinstance(operator, Confluence):
                section.join(operator, one)
                for source in one.inputs:
                    further.follow(source)
            elif isinstance(operator, Blocking | Pairs):
                boundaries.append((operator, one.boundary))
                section = section.behind(operator, one.boundary, one.leaving)
                sections.append(section)
            else:
                section.add(operator, one.boundary, one.leaving)
        later = zip(boundaries, sections[1:], strict=True)
        return Stages(
            first=sections[0].pipelines(self.source.reader),
            later=tuple(Later(*boundary, section.pipelines) for boundary, section in later),
        )


@dataclass(frozen=True, slots=True)
class _Passing:
    """A transform that records pass, and the columns that leave it."""

    operator: Rowwise | Keep | InOrder | Blocking | Awaiting | Confluence
    boundary: Stage
    leaving: Schema
    inputs: tuple[Opened, ...]


def _met(
    one: _Passing, further: Further, boundary: int
) -> Rowwise | Keep | InOrder | Blocking | Pairs | Confluence:
    """The operator of a transform that knows what it has to know of other sources."""
    if not isinstance(one.operator, Awaiting):
        return one.operator
    (beside,) = one.inputs
    return further.meet(one.operator.meet(beside.columns), beside, boundary)


def assemble(
    stream: Stream,
    scope: Scope,
    components: Components,
    callers: Callers,
    known: Sequence[Schema] = (),
    left: Left = lambda files: files,
) -> Assembled:
    """The stream over the files as they are now; raises Unfit and BadInput.

    `known` are the columns of all sources, where a part of the files was read with these before;
    `left` gives those files of the stream's own source that are to be read.
    """
    base = callers.base
    situation = Situation(replace(scope, source=True), DataFiles(base), folders=Folders(base))
    remembered, numbers = iter(known), count()

    def opened(operation: Operation, pointer: Pointer) -> Opened:
        columns = next(remembered, None)
        own = left if pointer == ("source",) else _at_once(operation, pointer)
        found = _opened(operation, pointer, situation, base, components, columns, own)
        return replace(found, number=next(numbers))

    source = opened(stream.source, ("source",))
    inputs: list[Opened] = []
    passing: list[_Passing] = []
    leaving = source.columns
    places = True
    for index, operation in enumerate(stream.transforms):
        component = components.transforms[operation.kind]
        own = tuple(
            opened(one, input_pointer(component, operation, index, number))
            for number, one in enumerate(operation.inputs)
        )
        here = replace(
            situation,
            scope=replace(scope, source=places),
            inputs=tuple(one.columns for one in own),
        )
        typed = component.rule(operation.arguments, leaving, here)
        _refuse(typed.faults, "transforms", index)
        operator = component.prepare(typed.arguments, leaving, here.scope)
        boundary = Stage(_UNCHANGED, operation.on_error, ("transforms", index), operation.kind)
        if isinstance(operator, Foreign):
            operator = callers.blocking(operator, leaving, boundary)
        passing.append(_Passing(operator, boundary, typed.schema, own))
        leaving = typed.schema
        inputs += own
        # What is made of many records has no place in a file any more.
        places = places and not isinstance(operator, Blocking) and not typed.placeless
    if stream.check is not None:
        judged = check_rule(plain(stream.check), leaving, replace(scope, source=places))
        _refuse(judged.faults, "check")
    return Assembled(source, tuple(inputs), leaving, tuple(passing))


def input_pointer(component: Transform, operation: Operation, index: int, number: int) -> Pointer:
    """The place in the step of a transform's further source."""
    at: Pointer = ("transforms", index, operation.kind)
    return (*at, number) if component.inputs == "many" else at


def _at_once(operation: Operation, pointer: Pointer) -> Left:
    """A further source gives all of its files; raises Unfit for one that would not."""
    if operation.arguments.get("incremental") is True:
        _refuse([again_and_again(("incremental",))], *pointer)
    return lambda files: files


def _opened(
    operation: Operation,
    pointer: Pointer,
    situation: Situation,
    base: Path,
    components: Components,
    known: Schema | None,
    left: Left,
) -> Opened:
    component = components.sources[operation.kind]
    typed = component.rule(operation.arguments, situation)
    missing = [Fault(NO_INPUT, message, (operation.kind,)) for message in typed.missing]
    _refuse((*typed.faults, *missing), *pointer)
    columns = known if known is not None else typed.schema
    files = left(expand(base, component.paths(typed.arguments), component.endings))
    return Opened(
        Stage(_UNCHANGED, operation.on_error, pointer, operation.kind),
        component.open(typed.arguments, columns, files),
        files,
        columns,
        0,
    )


_UNCHANGED = Rowwise(lambda frame: frame)


@dataclass(slots=True)
class _Feed:
    """The way of the records of one source through a section; None: of what was gathered."""

    source: Stage
    schema: Schema
    opened: Opened | None = None
    stages: list[Stage | InOrder] = field(default_factory=list)


@dataclass(slots=True)
class _Section:
    """The ways between two boundaries, and the columns that leave."""

    feeds: list[_Feed]
    leaving: Schema
    in_order: list[InOrder] = field(default_factory=list)
    computed: bool = False
    homeward: bool = False
    placed: bool = False

    @classmethod
    def of(cls, source: Stage, schema: Schema) -> _Section:
        return cls([_Feed(source, schema)], schema)

    def add(self, operator: Rowwise | Keep | InOrder, boundary: Stage, leaving: Schema) -> None:
        if isinstance(operator, InOrder):
            self.in_order.append(operator)
            self._all(operator)
        else:
            self._all(replace(boundary, operator=operator))
        self.leaving = leaving

    def join(self, confluence: Confluence, one: _Passing) -> None:
        """Records of further sources come behind the others."""
        own, *others = confluence.bring([source.columns for source in one.inputs])
        self.add(own, one.boundary, one.leaving)
        for source, operator in zip(one.inputs, others, strict=True):
            stage = replace(one.boundary, operator=operator)
            self.feeds.append(_Feed(source.reading, source.columns, source, [stage]))

    def behind(self, blocking: Blocking | Pairs, boundary: Stage, schema: Schema) -> _Section:
        """The next section, which reads what the boundary at the end of this one gives."""
        if isinstance(blocking, Pairs):
            self.computed = self.homeward = True
            return _Section.of(boundary, schema)
        if blocking.before is not None:
            self._all(replace(boundary, operator=blocking.before))
            self.computed = True
        self.placed = blocking.placed
        section = _Section.of(boundary, blocking.gives or schema)
        section.leaving = schema
        if blocking.after is not None:
            section.add(blocking.after, boundary, schema)
        return section

    def pipelines(self, reader: Reader) -> tuple[Pipeline, ...]:
        return tuple(self._pipeline(feed, reader) for feed in self.feeds)

    def _pipeline(self, feed: _Feed, reader: Reader) -> Pipeline:
        found, in_order = segments(feed.stages)
        slots = {id(operator): slot for slot, operator in enumerate(self.in_order)}
        return Pipeline(
            feed.opened.reader if feed.opened is not None else reader,
            feed.source,
            found,
            in_order,
            feed.schema,
            None if self.computed else self.leaving,
            homeward=self.homeward,
            placed=self.placed,
            slots=tuple(slots[id(operator)] for operator in in_order),
            input=feed.opened.number if feed.opened is not None else 0,
        )

    def _all(self, stage: Stage | InOrder) -> None:
        for feed in self.feeds:
            feed.stages.append(stage)


def open_writer(
    operation: Operation,
    schema: Schema,
    pointer: tuple[str | int, ...],
    base: Path,
    scope: Scope,
    components: Components,
) -> Writer:
    """A writer for these columns; raises Unfit where the format cannot hold them."""
    component = components.sinks[operation.kind]
    typed = component.rule(
        operation.arguments, schema, Situation(scope, DataFiles(base), folders=Folders(base))
    )
    _refuse(typed.faults, *pointer)
    where = destination(operation.kind, "", typed.arguments)
    kept = tuple(column for column in schema if column.name not in where.partition_by)
    return component.open(typed.arguments, Schema(kept), base)


def _refuse(faults: Iterable[Fault], *pointer: str | int) -> None:
    found = [fault.below(*pointer) for fault in faults]
    if found:
        raise Unfit(found)
