"""Types the graph: which columns each step hands on, and whether all expressions fit.

Every component's own rule is asked, in the order in which records pass; its faults are told where
the author wrote the part. What cannot be known yet is a note, one for each cause.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final, cast

from flowctl.compiler.anatomy import Part, hooks_of
from flowctl.compiler.caching import refuse_uncacheable
from flowctl.compiler.control import control, resources_of
from flowctl.compiler.fanning import ABSENT, fan_of, once
from flowctl.compiler.files import FilesOnce
from flowctl.compiler.following import refuse_waiting
from flowctl.compiler.handing_on import Outputs, outputs_of
from flowctl.compiler.needs import Names
from flowctl.compiler.runtime import runtime_names
from flowctl.compiler.stages import Body, Checked, Expanded, Hooks, Linked, LinkedStep
from flowctl.compiler.streams import StreamTyper
from flowctl.compiler.texts import condition, texts_below
from flowctl.compiler.using import operation_of, refuse_beside, shared_resources
from flowctl.compiler.voice import Voice
from flowctl.component import Folders, Situation, find_code
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Report
from flowctl.expressions.scope import Constant, Scope
from flowctl.files.paths import DataFiles
from flowctl.plan import Moment, Operation, Resource
from flowctl.records import Boolean, Schema, Unknown
from flowctl.registry import Registry

_BOOLEAN: Final = Boolean()


def check(linked: Linked, registry: Registry, report: Report) -> Checked:
    """Checks all steps in order of need; faults, and what stays unchecked, go into the report."""
    voice = Voice(report)
    workflows = [*linked.expanded.workflows()]
    resources = {
        one.within: {found.name: found for found in resources_of(one.resources, voice)}
        for one in workflows
    }
    rooms = _rooms(linked, workflows, resources, registry, voice)
    refuse_waiting(linked.steps, voice)
    schemas: dict[str, Schema] = {}
    bodies: dict[str, Body] = {}
    for step in linked.steps:
        body = rooms[step.workflow.within].body(step, schemas)
        if body is not None:
            bodies[step.step.id] = body
    whole = rooms[linked.expanded.within]
    parts = hooks_of(linked.expanded.hooks, registry)
    own = whole.actions.hooks(parts, replace(whole.scope, constants=linked.expanded.constants))
    shared = tuple(shared_resources(workflows, resources, voice))
    return Checked(linked, bodies, schemas, shared, own, parts, whole.outputs)


def _rooms(
    linked: Linked,
    workflows: Sequence[Expanded],
    resources: Mapping[str, Mapping[str, Resource]],
    registry: Registry,
    voice: Voice,
) -> dict[str, _Room]:
    """The room of each workflow by what it is within; what is used is known before who uses it."""
    elsewhere = _ending_elsewhere(linked, voice.report)
    steps: dict[str, list[LinkedStep]] = {workflow.within: [] for workflow in workflows}
    for step in linked.steps:
        steps[step.workflow.within].append(step)
    files: dict[Path, FilesOnce] = {}
    rooms: dict[str, _Room] = {}
    code = cache(find_code)
    for workflow in workflows:
        own, project = steps[workflow.within], workflow.document.project
        once = files.setdefault(project.base, FilesOnce(DataFiles(project.base)))
        folders = Folders(project.base, project.root, code)
        handed_on = {
            step.step.id: rooms[step.step.id].outputs.names()
            if step.step.id in rooms
            else Unknown()
            for step in own
            if _composite(step, registry)
        }
        scope = Scope(runtime=runtime_names(workflow, own, handed_on), absent=ABSENT)
        outputs = outputs_of(workflow.outputs, replace(scope, constants=workflow.constants), voice)
        rooms[workflow.within] = _Room(
            workflow,
            scope,
            resources[workflow.within],
            outputs,
            StreamTyper(registry, once, folders, voice, elsewhere, _cells(workflow)),
            _Actions(registry, once, folders, voice),
            {id: room for id, room in rooms.items() if id in workflow.used},
            linked.expanded.document.project.base,
        )
    return rooms


def _composite(step: LinkedStep, registry: Registry) -> bool:
    action = step.parts.action
    return action is not None and registry.actions[action.kind].composite


@dataclass(frozen=True, slots=True)
class _Room:
    """What the steps of one workflow are checked by, and what it hands on.

    `scope` has the names that become known at run time; `used` are the rooms of the workflows that
    its steps use. The plan's paths start at `base`.
    """

    workflow: Expanded
    scope: Scope
    resources: Mapping[str, Resource]
    outputs: Outputs
    streams: StreamTyper
    actions: _Actions
    used: Mapping[str, _Room]
    base: Path

    def body(self, step: LinkedStep, schemas: dict[str, Schema]) -> Body | None:
        """The checked step; a stream's columns are added to the schemas."""
        voice = self.actions.voice
        constants = _constants(step)
        scope = replace(self.scope, constants=constants)
        guard = _condition(step, scope, voice)
        how = control(step.step.node, self.resources, voice)
        refuse_uncacheable(step, self.actions.registry, self.base.as_posix(), voice)
        action = step.parts.action
        if action is not None and self.actions.registry.actions[action.kind].composite:
            hooks = self.actions.hooks(step.parts.hooks, scope)
            how = how if len(hooks) == len(step.parts.hooks) else None
            return Body(self._using(step, action), guard, how, hooks=hooks)
        fan, beside = fan_of(step, scope, voice), scope
        if fan is not None:
            scope, beside = fan.cell(scope), fan.hook(scope, step)
            how = how if fan.expression is not None else None
        instead = None
        if step.parts.fallback is not None:
            instead = self.actions.typed(step.parts.fallback, scope)
            how = how if instead is not None else None
        hooks = self.actions.hooks(step.parts.hooks, beside)
        how = how if len(hooks) == len(step.parts.hooks) else None
        if step.step.node.get("source") is not None:
            scope = Scope(constants=constants)
            typed = self.streams.typed(step, scope, schemas)
            schemas |= typed.schemas
            return Body(typed.stream, guard, how, instead, hooks)
        if action is None:
            return None
        over = fan.expression if fan is not None else None
        return Body(self.actions.typed(action, scope), guard, how, instead, hooks, over)

    def _using(self, step: LinkedStep, action: Part) -> Operation | None:
        refuse_beside(step, self.actions.voice)
        room = self.used.get(step.step.id)
        if room is None:
            return None
        return operation_of(action, room.workflow, room.outputs, self.base)


def _ending_elsewhere(linked: Linked, report: Report) -> frozenset[str]:
    """The steps that need no sink; where a name was wrong, any step may have been meant."""
    if report.failed:
        return frozenset(step.step.id for step in linked.steps)
    within = {step.step.id: step.step.within for step in linked.steps}
    return frozenset(
        read
        for step in linked.steps
        for read in step.reads
        if within[read] == step.step.within  # else a step that uses a workflow reads what is in it
    )


def _cells(workflow: Expanded) -> Mapping[str, tuple[str, ...]]:
    """The ids for which the name of a step stands, in the order of its matrix."""
    names = Names.of(workflow).cells
    return {name: tuple(step.id for step in steps) for name, steps in names.items()}


def _constants(step: LinkedStep) -> Mapping[str, Constant]:
    constants = step.workflow.constants
    return {**constants, "matrix": step.step.cell} if step.step.cell else constants


def _condition(step: LinkedStep, scope: Scope, voice: Voice) -> str | None:
    text = condition(step.step.node)
    if text is None:
        return None
    return voice.expression(text, replace(once(step, scope), status=True), _BOOLEAN)


@dataclass(frozen=True, slots=True)
class _Actions:
    """Checks the steps that are no streams."""

    registry: Registry
    files: FilesOnce
    folders: Folders
    voice: Voice

    def hooks(self, parts: tuple[tuple[str, Part], ...], scope: Scope) -> Hooks:
        """The hooks of which all is known."""
        typed = [(moment, self.typed(part, scope)) for moment, part in parts]
        return tuple((cast("Moment", moment), done) for moment, done in typed if done is not None)

    def typed(self, part: Part, scope: Scope) -> Operation | None:
        if part.arguments is None:
            # Its rule is not asked, but what is known of it can be checked all the same.
            for text in texts_below(part.kind, part.node):
                self.voice.expression(text, scope)
            return None
        situation = Situation(scope, self.files, folders=self.folders)
        typed = self.registry.actions[part.kind].rule(part.arguments, situation)
        self.voice.faults(part, typed.faults)
        self.voice.unchecked(part, typed.missing)
        return Operation(part.kind, typed.arguments)
