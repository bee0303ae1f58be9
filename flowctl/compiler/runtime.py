"""The names that become known when a step begins, with their types."""

from __future__ import annotations

from flowctl.compiler.stages import Linked
from flowctl.expressions.scope import Names
from flowctl.records import String
from flowctl.runtime_names import CELLS, RUN, STEP
from flowctl.syntax.node import MappingNode


def runtime_names(linked: Linked) -> dict[str, Names]:
    """What `if` and `${{ }}` may name: `steps`, `run` and `secrets`."""
    # An empty matrix leaves a name without cells.
    written = linked.expanded.document.root.get("steps")
    declared = written.names() if isinstance(written, MappingNode) else []
    steps: dict[str, dict[str, Names]] = {name: dict(CELLS) for name in declared}
    for linked_step in linked.steps:
        step = linked_step.step
        if step.id == step.name:
            steps[step.name] = dict(STEP)
        else:
            cell = step.id[len(step.name) + 1 : -1]
            steps.setdefault(step.name, dict(CELLS))[cell] = STEP
    secrets = {secret.name: String() for secret in linked.expanded.secrets}
    return {"steps": steps, "run": RUN, "secrets": secrets}
