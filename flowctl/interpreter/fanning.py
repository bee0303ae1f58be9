"""A step that is done for each element of a list: its cells, and what they come to together."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from flowctl.codes.runs import NO_LIST
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault
from flowctl.interpreter.events import StepStatus
from flowctl.interpreter.state import RunState, StepState
from flowctl.plan import Step, canonical
from flowctl.syntax.node import Json

MOST: Final = 100_000
"""Cells of one step: each has a state in memory and several events in the store."""
_WORST: Final[tuple[StepStatus, ...]] = ("failed", "cancelled", "recovered")


@dataclass(frozen=True, slots=True)
class Cell:
    """One element of the list of a step's `foreach`, by which it is done once."""

    step: str
    index: int
    item: Json

    @property
    def id(self) -> str:
        return cell_id(self.step, self.index)


def cell_id(step: str, index: int) -> str:
    """`load[0]`"""
    return f"{step}[{index}]"


def cell_in(state: RunState, id: str) -> Cell | None:
    """The cell that an id names; None where it names none of a `foreach`."""
    step, bracket, index = id.removesuffix("]").rpartition("[")
    fan = state.steps.get(step) if bracket else None
    if fan is None or fan.items is None:
        return None
    return Cell(step, int(index), fan.items[int(index)])


def cell_steps(step: Step, number: int) -> list[Step]:
    """The cells as steps that need nothing; their digest is that of the whole."""
    return [
        replace(step, id=cell_id(step.id, index), needs=(), condition=None, foreach=None)
        for index in range(number)
    ]


def states_of(state: RunState, step: str) -> list[StepState]:
    """What the cells of a step have come to, in the order of its list."""
    items = state.steps[step].items or ()
    return [state.steps[cell_id(step, index)] for index in range(len(items))]


def listed(value: object) -> tuple[Json, ...] | Fault:
    """The value of a `foreach` as the list that it must be."""
    help = None
    if value is None:
        message = "the value of `foreach` is null, and no list"
        help = "`coalesce(…, [])` goes through nothing where there is no list"
    elif not isinstance(value, list):
        message = f"the value of `foreach` is no list: `{_shown(value)}`"
    elif len(value) > MOST:
        message = f"the list has {len(value):,} elements; at most {MOST:,} are allowed"
        help = "give each cell several of them, as a list of lists"
    else:
        try:
            canonical(value)
        except ValueError:
            message = "the list holds a number that JSON cannot hold: NaN or an infinity"
        else:
            return tuple(value)
    return Fault(NO_LIST, message, ("foreach",), help=help)


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


@dataclass(frozen=True, slots=True)
class Together:
    """What a step has come to once all of its cells have ended."""

    status: StepStatus
    why: str | None
    outputs: Mapping[str, Json]


def together(cells: Sequence[StepState]) -> Together:
    """The worst of the cells' ends; each output is the list of theirs, null where one has none."""
    number = Counter(cell.status for cell in cells)
    status: StepStatus = next((one for one in _WORST if number[one]), "succeeded")
    why = f"{number[status]:,} of {len(cells):,} {_BECAME[status]}" if status in _BECAME else None
    names = dict.fromkeys(name for cell in cells for name in cell.outputs)
    outputs: dict[str, Json] = {name: [cell.outputs.get(name) for cell in cells] for name in names}
    return Together(status, why, outputs)


_BECAME: Final[Mapping[StepStatus, str]] = {
    "failed": "have failed",
    "cancelled": "were cancelled",
    "recovered": "have recovered",
}
