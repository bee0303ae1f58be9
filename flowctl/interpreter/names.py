"""The values behind `steps`, `run`, `secrets` and `always()` when a step begins."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final, TypeAlias

from flowctl.action import ValueFault
from flowctl.codes.runs import NO_VALUE, SECRET_MISSING
from flowctl.diagnostics import Fault
from flowctl.expressions import Tree, canonical, check, runtime_used
from flowctl.expressions.scope import Names, Scope
from flowctl.expressions.tree import Cast, Runtime, walk
from flowctl.interpreter.events import RunState, StepState
from flowctl.interpreter.masking import Mask
from flowctl.interpreter.setting import Setting
from flowctl.interpreter.vault import Vault
from flowctl.interpreter.verdicts import Below
from flowctl.plan import Plan
from flowctl.records import Boolean, DataType, Integer, List, Null, String, Struct

Value: TypeAlias = "None | bool | int | str | list[Value]"

_STEP: Final[Mapping[str, DataType]] = {
    "status": String(),
    "read": Integer(64),
    "written": Integer(64),
    "rejected": Integer(64),
    "sink": String(),
    "exit_code": Integer(64),
}
_SUMMED: Final = ("read", "written", "rejected")
_RUN: Final[Mapping[str, DataType]] = {
    "id": String(),
    "dir": String(),
    "failed": Boolean(),
    "attempt": Integer(64),
}


@dataclass(frozen=True)
class RuntimeNames:
    """Gives the expressions of a plan their values, from what the run has come to so far.

    A text that was made from a secret is a secret itself: the mask learns of it.
    """

    plan: Plan
    setting: Setting
    now: datetime
    vault: Vault
    mask: Mask
    state: RunState

    def holds(self, condition: str, below: Below) -> bool:
        """Whether a condition is true; null is not. Raises ValueFault."""
        status = {"always": True, "success": below.success, "failure": below.failure}
        return self._value(self._tree(condition, status), status) is True

    def text(self, expression: str) -> str:
        """The value as a command sees it: null is empty, lists are JSON. Raises ValueFault."""
        tree = self._tree(expression, {})
        if not isinstance(tree.type, List | Struct | String | Null):
            tree = Cast(tree, String(), "cast", tree.start, tree.end, String())
        value = self._value(tree, {})
        text = "" if value is None else value
        if not isinstance(text, str):
            text = json.dumps(text, ensure_ascii=False, default=str)
        if any(path[0] == "secrets" for path in runtime_used(tree)):
            self.mask.add(text)
        return text

    def _tree(self, expression: str, status: Mapping[str, bool]) -> Tree:
        checked = check(expression, Scope(runtime=self._types, status=bool(status), now=self.now))
        if checked.tree is None:
            raise ValueFault(checked.faults[0])
        return checked.tree

    def _value(self, tree: Tree, status: Mapping[str, bool]) -> Value:
        known = {path: self._lookup(path) for path in runtime_used(tree)}
        if isinstance(tree, Runtime):
            return known[tree.path]
        return _evaluated(tree, known, status)

    def _lookup(self, path: tuple[str, ...]) -> Value:
        match path:
            case ("secrets", name):
                if name in self.vault.missing:
                    reason = self.vault.missing[name]
                    raise ValueFault(Fault(SECRET_MISSING, f"no secret `{name}`: {reason}"))
                return self.vault.values[name]
            case ("run", name):
                return self._of_run(name)
            case ("steps", step, name):
                return self._of_steps(step, name)
            case ("steps", step, cell, name):
                return _of_step(self.state.steps[f"{step}[{cell}]"], name)
        raise KeyError(".".join(path))

    @cached_property
    def _cells(self) -> Mapping[str, tuple[str, ...]]:
        """The ids of a matrix step's cells by its name, in the plan's order."""
        cells: dict[str, tuple[str, ...]] = {}
        for step in self.plan.steps:
            name, bracket, _ = step.id.partition("[")
            if bracket:
                cells[name] = (*cells.get(name, ()), step.id)
        return cells

    @cached_property
    def _types(self) -> Mapping[str, Names]:
        steps: dict[str, dict[str, Names]] = {
            step.id: dict(_STEP) for step in self.plan.steps if "[" not in step.id
        }
        for name, cells in self._cells.items():
            summed = {key: kind if key in _SUMMED else List(kind) for key, kind in _STEP.items()}
            steps[name] = {**summed, **{id[len(name) + 1 : -1]: _STEP for id in cells}}
        secrets = {secret.name: String() for secret in self.plan.secrets}
        return {"steps": steps, "run": _RUN, "secrets": secrets}

    def _of_steps(self, step: str, name: str) -> Value:
        """A step's figure; over the cells of a matrix a sum, or a list in their order."""
        if step in self.state.steps:
            return _of_step(self.state.steps[step], name)
        values = [_of_step(self.state.steps[cell], name) for cell in self._cells.get(step, ())]
        if name in _SUMMED:
            return sum(value for value in values if isinstance(value, int))
        return values

    def _of_run(self, name: str) -> Value:
        failed = any(step.status == "failed" for step in self.state.steps.values())
        values: dict[str, Value] = {
            "id": self.setting.run,
            "dir": self.setting.folder.as_posix(),
            "failed": failed,
            "attempt": 1,
        }
        return values[name]


def _of_step(step: StepState, name: str) -> Value:
    counts = step.counts
    values: dict[str, Value] = {
        "status": step.status,
        "read": counts.read if counts else None,
        "written": counts.written if counts else None,
        "rejected": counts.rejected if counts else None,
        "sink": step.sink[0] if step.sink else None,
        "exit_code": step.exit_code,
    }
    return values[name]


def _evaluated(
    tree: Tree, known: Mapping[tuple[str, ...], Value], status: Mapping[str, bool]
) -> Value:
    """The value of a tree over one record, whose columns are the run-time values it names."""
    import polars as pl

    from flowctl.expressions.lower import lower
    from flowctl.expressions.polars_types import polars_type

    named = {canonical(node): node for node in walk(tree) if isinstance(node, Runtime)}
    columns = [
        pl.Series(name, [known[node.path]], polars_type(node.type)) for name, node in named.items()
    ]
    columns += [pl.Series(f"{name}()", [holds], pl.Boolean) for name, holds in status.items()]
    record = pl.DataFrame(columns or [pl.Series("", [None])])
    lowered = lower(tree)
    if lowered.reason is not None:
        (reason,) = record.select(lowered.reason).row(0)
        if reason is not None:
            raise ValueFault(Fault(NO_VALUE, reason, start=tree.start, end=tree.end))
    value: Value = record.select(lowered.value).row(0)[0]
    return value
