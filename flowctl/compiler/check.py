"""Types the graph: which columns each step hands on, and whether all expressions fit.

Every component's own rule is asked, in the order in which records pass; its faults are told where
the author wrote the part. What cannot be known yet is a note, one for each cause.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, cast

from flowctl.compiler.anatomy import Part, hooks_of
from flowctl.compiler.control import control, resources_of
from flowctl.compiler.files import FilesOnce
from flowctl.compiler.following import refuse_waiting
from flowctl.compiler.needs import Names
from flowctl.compiler.runtime import runtime_names
from flowctl.compiler.stages import Body, Checked, Hooks, Linked, LinkedStep
from flowctl.compiler.streams import StreamTyper
from flowctl.compiler.texts import condition, texts_below
from flowctl.compiler.voice import Voice
from flowctl.component import Folders, Situation
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Report
from flowctl.expressions.scope import Constant, Scope
from flowctl.files.paths import DataFiles
from flowctl.plan import Moment, Operation
from flowctl.records import Boolean, Schema
from flowctl.registry import Registry

_BOOLEAN: Final = Boolean()


def check(linked: Linked, registry: Registry, report: Report) -> Checked:
    """Checks all steps in order of need; faults, and what stays unchecked, go into the report."""
    project = linked.expanded.document.project
    files = FilesOnce(DataFiles(project.base))
    folders = Folders(project.base, project.root)
    voice = Voice(report)
    streams = StreamTyper(
        registry, files, folders, voice, _ending_elsewhere(linked, report), _cells(linked)
    )
    actions = _Actions(registry, files, folders, voice)
    runtime = Scope(runtime=runtime_names(linked))
    resources = {one.name: one for one in resources_of(linked.expanded.resources, voice)}
    refuse_waiting(linked.steps, voice)
    schemas: dict[str, Schema] = {}
    bodies: dict[str, Body] = {}
    for step in linked.steps:
        constants = _constants(linked, step)
        guard = _condition(step, replace(runtime, constants=constants, status=True), voice)
        how = control(step.step.node, resources, voice)
        instead = None
        if step.parts.fallback is not None:
            instead = actions.typed(step.parts.fallback, replace(runtime, constants=constants))
            how = how if instead is not None else None
        hooks = actions.hooks(step.parts.hooks, replace(runtime, constants=constants))
        how = how if len(hooks) == len(step.parts.hooks) else None
        action = step.parts.action
        if step.step.node.get("source") is not None:
            work, schemas[step.step.id] = streams.typed(step, Scope(constants=constants), schemas)
            bodies[step.step.id] = Body(work, guard, how, instead, hooks)
        elif action is not None:
            done = actions.typed(action, replace(runtime, constants=constants))
            bodies[step.step.id] = Body(done, guard, how, instead, hooks)
    parts = hooks_of(linked.expanded.hooks, registry)
    own = actions.hooks(parts, replace(runtime, constants=linked.expanded.constants))
    return Checked(linked, bodies, schemas, tuple(resources.values()), own, parts)


def _ending_elsewhere(linked: Linked, report: Report) -> frozenset[str]:
    """The steps that need no sink; where a name was wrong, any step may have been meant."""
    if report.failed:
        return frozenset(step.step.id for step in linked.steps)
    return frozenset(read for step in linked.steps for read in step.reads)


def _cells(linked: Linked) -> Mapping[str, tuple[str, ...]]:
    """The ids for which the name of a step stands, in the order of its matrix."""
    names = Names.of(linked.expanded).cells
    return {name: tuple(step.id for step in steps) for name, steps in names.items()}


def _constants(linked: Linked, step: LinkedStep) -> Mapping[str, Constant]:
    constants = linked.expanded.constants
    return {**constants, "matrix": step.step.cell} if step.step.cell else constants


def _condition(step: LinkedStep, scope: Scope, voice: Voice) -> str | None:
    text = condition(step.step.node)
    return voice.expression(text, scope, _BOOLEAN) if text is not None else None


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
