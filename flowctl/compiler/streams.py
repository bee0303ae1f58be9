"""Types a stream step: source, transforms and sinks in the order in which records pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from typing import Final, NamedTuple, TypeAlias, TypeVar

from flowctl.checking import rule as check_rule
from flowctl.compiler.anatomy import Limb, Part, arguments_of
from flowctl.compiler.diagnose import diagnosed
from flowctl.compiler.files import NO_FILES
from flowctl.compiler.following import refuse_what_waits
from flowctl.compiler.handed import as_option, handed_columns, steps_read
from flowctl.compiler.losses import (
    limit_of_rejects,
    refuse_behind_branches,
    refuse_partitioned_rejects,
    refuse_runtime_texts,
    warn_of_losses,
)
from flowctl.compiler.stages import LinkedStep
from flowctl.compiler.voice import Voice
from flowctl.component import Files, Folders, Situation, Source, Typed
from flowctl.dataclass import dataclass
from flowctl.expressions.scope import Scope
from flowctl.plan import Branch, OnError, Operation, Stream, canonical, stream_id
from flowctl.records import UNKNOWN_SCHEMA, Schema, common_columns
from flowctl.registry import Registry
from flowctl.sourcing import again_and_again, never_ends_beside, yields_beside
from flowctl.syntax.node import Json, MappingNode, Pointer, ScalarNode

_ON_ERROR: Final[dict[object, OnError]] = {"skip": "skip", "reject": "reject"}
_Known: TypeAlias = "dict[tuple[str, str, Schema, str], Typed]"
_P = TypeVar("_P", Operation, Branch)


class TypedStream(NamedTuple):
    """A stream for the plan, or None where a part of it is unknown.

    `schemas` are the columns that it hands on, those of branches by `stream_id`.
    """

    stream: Stream | None
    schemas: Mapping[str, Schema]


class _TypedPart(NamedTuple):
    """`placeless`: what leaves is made of many records, and has no place in a file any more."""

    operation: Operation | None
    schema: Schema
    placeless: bool = False


class _TypedCourse(NamedTuple):
    """Transforms, and the columns behind them; or those at the ends of the last one's branches.

    `whole` are the places of those that see all records before any leaves.
    """

    operations: Sequence[Operation | None]
    schema: Schema
    whole: frozenset[Pointer]
    ends: Mapping[str, Schema]


class _TypedArm(NamedTuple):
    """A branch for the plan, or None where a part of it is unknown; and the columns at its ends."""

    branch: Branch | None
    whole: frozenset[Pointer]
    ends: Mapping[str, Schema]


@dataclass(frozen=True, slots=True)
class StreamTyper:
    """Asks each component's rule; equal questions, as matrix cells have them, are asked once."""

    registry: Registry
    files: Files
    folders: Folders
    voice: Voice
    ends_elsewhere: frozenset[str]
    cells: Mapping[str, tuple[str, ...]]
    _known: _Known = field(default_factory=dict)

    def typed(self, step: LinkedStep, scope: Scope, schemas: Mapping[str, Schema]) -> TypedStream:
        """Types one step; `schemas` holds what the steps before it hand on."""
        given = {name: schemas[name] for name in step.reads if name in schemas}
        situation = Situation(replace(scope, source=True), self.files, given, self.folders)
        own = step.parts.source
        source = self._source(own, step, situation, schemas) if own is not None else None
        schema = source.schema if source is not None else UNKNOWN_SCHEMA
        course = self._course(step.parts.transforms, schema, situation, step, schemas)
        handed = {step.step.id: UNKNOWN_SCHEMA if course.ends else course.schema, **course.ends}
        sinks = [self._sink(part, course.schema, situation) for part in step.parts.sinks]
        rejects = [
            self._sink(part, UNKNOWN_SCHEMA, situation)
            for part in (step.parts.rejects,)
            if part is not None
        ]
        refuse_partitioned_rejects(step, self.voice)
        refuse_behind_branches(step, self.voice)
        warn_of_losses(step, self.ends_elsewhere, self.voice)
        refuse_what_waits(step, course.whole, self.registry, self.voice)
        refuse_runtime_texts(step, self.voice)
        limit = limit_of_rejects(step, self.voice)
        stream = _stream(step, source, course.operations, sinks, rejects, limit)
        checked = common_columns([*course.ends.values()] or [course.schema])
        return TypedStream(self._checked(stream, step, checked, situation), handed)

    def _course(
        self,
        parts: Sequence[Part | None],
        schema: Schema,
        situation: Situation,
        step: LinkedStep,
        schemas: Mapping[str, Schema],
    ) -> _TypedCourse:
        """Transforms one after the other, up to one behind which records go on in branches."""
        operations: list[Operation | None] = []
        whole = frozenset[Pointer]()
        for part in parts:
            found = self._transform(part, schema, situation, step, schemas)
            schema = found.schema
            if found.placeless and part is not None:
                whole |= {part.pointer}
            if found.placeless:
                situation = replace(situation, scope=replace(situation.scope, source=False))
            if part is not None and part.limbs:
                arms = [self._arm(limb, schema, situation, step, schemas) for limb in part.limbs]
                operations.append(_parting(found.operation, [arm.branch for arm in arms]))
                ends = {name: end for arm in arms for name, end in arm.ends.items()}
                return _TypedCourse(
                    operations, schema, whole.union(*(arm.whole for arm in arms)), ends
                )
            operations.append(found.operation)
        return _TypedCourse(operations, schema, whole, {})

    def _arm(
        self,
        limb: Limb,
        schema: Schema,
        situation: Situation,
        step: LinkedStep,
        schemas: Mapping[str, Schema],
    ) -> _TypedArm:
        """One of the branches."""
        course = self._course(limb.transforms, schema, situation, step, schemas)
        sinks = [self._sink(part, course.schema, situation) for part in limb.sinks]
        transforms, written = _known(course.operations), _known(sinks)
        branch = None
        if transforms is not None and written is not None:
            branch = Branch(str(limb.key.value), transforms, written)
        ends = course.ends or {stream_id(step.step.id, limb.pointer): course.schema}
        return _TypedArm(branch, course.whole, ends)

    def _checked(
        self, stream: Stream | None, step: LinkedStep, schema: Schema, situation: Situation
    ) -> Stream | None:
        """The stream with what must hold of its output."""
        node = step.step.node.get("check")
        if not isinstance(node, MappingNode):
            return stream if node is None else None
        arguments = arguments_of(node)
        if arguments is None:
            return None
        checked = check_rule(arguments, schema, situation.scope)
        for fault in checked.faults:
            self.voice.report.add(diagnosed(fault, node))
        return replace(stream, check=checked.check) if stream is not None else None

    def _source(
        self, part: Part, step: LinkedStep, situation: Situation, schemas: Mapping[str, Schema]
    ) -> Typed | None:
        if part.arguments is None:
            return None
        component = self.registry.sources[part.kind]
        writers = step.writers.get(part.pointer, {})
        handed = handed_columns(part, writers, schemas)
        arguments = part.arguments
        if part.kind == "step":
            arguments = {"step": steps_read(part, self.cells, situation.steps, self.voice)}
        if handed is not None and "columns" in component.spec.options:
            arguments = {**arguments, "columns": as_option(handed)}
        if writers and all(writers.values()):
            # What these files hold today is what an earlier run left there.
            situation = replace(situation, files=NO_FILES)
        typed = self._asked(component, arguments, situation)
        self.voice.faults(part, typed.faults)
        if not any(writers.values()):
            self.voice.unchecked(part, typed.missing)
        if handed is not None:
            return replace(typed, schema=handed)
        if typed.faults and not typed.schema.open:
            return replace(typed, schema=replace(typed.schema, open=True))
        return typed

    def _asked(self, component: Source, arguments: dict[str, Json], situation: Situation) -> Typed:
        """The rule's answer. A file is looked at once, however many steps read it."""
        if situation.steps:
            return component.rule(arguments, situation)
        files = "none" if situation.files is NO_FILES else "all"
        question = (component.spec.kind, canonical(arguments), UNKNOWN_SCHEMA, files)
        typed = self._known.get(question)
        if typed is None:
            constants = situation.scope.constants
            if "matrix" in constants:
                shared = {name: value for name, value in constants.items() if name != "matrix"}
                scope = replace(situation.scope, constants=shared)
                situation = replace(situation, scope=scope)
            typed = self._known[question] = component.rule(arguments, situation)
        return typed

    def _transform(
        self,
        part: Part | None,
        schema: Schema,
        situation: Situation,
        step: LinkedStep,
        schemas: Mapping[str, Schema],
    ) -> _TypedPart:
        if part is None:
            return _TypedPart(None, UNKNOWN_SCHEMA)
        component = self.registry.transforms[part.kind]
        blocking = component.order == "blocking"
        inputs = self._inputs(part, step, situation, schemas)
        if part.arguments is None or inputs is None:
            return _TypedPart(None, UNKNOWN_SCHEMA, blocking)
        if inputs:
            situation = replace(situation, inputs=tuple(found.schema for _, found in inputs))
            typed = component.rule(part.arguments, schema, situation)
        else:
            typed = self._asked_transform(part, part.arguments, schema, situation, step)
        self.voice.faults(part, typed.faults)
        self.voice.unchecked(part, typed.missing)
        operation = replace(
            _operation(part, typed),
            inputs=tuple(_operation(one, found) for one, found in inputs),
        )
        return _TypedPart(operation, typed.schema, blocking or typed.placeless)

    def _asked_transform(
        self,
        part: Part,
        arguments: dict[str, Json],
        schema: Schema,
        situation: Situation,
        step: LinkedStep,
    ) -> Typed:
        """The rule's answer; cells of a matrix ask the same again and again."""
        cell = canonical(step.step.cell) if step.step.cell else ""
        place = f"{cell} {situation.scope.source}"
        question = (part.kind, canonical(arguments), schema, place)
        typed = self._known.get(question)
        if typed is None:
            rule = self.registry.transforms[part.kind].rule
            typed = self._known[question] = rule(arguments, schema, situation)
        return typed

    def _inputs(
        self, part: Part, step: LinkedStep, situation: Situation, schemas: Mapping[str, Schema]
    ) -> list[tuple[Part, Typed]] | None:
        """The further sources of a transform; None where one is not known."""
        situation = replace(situation, scope=replace(situation.scope, source=True))
        found = [
            (one, typed)
            for one in part.inputs
            if one is not None
            and (typed := self._source(one, step, situation, schemas)) is not None
        ]
        for one, typed in found:
            if typed.arguments.get("incremental") is True:
                self.voice.faults(one, (again_and_again(("incremental",)),))
            if typed.arguments.get("follow") is True:
                self.voice.faults(one, (never_ends_beside(),))
            if self.registry.sources[one.kind].yields is not None:
                self.voice.faults(one, (yields_beside(),))
        return found if len(found) == len(part.inputs) else None

    def _sink(self, part: Part, schema: Schema, situation: Situation) -> Operation | None:
        if part.arguments is None:
            return None
        typed = self.registry.sinks[part.kind].rule(part.arguments, schema, situation)
        self.voice.faults(part, typed.faults)
        self.voice.unchecked(part, typed.missing)
        return _operation(part, typed)


def _operation(part: Part, typed: Typed) -> Operation:
    policy = part.node.get("on_error")
    chosen = policy.value if isinstance(policy, ScalarNode) else None
    arguments = {name: value for name, value in typed.arguments.items() if name != "on_error"}
    return Operation(part.kind, arguments, _ON_ERROR.get(chosen, "fail"))


def _parting(operation: Operation | None, branches: Sequence[Branch | None]) -> Operation | None:
    """A transform with all of its branches, if they are known."""
    known = _known(branches)
    return None if operation is None or known is None else replace(operation, branches=known)


def _known(parts: Sequence[_P | None]) -> tuple[_P, ...] | None:
    """The parts, if all of them are known."""
    found = tuple(part for part in parts if part is not None)
    return found if len(found) == len(parts) else None


def _stream(
    step: LinkedStep,
    source: Typed | None,
    transforms: Sequence[Operation | None],
    sinks: Sequence[Operation | None],
    rejects: Sequence[Operation | None],
    limit: str | None,
) -> Stream | None:
    """The body for the plan, if all of its parts are known."""
    part = step.parts.source
    if part is None or source is None or not step.parts.complete:
        return None
    through, written, aside = _known(transforms), _known(sinks), _known(rejects)
    if through is None or written is None or aside is None:
        return None
    return Stream(
        source=_operation(part, source),
        transforms=through,
        sinks=written,
        rejects=aside[0] if aside else None,
        max_rejects=limit,
        observed=tuple(
            (column.name, f"{column.type}{'?' if column.nullable else ''}")
            for column in source.observed
        ),
    )
