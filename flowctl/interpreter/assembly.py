"""From a stream of the plan to pipelines: types are known now, so every rule is asked again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Protocol

from flowctl.checking import plain
from flowctl.checking import rule as check_rule
from flowctl.codes.environment import NO_INPUT
from flowctl.component import Folders, Situation, Source, Transform
from flowctl.component import Sink as SinkComponent
from flowctl.dataclass import dataclass
from flowctl.dataflow import Blocking, Foreign, InOrder, Operator, Reader, Rowwise, Writer
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.files.paths import DataFile, DataFiles, expand
from flowctl.interpreter.calling import Callers
from flowctl.interpreter.pipeline import Pipeline, Stage, segments
from flowctl.plan import Operation, Stream
from flowctl.records import Schema
from flowctl.sinking import destination


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


@dataclass(frozen=True, slots=True)
class Later:
    """A stage behind a blocking operator: what that gathers is read by a pipeline of its own."""

    blocking: Blocking
    boundary: Stage
    pipeline: Callable[[Reader], Pipeline]


@dataclass(frozen=True, slots=True)
class Assembled:
    """A stream in its stages; `result` are the columns that the sinks get.

    `files` are those that the source reads, `columns` what it hands on.
    """

    files: tuple[DataFile, ...]
    columns: Schema
    first: Pipeline
    later: tuple[Later, ...]
    result: Schema


def assemble(
    stream: Stream,
    scope: Scope,
    components: Components,
    callers: Callers,
    known: Schema | None = None,
) -> Assembled:
    """The stages over the files as they are now; raises Unfit and BadInput.

    `known` are the source's columns, where a part of the files was read with these before.
    """
    base = callers.base
    situation = Situation(replace(scope, source=True), DataFiles(base), folders=Folders(base))
    source = components.sources[stream.source.kind]
    typed = source.rule(stream.source.arguments, situation)
    missing = [Fault(NO_INPUT, message, (stream.source.kind,)) for message in typed.missing]
    _refuse((*typed.faults, *missing), "source")
    reading = Stage(_UNCHANGED, stream.source.on_error, ("source",), stream.source.kind)
    columns = known if known is not None else typed.schema
    section = _Section(reading, columns, columns)
    sections = [section]
    boundaries: list[tuple[Blocking, Stage]] = []
    for index, operation in enumerate(stream.transforms):
        operator, leaving = _transform(operation, index, section.leaving, situation, components)
        boundary = Stage(_UNCHANGED, operation.on_error, ("transforms", index), operation.kind)
        if isinstance(operator, Foreign):
            operator = callers.blocking(operator, section.leaving, boundary)
        if isinstance(operator, Blocking):
            boundaries.append((operator, boundary))
            section = section.behind(operator, boundary, leaving)
            sections.append(section)
            # What leaves is made of many records, and has no place in a file any more.
            situation = replace(situation, scope=replace(situation.scope, source=False))
        else:
            section.stages.append(
                operator if isinstance(operator, InOrder) else replace(boundary, operator=operator)
            )
            section.leaving = leaving
    if stream.check is not None:
        judged = check_rule(plain(stream.check), section.leaving, situation.scope)
        _refuse(judged.faults, "check")
    files = expand(base, source.paths(typed.arguments), source.endings)
    reader = source.open(typed.arguments, columns, base)
    later = zip(boundaries, sections[1:], strict=True)
    return Assembled(
        files=files,
        columns=columns,
        first=sections[0].pipeline(reader),
        later=tuple(Later(*boundary, section.pipeline) for boundary, section in later),
        result=section.leaving,
    )


_UNCHANGED = Rowwise(lambda frame: frame)


@dataclass(slots=True)
class _Section:
    """The stages between two blocking operators, and the columns that come and leave."""

    source: Stage
    schema: Schema
    leaving: Schema
    stages: list[Stage | InOrder] = field(default_factory=list)
    computed: bool = False

    def behind(self, blocking: Blocking, boundary: Stage, schema: Schema) -> _Section:
        """The next section, which reads what the blocking operator at the end of this one gives."""
        if blocking.before is not None:
            self.stages.append(replace(boundary, operator=blocking.before))
            self.computed = True
        section = _Section(boundary, blocking.gives or schema, schema)
        if blocking.after is not None:
            section.stages.append(replace(boundary, operator=blocking.after))
        return section

    def pipeline(self, reader: Reader) -> Pipeline:
        found, in_order = segments(self.stages)
        leaving = None if self.computed else self.leaving
        return Pipeline(reader, self.source, found, in_order, self.schema, leaving)


def _transform(
    operation: Operation, index: int, schema: Schema, situation: Situation, components: Components
) -> tuple[Operator, Schema]:
    component = components.transforms[operation.kind]
    typed = component.rule(operation.arguments, schema, situation)
    _refuse(typed.faults, "transforms", index)
    return component.prepare(typed.arguments, schema, situation.scope), typed.schema


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
