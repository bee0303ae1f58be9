"""The last pass: from the checked graph to the plan, with the place of each of its parts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property

from flowctl.compiler.anatomy import Part
from flowctl.compiler.control import CONTROLS
from flowctl.compiler.stages import Checked, Expanded, LinkedStep
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Span
from flowctl.plan import Place, Plan, Secret, Step, from_folder, place_key
from flowctl.plan_file import sealed
from flowctl.syntax.node import MappingNode, Node, SequenceNode, to_json


def lower(checked: Checked) -> Plan | None:
    """The plan; None where something that it needs is not known."""
    expanded = checked.linked.expanded
    if not checked.complete:
        return None
    base = str(expanded.document.project.base)
    places = _Places(base)
    return sealed(
        Plan(
            name=expanded.name,
            steps=tuple(_Steps(checked, base)),
            params=expanded.params,
            resources=checked.resources,
            hooks=checked.hooks,
            outputs=tuple((one.name, one.value) for one in checked.outputs.known),
            secrets=tuple(_secrets(expanded, base)),
            about=expanded.about,
            positions={
                key: place for step in checked.linked.steps for key, place in places.of_step(step)
            }
            | {
                key: place
                for _, part in checked.hook_parts
                for key, place in places.of_part("", part)
            }
            | {
                key: place
                for workflow in expanded.workflows()
                for key, place in places.of_outputs(workflow)
            },
        )
    )


def _secrets(whole: Expanded, base: str) -> Iterator[Secret]:
    """The secrets of all workflows; those of one are seen only there."""
    for workflow in whole.workflows():
        folder = _folder(workflow, base)
        for secret in sorted(workflow.secrets, key=lambda secret: secret.name):
            found = replace(secret, within=workflow.within)
            if secret.source == "file":
                found = replace(found, location=from_folder(folder, secret.location))
            yield found


def _folder(workflow: Expanded, base: str) -> str:
    """The workflow's folder as seen from that of the run."""
    folder = os.path.relpath(workflow.document.project.base, base).replace(os.sep, "/")
    return "" if folder == "." else folder


@dataclass(frozen=True)
class _Steps:
    """Makes the steps of the plan, whose paths start at `base`."""

    checked: Checked
    base: str

    def __iter__(self) -> Iterator[Step]:
        return map(self._step, self.checked.linked.steps)

    def _step(self, step: LinkedStep) -> Step:
        body = self.checked.bodies[step.step.id]
        assert body.work is not None
        assert body.control is not None
        about = {name: step.step.node.get(name) for name in ("description", "labels")}
        done = Step(
            id=step.step.id,
            body=body.work,
            needs=step.needs,
            reads=step.reads,
            condition=body.condition,
            foreach=body.foreach,
            fallback=body.fallback,
            hooks=body.hooks,
            about={name: to_json(node) for name, node in about.items() if node is not None},
            within=step.step.within,
            folder=_folder(step.workflow, self.base),
        )
        done = body.control.laid_on(done)
        inherited = self._inherited(done.within)
        return replace(done, priority=done.priority + inherited) if inherited else done

    @cached_property
    def _within(self) -> Mapping[str, str]:
        return {step.step.id: step.step.within for step in self.checked.linked.steps}

    def _inherited(self, outer: str) -> int:
        """The priority of the steps around: what is in them comes as soon or late as they do."""
        found = 0
        while outer:
            control = self.checked.bodies[outer].control
            found += control.priority if control is not None else 0
            outer = self._within[outer]
        return found


class _Places:
    """Turns nodes into places that are the same wherever the workflow's folder stands."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._files: dict[str, str] = {}

    def of_step(self, step: LinkedStep) -> Iterator[tuple[str, Place]]:
        """The step's own name, its components, and each of their arguments."""
        id, parts = step.step.id, step.parts
        yield place_key(id), self._place(step.step.key.span)
        for name in ("if", "foreach", "max_rejects", *CONTROLS):
            entry = step.step.node.entry(name)
            if entry is not None:
                yield place_key(id, name), self._place(entry.value.span)
        check = step.step.node.entry("check")
        if check is not None:
            yield from self._below(check.value, id, "check")
        components = (
            *parts.sources,
            *parts.passing,
            *parts.outputs,
            *parts.actions,
            *(part for _, part in parts.hooks),
        )
        for part in components:
            if part is not None:
                yield from self.of_part(id, part)

    def of_part(self, id: str, part: Part) -> Iterator[tuple[str, Place]]:
        if part.pointer:
            yield place_key(id, *part.pointer), self._place(part.node.span)
        for entry in part.node.entries:
            below = (*part.pointer, entry.name)
            yield from self._below(entry.value, id, *below)
            if entry.value.span.file != entry.key.span.file:
                # What a `$ref` brings: the plan knows no chain, so it leads to who refers.
                yield place_key(id, *below), self._place(entry.key.span)
        for limb in part.limbs:
            if (when := limb.node.entry("when")) is not None:
                yield place_key(id, *limb.pointer, "when"), self._place(when.value.span)

    def of_outputs(self, workflow: Expanded) -> Iterator[tuple[str, Place]]:
        """What a workflow hands on, as a part of the step that uses it."""
        for entry in workflow.outputs.entries if workflow.outputs is not None else ():
            yield (
                place_key(workflow.within, "outputs", entry.name),
                self._place(entry.value.span),
            )

    def _below(self, node: Node, id: str, *pointer: str | int) -> Iterator[tuple[str, Place]]:
        yield place_key(id, *pointer), self._place(node.span)
        if isinstance(node, MappingNode):
            for entry in node.entries:
                yield place_key(id, *pointer, entry.name), self._place(entry.value.span)
        elif isinstance(node, SequenceNode):
            for index, item in enumerate(node.items):
                yield place_key(id, *pointer, index), self._place(item.span)

    def _place(self, span: Span) -> Place:
        file = self._files.get(span.file)
        if file is None:
            relative = os.path.relpath(span.file, self.base)
            file = self._files[span.file] = relative.replace(os.sep, "/")
        return Place(file, span.line, span.column, span.end_line, span.end_column)
