"""The names that become known when a step begins, with their types."""

from __future__ import annotations

from typing import Final

from flowctl.compiler.stages import Linked
from flowctl.expressions.scope import Names
from flowctl.records import Boolean, DataType, Integer, List, String
from flowctl.syntax.node import MappingNode

_STEP: Final[dict[str, DataType]] = {
    "status": String(),
    "read": Integer(64),
    "written": Integer(64),
    "rejected": Integer(64),
    "sink": String(),
    "exit_code": Integer(64),
}
# Over the cells of a matrix counts are sums, and the rest are lists in the matrix's order.
_CELLS: Final[dict[str, DataType]] = {
    name: kind if name in ("read", "written", "rejected") else List(kind)
    for name, kind in _STEP.items()
}
_RUN: Final[dict[str, DataType]] = {
    "id": String(),
    "dir": String(),
    "failed": Boolean(),
    "attempt": Integer(64),
}


def runtime_names(linked: Linked) -> dict[str, Names]:
    """What `if` and `${{ }}` may name: `steps`, `run` and `secrets`."""
    # An empty matrix leaves a name without cells.
    written = linked.expanded.document.root.get("steps")
    declared = written.names() if isinstance(written, MappingNode) else []
    steps: dict[str, dict[str, Names]] = {name: dict(_CELLS) for name in declared}
    for linked_step in linked.steps:
        step = linked_step.step
        if step.id == step.name:
            steps[step.name] = dict(_STEP)
        else:
            cell = step.id[len(step.name) + 1 : -1]
            steps.setdefault(step.name, dict(_CELLS))[cell] = _STEP
    secrets = {secret.name: String() for secret in linked.expanded.secrets}
    return {"steps": steps, "run": _RUN, "secrets": secrets}
