"""The names that become known when a step begins, with their types."""

from __future__ import annotations

from flowctl.compiler.stages import Linked, LinkedStep
from flowctl.expressions.scope import Names
from flowctl.records import String
from flowctl.runtime_names import RUN, cells_names, outputs_names, step_names
from flowctl.syntax.node import MappingNode


def runtime_names(linked: Linked) -> dict[str, Names]:
    """What `if` and `${{ }}` may name: `steps`, `run` and `secrets`."""
    # An empty matrix leaves a name without cells.
    written = linked.expanded.document.root.get("steps")
    declared = written.names() if isinstance(written, MappingNode) else []
    steps: dict[str, dict[str, Names]] = {name: cells_names(None) for name in declared}
    cells: dict[str, dict[str, Names]] = {}
    for linked_step in linked.steps:
        step = linked_step.step
        outputs = _outputs(linked_step)
        if step.id == step.name:
            steps[step.name] = step_names(outputs)
        else:
            # All cells declare the same outputs.
            cell = step.id[len(step.name) + 1 : -1]
            cells.setdefault(step.name, cells_names(outputs))[cell] = step_names(outputs)
    steps |= cells
    secrets = {secret.name: String() for secret in linked.expanded.secrets}
    return {"steps": steps, "run": RUN, "secrets": secrets}


def _outputs(step: LinkedStep) -> Names | None:
    action = step.parts.action
    return outputs_names(action.kind, action.arguments) if action is not None else None
