"""The last pass: from the checked graph to the plan, with the place of each of its parts."""

from __future__ import annotations

import os
from collections.abc import Iterator

from flowctl.compiler.anatomy import Part
from flowctl.compiler.control import CONTROLS
from flowctl.compiler.stages import Checked, LinkedStep
from flowctl.diagnostics import Span
from flowctl.plan import Place, Plan, Step
from flowctl.plan_file import sealed
from flowctl.syntax.node import MappingNode, Node, SequenceNode, to_json


def lower(checked: Checked) -> Plan | None:
    """The plan; None where something that it needs is not known."""
    expanded = checked.linked.expanded
    if not checked.complete:
        return None
    places = _Places(str(expanded.document.project.base))
    return sealed(
        Plan(
            name=expanded.name,
            steps=tuple(_step(step, checked) for step in checked.linked.steps),
            params=expanded.params,
            resources=checked.resources,
            hooks=checked.hooks,
            secrets=tuple(sorted(expanded.secrets, key=lambda secret: secret.name)),
            about=expanded.about,
            positions={
                key: place for step in checked.linked.steps for key, place in places.of_step(step)
            }
            | {
                key: place
                for _, part in checked.hook_parts
                for key, place in places.of_part("", part)
            },
        )
    )


def _step(step: LinkedStep, checked: Checked) -> Step:
    body = checked.bodies[step.step.id]
    assert body.work is not None
    assert body.control is not None
    about = {name: step.step.node.get(name) for name in ("description", "labels")}
    done = Step(
        id=step.step.id,
        body=body.work,
        needs=step.needs,
        reads=step.reads,
        condition=body.condition,
        fallback=body.fallback,
        hooks=body.hooks,
        about={name: to_json(node) for name, node in about.items() if node is not None},
    )
    return body.control.laid_on(done)


class _Places:
    """Turns nodes into places that are the same wherever the workflow's folder stands."""

    def __init__(self, base: str) -> None:
        self.base = base
        self._files: dict[str, str] = {}

    def of_step(self, step: LinkedStep) -> Iterator[tuple[str, Place]]:
        """The step's own name, its components, and each of their arguments."""
        id, parts = step.step.id, step.parts
        yield id, self._place(step.step.key.span)
        for name in ("if", "max_rejects", *CONTROLS):
            entry = step.step.node.entry(name)
            if entry is not None:
                yield f"{id}/{name}", self._place(entry.value.span)
        check = step.step.node.entry("check")
        if check is not None:
            yield from self._below(f"{id}/check", check.value)
        components = (
            *parts.sources,
            *parts.transforms,
            *parts.outputs,
            *parts.actions,
            *(part for _, part in parts.hooks),
        )
        for part in components:
            if part is not None:
                yield from self.of_part(id, part)

    def of_part(self, id: str, part: Part) -> Iterator[tuple[str, Place]]:
        key = "/".join([id, *map(str, part.pointer)])
        if part.pointer:
            yield key, self._place(part.node.span)
        for entry in part.node.entries:
            below = f"{key}/{entry.name}"
            yield from self._below(below, entry.value)
            if entry.value.span.file != entry.key.span.file:
                # What a `$ref` brings: the plan knows no chain, so it leads to who refers.
                yield below, self._place(entry.key.span)

    def _below(self, key: str, node: Node) -> Iterator[tuple[str, Place]]:
        yield key, self._place(node.span)
        if isinstance(node, MappingNode):
            for entry in node.entries:
                yield f"{key}/{entry.name}", self._place(entry.value.span)
        elif isinstance(node, SequenceNode):
            for index, item in enumerate(node.items):
                yield f"{key}/{index}", self._place(item.span)

    def _place(self, span: Span) -> Place:
        file = self._files.get(span.file)
        if file is None:
            relative = os.path.relpath(span.file, self.base)
            file = self._files[span.file] = relative.replace(os.sep, "/")
        return Place(file, span.line, span.column, span.end_line, span.end_column)
