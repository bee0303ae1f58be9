"""From a stream of the plan to pipelines: types are known now, so every rule is asked again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field, replace
from itertools import count
from pathlib import Path
from typing import TypeAlias

from flowctl.checking import plain
from flowctl.checking import rule as check_rule
from flowctl.codes.environment import NO_INPUT
from flowctl.component import Folders, Situation
from flowctl.dataclass import dataclass
from flowctl.dataflow import Writer
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.files.paths import DataFile, DataFiles, expand
from flowctl.interpreter.calling import Callers
from flowctl.interpreter.components import Components, input_pointer
from flowctl.interpreter.pipeline import Stage
from flowctl.interpreter.sections import Course, Opened, Passing
from flowctl.operators import Blocking, Foreign, Parting, Rowwise
from flowctl.plan import Operation, Placed, Stream, branch_pointer, placed_sinks
from flowctl.records import Schema, common_columns
from flowctl.sinking import destination
from flowctl.sourcing import again_and_again, never_ends_beside
from flowctl.syntax.node import Pointer


class Unfit(Exception):
    """The rules refuse what the data turn out to be; the faults' pointers start at the step."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = tuple(faults)


Left: TypeAlias = "Callable[[tuple[DataFile, ...]], tuple[DataFile, ...]]"


@dataclass(frozen=True, slots=True)
class Assembled:
    """A stream whose types are known; `checked` are the columns that its check sees."""

    source: Opened
    course: Course
    checked: Schema


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
    assembling = _Assembling(callers.base, scope, components, callers, iter(known), left)
    source = assembling.opened(stream.source, ("source",))
    course = assembling.course(stream.transforms, (), source.columns, places=True)
    if not course.branches:
        course = replace(course, sinks=tuple(placed_sinks(stream.sinks, ())))
    checked = common_columns([end.result for end in course.ends])
    if stream.check is not None:
        judged = check_rule(plain(stream.check), checked, scope)
        _refuse(judged.faults, "check")
    return Assembled(source, course, checked)


@dataclass(slots=True)
class _Assembling:
    """Opens what a stream reads, in order, and prepares its transforms."""

    base: Path
    scope: Scope
    components: Components
    callers: Callers
    known: Iterator[Schema]
    left: Left
    _numbers: count[int] = field(default_factory=count)

    def opened(self, operation: Operation, pointer: Pointer) -> Opened:
        """The next of the sources; raises Unfit and BadInput."""
        columns = next(self.known, None)
        own = self.left if pointer == ("source",) else _at_once(operation, pointer)
        situation = self._situation(places=True)
        found = _opened(operation, pointer, situation, self.callers, self.components, columns, own)
        return replace(found, number=next(self._numbers))

    def course(
        self, transforms: Sequence[Operation], below: Pointer, leaving: Schema, *, places: bool
    ) -> Course:
        """Transforms one after the other; `places` tells whether records have one in a file."""
        passing: list[Passing] = []
        for index, operation in enumerate(transforms):
            transform = Placed(operation, (*below, "transforms", index))
            component = self.components.transforms[operation.kind]
            own = tuple(
                self.opened(one, input_pointer(component, transform, number))
                for number, one in enumerate(operation.inputs)
            )
            here = replace(self._situation(places=places), inputs=tuple(one.columns for one in own))
            typed = component.rule(operation.arguments, leaving, here)
            _refuse(typed.faults, *transform.pointer)
            operator = component.prepare(typed.arguments, leaving, here.scope)
            boundary = Stage(_UNCHANGED, operation.on_error, transform.pointer, operation.kind)
            if isinstance(operator, Foreign):
                operator = self.callers.blocking(operator, leaving, boundary)
            if isinstance(operator, Parting):
                passing.append(Passing(operator.choose, boundary, typed.schema, own))
                branches = self._branches(transform, typed.schema, places=places)
                return Course(tuple(passing), typed.schema, branches=branches)
            passing.append(Passing(operator, boundary, typed.schema, own))
            leaving = typed.schema
            # What is made of many records has no place in a file any more.
            places = places and not isinstance(operator, Blocking) and not typed.placeless
        return Course(tuple(passing), leaving)

    def _branches(self, parting: Placed, leaving: Schema, *, places: bool) -> tuple[Course, ...]:
        found: list[Course] = []
        for branch in parting.operation.branches:
            at = branch_pointer(parting, branch)
            course = self.course(branch.transforms, at, leaving, places=places)
            found.append(replace(course, sinks=tuple(placed_sinks(branch.sinks, at))))
        return tuple(found)

    def _situation(self, *, places: bool) -> Situation:
        scope = replace(self.scope, source=places)
        return Situation(scope, DataFiles(self.base), folders=Folders(self.base))


def _at_once(operation: Operation, pointer: Pointer) -> Left:
    """A further source gives all of its files; raises Unfit for one that would not."""
    if operation.arguments.get("incremental") is True:
        _refuse([again_and_again(("incremental",))], *pointer)
    if operation.arguments.get("follow") is True:
        _refuse([never_ends_beside()], *pointer)
    return lambda files: files


def _opened(
    operation: Operation,
    pointer: Pointer,
    situation: Situation,
    callers: Callers,
    components: Components,
    known: Schema | None,
    left: Left,
) -> Opened:
    component = components.sources[operation.kind]
    typed = component.rule(operation.arguments, situation)
    missing = [Fault(NO_INPUT, message, (operation.kind,)) for message in typed.missing]
    follows = operation.arguments.get("follow") is True
    if follows and known is not None:
        missing = []
    _refuse((*typed.faults, *missing), *pointer)
    columns = known if known is not None else typed.schema
    paths = component.paths(typed.arguments)
    # A file that is followed need not be there yet.
    files = (
        tuple(DataFile(callers.base / path, path) for path in paths)
        if follows
        else left(expand(callers.base, paths, component.endings))
    )
    if component.yields is not None:
        from flowctl.interpreter.yielded import YieldedReader

        reader = YieldedReader.of(component.yields(typed.arguments), columns, callers, pointer)
    else:
        reader = component.open(typed.arguments, columns, files)
    return Opened(
        Stage(_UNCHANGED, operation.on_error, pointer, operation.kind),
        reader,
        files,
        columns,
        0,
    )


_UNCHANGED = Rowwise(lambda frame: frame)


def open_writer(
    sink: Placed,
    schema: Schema,
    base: Path,
    scope: Scope,
    components: Components,
) -> Writer:
    """A writer for these columns; raises Unfit where the format cannot hold them."""
    component = components.sinks[sink.operation.kind]
    typed = component.rule(
        sink.operation.arguments, schema, Situation(scope, DataFiles(base), folders=Folders(base))
    )
    _refuse(typed.faults, *sink.pointer)
    where = destination(sink.operation.kind, "", typed.arguments)
    kept = tuple(column for column in schema if column.name not in where.partition_by)
    return component.open(typed.arguments, Schema(kept), base)


def _refuse(faults: Iterable[Fault], *pointer: str | int) -> None:
    found = [fault.below(*pointer) for fault in faults]
    if found:
        raise Unfit(found)
