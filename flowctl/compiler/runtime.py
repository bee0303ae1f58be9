"""The names that become known when a step begins, with their types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flowctl.compiler.stages import Expanded, LinkedStep
from flowctl.expressions.scope import Fanned, Names
from flowctl.records import String
from flowctl.runtime_names import RUN, cells_names, no_cells_names, outputs_names, step_names
from flowctl.syntax.node import MappingNode


def runtime_names(
    workflow: Expanded, steps: Iterable[LinkedStep], handed_on: Mapping[str, Names]
) -> dict[str, Names]:
    """What `if` and `${{ }}` may name in a workflow: its `steps`, `run` and its `secrets`.

    `handed_on` are the outputs of the steps that use another workflow.
    """
    # An empty matrix leaves a name without cells.
    written = workflow.document.root.get("steps")
    declared = written.names() if isinstance(written, MappingNode) else []
    known: dict[str, dict[str, Names]] = {name: no_cells_names() for name in declared}
    cells: dict[str, dict[str, Names]] = {}
    for linked in steps:
        step = linked.step
        outputs = handed_on.get(step.id, _outputs(linked))
        if step.node.get("foreach") is not None:
            known[step.name] = Fanned(cells_names(outputs))
        elif step.local == step.name:
            known[step.name] = step_names(outputs)
        else:
            # All cells declare the same outputs.
            cell = step.local[len(step.name) + 1 : -1]
            cells.setdefault(step.name, cells_names(outputs))[cell] = step_names(outputs)
    known |= cells
    secrets = {secret.name: String() for secret in workflow.secrets}
    return {"steps": known, "run": RUN, "secrets": secrets}


def own_names(linked_step: LinkedStep) -> dict[str, Names]:
    """What a single cell of a step has."""
    return step_names(_outputs(linked_step))


def _outputs(step: LinkedStep) -> Names | None:
    action = step.parts.action
    return outputs_names(action.kind, action.arguments) if action is not None else None
