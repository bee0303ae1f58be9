"""Checks what a step says beside `uses`, and what workflows that run together share."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from flowctl.codes.workflows import NOT_BESIDE_USES, RESOURCE_CLASH
from flowctl.compiler.anatomy import Part
from flowctl.compiler.handing_on import Outputs
from flowctl.compiler.stages import Expanded, LinkedStep
from flowctl.compiler.voice import Voice
from flowctl.diagnostics import Related
from flowctl.plan import Operation, Resource
from flowctl.syntax.node import Json, MappingNode

_THERE: Final = "say it on steps of that workflow, or under its `defaults`"
_REFUSED: Final[Mapping[str, tuple[str, str]]] = {
    "retry": ("its steps are tried again one by one", _THERE),
    "timeout": ("its steps are bounded one by one", _THERE),
    "pool": ("its steps take slots one by one", _THERE),
    "max_parallel": (
        "its steps run side by side with all others",
        "bound them by a `pool` that they share",
    ),
    "fallback": (
        "its steps fall back one by one",
        "say it there, or add a step with `if: failure()`",
    ),
    "cache": ("its steps are cached one by one", _THERE),
    "foreach": (
        "it is compiled before the run, which alone knows the items",
        "give it a `matrix` of values that are known before",
    ),
}


def refuse_beside(step: LinkedStep, voice: Voice) -> None:
    """Tells which keys of a step that uses a workflow mean nothing there, and why."""
    node = step.step.node
    hooks = node.get("hooks")
    for key, (why, help) in _REFUSED.items():
        entry = node.entry(key)
        if entry is not None:
            if any(frame.kind == "defaults" for frame in entry.key.trace):
                help = f"write `{key}: null` in the step, which takes the default away"
            message = f"`{key}` cannot stand beside `uses`: {why}"
            voice.at(NOT_BESIDE_USES, entry.key, message, help)
    retry = hooks.entry("retry") if isinstance(hooks, MappingNode) else None
    if retry is not None:
        message = "a step with `uses` is never tried again, and its hook `retry` never done"
        voice.at(NOT_BESIDE_USES, retry.key, message, _THERE)


def operation_of(part: Part, used: Expanded, outputs: Outputs, base: Path) -> Operation | None:
    """What the plan holds of the step itself; None where not all of it is known."""
    if not outputs.complete or not used.valued:
        return None
    file = os.path.relpath(used.document.path, base).replace(os.sep, "/")
    arguments: dict[str, Json] = {part.kind: file}
    if used.params:
        arguments["with"] = dict(used.params)
    if outputs.known:
        arguments["outputs"] = {
            one.name: {**one.schema, "value": one.value} for one in outputs.known
        }
    return Operation(part.kind, arguments)


def shared_resources(
    workflows: Sequence[Expanded], declared: Mapping[str, Mapping[str, Resource]], voice: Voice
) -> Iterable[Resource]:
    """The resources of all workflows of a run; of those with the same name there is one."""
    found: dict[str, tuple[Resource, Expanded]] = {}
    for workflow in reversed(workflows):
        for one in declared[workflow.within].values():
            first, user = found.setdefault(one.name, (one, workflow))
            if first != one:
                _clash(one.name, user, workflow, voice)
    return [one for one, _ in found.values()]


def _clash(name: str, first: Expanded, second: Expanded, voice: Voice) -> None:
    here = second.resources.entry(name) if second.resources is not None else None
    there = first.resources.entry(name) if first.resources is not None else None
    if here is None or there is None:
        return
    related = (Related(there.key.span, "the same resource is another one here"),)
    voice.report.say(
        RESOURCE_CLASH,
        here.key.span,
        f"the resource `{name}` is not the same in the workflows of this run",
        help="declare it alike, or give one of them another name",
        related=related,
        trace=here.key.trace,
    )
