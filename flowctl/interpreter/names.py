"""The values behind `steps`, `run`, `secrets` and `always()` when a step begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import TypeAlias

from flowctl.action import ValueFault
from flowctl.codes.runs import NO_VALUE, SECRET_MISSING
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault
from flowctl.expressions import Tree, check, parse, runtime_used
from flowctl.expressions.evaluate import Refused, as_text, evaluate, json_value
from flowctl.expressions.scope import Names, Scope
from flowctl.expressions.tree import Call, Name, Runtime, walk
from flowctl.interpreter.fanning import Cell, cell_id, cell_in, listed
from flowctl.interpreter.masking import Mask
from flowctl.interpreter.setting import Setting
from flowctl.interpreter.state import RunState, StepState
from flowctl.interpreter.vault import Vault
from flowctl.interpreter.verdicts import Below
from flowctl.plan import Operation, Plan, Step, Stream, to_folder
from flowctl.records import DataType, List, String, Unknown
from flowctl.runtime_names import (
    RUN,
    SUMMED,
    cells_names,
    item_names,
    no_cells_names,
    outputs_names,
    step_names,
)
from flowctl.syntax.node import Json

Value: TypeAlias = "Json | list[Value]"


@dataclass(frozen=True)
class Known:
    """What of a plan does not change while it runs; of each workflow by what it is within."""

    plan: Plan

    @cached_property
    def bodies(self) -> Mapping[str, Stream | Operation]:
        return {step.id: step.body for step in self.plan.steps}

    @cached_property
    def cells(self) -> Mapping[tuple[str, str], tuple[str, ...]]:
        """The ids of a matrix step's cells by its name, in the plan's order."""
        cells: dict[tuple[str, str], list[str]] = {}
        for step in self.plan.steps:
            name, bracket, _ = step.local.partition("[")
            if bracket:
                cells.setdefault((step.within, name), []).append(step.id)
        return {name: tuple(ids) for name, ids in cells.items()}

    @cached_property
    def fans(self) -> Mapping[str, str]:
        """The `foreach` of each step that has one."""
        return {step.id: step.foreach for step in self.plan.steps if step.foreach is not None}

    @cached_property
    def elements(self) -> dict[str, DataType]:
        """The types of the elements of these lists, as far as they were asked for."""
        return {}

    @cached_property
    def secrets(self) -> Mapping[str, Names]:
        found: dict[str, dict[str, Names]] = {}
        for secret in self.plan.secrets:
            found.setdefault(secret.within, {})[secret.name] = String()
        return found


@dataclass(frozen=True)
class RuntimeNames:
    """Gives the expressions of a plan their values, from what the run has come to so far.

    A text that was made from a secret is a secret itself: the mask learns of it. Names are those of
    the workflow that is used by the step `within`; paths are told from `folder` on.
    """

    known: Known
    setting: Setting
    now: datetime
    vault: Vault
    mask: Mask
    state: RunState
    within: str = ""
    folder: str = ""
    cell: Cell | None = None

    def seen_by(self, step: Step) -> RuntimeNames:
        """The names that the step's own expressions use; in a cell, those of the cell too."""
        cell = cell_in(self.state, step.id)
        if step.within == self.within and cell == self.cell:
            return self
        return replace(self, within=step.within, folder=step.folder, cell=cell)

    def seen_within(self, step: Step) -> RuntimeNames:
        """The names of the workflow that a step uses, with paths as that step needs them."""
        return replace(self, within=step.id, folder=step.folder)

    def holds(self, condition: str, below: Below) -> bool:
        """Whether a condition is true; null is not. Raises ValueFault."""
        status = {"always": True, "success": below.success, "failure": below.failure}
        return self._value(self._tree(condition, status=True), status) is True

    def items(self, foreach: str) -> tuple[Json, ...]:
        """The list over which a step is fanned out. Raises ValueFault."""
        found = listed(json_value(self._value(self._tree(foreach, status=False), {})))
        if isinstance(found, Fault):
            raise ValueFault(found)
        return found

    def text(self, expression: str) -> str:
        """The value as a command sees it: null is empty, lists are JSON. Raises ValueFault."""
        tree = self._tree(expression, status=False)
        text = as_text(self._value(tree, {}))
        if any(path[0] == "secrets" for path in runtime_used(tree)):
            self.mask.add(text)
        return text

    def value(self, expression: str) -> Json:
        """The value as a function sees it: points in time are text. Raises ValueFault."""
        tree = self._tree(expression, status=False)
        found = json_value(self._value(tree, {}))
        if any(path[0] == "secrets" for path in runtime_used(tree)):
            self.mask.add(as_text(found))
        return found

    def _tree(self, expression: str, *, status: bool, cell: bool = True) -> Tree:
        types = self._types(expression)
        if cell and self.cell is not None:
            types |= item_names(self._element(self.cell.step))
        checked = check(expression, Scope(runtime=types, status=status, now=self.now))
        if checked.tree is None:
            raise ValueFault(checked.faults[0])
        return checked.tree

    def _value(self, tree: Tree, status: Mapping[str, bool]) -> object:
        known: dict[tuple[str, ...], object] = {
            path: self._lookup(path) for path in runtime_used(tree)
        }
        if isinstance(tree, Runtime):
            return known[tree.path]
        if isinstance(tree, Call) and tree.name in status:
            return status[tree.name]
        value = evaluate(tree, known | {(name,): holds for name, holds in status.items()})
        if isinstance(value, Refused):
            raise ValueFault(Fault(NO_VALUE, value.message, start=value.start, end=value.end))
        return value

    def _lookup(self, path: tuple[str, ...]) -> Value:
        match path:
            case ("item", *fields) if self.cell is not None:
                return _below(self.cell.item, fields)
            case ("index",) if self.cell is not None:
                return self.cell.index
            case ("secrets", name):
                secret = self._id(name)
                if secret in self.vault.missing:
                    reason = self.vault.missing[secret]
                    raise ValueFault(Fault(SECRET_MISSING, f"no secret `{name}`: {reason}"))
                return self.vault.values[secret]
            case ("run", name):
                return self._of_run(name)
            case ("steps", step, name):
                return self._of_steps(step, name)
            case ("steps", step, cell, name) if (id := self._id(step, cell)) in self.state.steps:
                return self._of_step(self.state.steps[id], name)
            case ("steps", step, "outputs", name):
                return self._output(step, name)
            case ("steps", step, cell, "outputs", name):
                return self.state.steps[self._id(step, cell)].outputs.get(name)
        raise KeyError(".".join(path))

    def _id(self, name: str, cell: str | None = None) -> str:
        local = name if cell is None else f"{name}[{cell}]"
        return f"{self.within}/{local}" if self.within else local

    def _single(self, step: str) -> str | None:
        """The id of the one step that a name means; in a cell, its own step's means the cell."""
        id = self._id(step)
        if id not in self.known.fans:
            return id if id in self.state.steps else None
        return self.cell.id if self.cell is not None and self.cell.step == id else None

    def _cells(self, step: str) -> tuple[str, ...]:
        """The ids of a step's cells, in their order; of a `foreach` that has not begun, none."""
        if (id := self._id(step)) in self.known.fans:
            items = self.state.steps[id].items or ()
            return tuple(cell_id(id, index) for index in range(len(items)))
        return self.known.cells.get((self.within, step), ())

    def _element(self, fan: str) -> DataType:
        """The type of the elements of a step's list."""
        found = self.known.elements.get(fan)
        if found is None:
            kind = self._tree(self.known.fans[fan], status=False, cell=False).type
            found = self.known.elements[fan] = kind.item if isinstance(kind, List) else Unknown()
        return found

    def _types(self, expression: str) -> dict[str, Names]:
        """The types of what is known; of the steps only those that the expression names."""
        tree = parse(expression)
        paths = [] if isinstance(tree, Fault) else [_path(node) for node in walk(tree)]
        steps: dict[str, Names] = {
            name: self._types_of_step(self._id(name))
            if self._single(name) is not None
            else self._types_of_cells(name)
            for name in (path[1] for path in paths if path[:1] == ("steps",) and len(path) > 1)
        }
        secrets = self.known.secrets.get(self.within, {})
        return {"steps": steps, "run": RUN, "secrets": secrets}

    def _types_of_cells(self, step: str) -> Mapping[str, Names]:
        """Of a matrix that came to nothing there are none, and the plan knows nothing of it."""
        if (id := self._id(step)) in self.known.fans:
            return cells_names(self._outputs(id))
        cells, start = self._cells(step), len(id) + 1
        types = {cell[start:-1]: self._types_of_step(cell) for cell in cells}
        together = cells_names(self._outputs(cells[0])) if cells else no_cells_names()
        return {**together, **types}

    def _types_of_step(self, step: str) -> dict[str, Names]:
        return step_names(self._outputs(step))

    def _outputs(self, step: str) -> Names | None:
        body = self.known.bodies[step]
        return outputs_names(body.kind, body.arguments) if isinstance(body, Operation) else None

    def _of_steps(self, step: str, name: str) -> Value:
        """A step's figure; over the cells of a fan-out a sum, or a list in their order."""
        if (id := self._single(step)) is not None:
            return self._of_step(self.state.steps[id], name)
        values = [self._of_step(self.state.steps[cell], name) for cell in self._cells(step)]
        if name in SUMMED:
            return sum(value for value in values if isinstance(value, int))
        return values

    def _output(self, step: str, name: str) -> Json:
        """What a step hands on under a name; of a fan-out a list, in the order of its cells."""
        if (id := self._single(step)) is not None:
            return self.state.steps[id].outputs.get(name)
        return [self.state.steps[cell].outputs.get(name) for cell in self._cells(step)]

    def _of_run(self, name: str) -> Value:
        failed = any(step.spoils for step in self.state.steps.values())
        values: dict[str, Value] = {
            "id": self.setting.run,
            "dir": self.setting.folder.as_posix(),
            "failed": failed,
            "attempt": 1,
        }
        return values[name]

    def _of_step(self, step: StepState, name: str) -> Value:
        counts = step.counts
        values: dict[str, Value] = {
            "status": step.status,
            "read": counts.read if counts else None,
            "written": counts.written if counts else None,
            "rejected": counts.rejected if counts else None,
            "sink": to_folder(self.folder, step.sink[0]) if step.sink else None,
            "exit_code": step.exit_code,
        }
        return values[name]


def _below(value: Json, fields: list[str]) -> Json:
    """A field of a value of which no type is known; what is not there is null."""
    for name in fields:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _path(node: Tree) -> tuple[str, ...]:
    return tuple(part.text for part in node.parts) if isinstance(node, Name) else ()
