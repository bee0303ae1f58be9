"""What expressions may ask of steps and of the run when a step begins, with its types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from flowctl.declared import declared, type_of
from flowctl.expressions.scope import Names, Open
from flowctl.records import (
    Boolean,
    Column,
    DataType,
    Float,
    Integer,
    List,
    Null,
    String,
    Struct,
    Unknown,
)
from flowctl.syntax.node import Json

STEP: Final[Mapping[str, DataType]] = {
    "status": String(),
    "read": Integer(64),
    "written": Integer(64),
    "rejected": Integer(64),
    "sink": String(),
    "exit_code": Integer(64),
}
OUTPUTS: Final = "outputs"
"""The name below which a step has what it hands on."""
SUMMED: Final = ("read", "written", "rejected")
"""Over the cells of a fan-out these are sums, the others lists in its order."""
CELLS: Final[Mapping[str, DataType]] = {
    name: kind if name in SUMMED else List(kind) for name, kind in STEP.items()
}
RUN: Final[Mapping[str, DataType]] = {
    "id": String(),
    "dir": String(),
    "failed": Boolean(),
    "attempt": Integer(64),
}


def step_names(outputs: Names | None) -> dict[str, Names]:
    """What a step has, with its outputs."""
    return dict(STEP) if outputs is None else {**STEP, OUTPUTS: outputs}


def cells_names(outputs: Names | None) -> dict[str, Names]:
    """What the cells of a fan-out have together, of which each has these outputs."""
    if outputs is None:
        return dict(CELLS)
    return {**CELLS, OUTPUTS: _listed(outputs)}


def no_cells_names() -> dict[str, Names]:
    """What an empty matrix has: nobody knows what its cells would have handed on."""
    return cells_names(Open({}, Unknown()))


def item_names(element: DataType) -> dict[str, Names]:
    """What a cell of a `foreach` may name, over a list of such elements."""
    return {"item": _kept(element), "index": Integer(64)}


def outputs_names(kind: str, arguments: Mapping[str, Json] | None) -> Names:
    """The outputs of an action with these arguments; None for such as are not known."""
    if arguments is None:
        return Open({}, Unknown())
    known = {name: type_of(schema) for name, schema in declared(arguments.get(OUTPUTS)).items()}
    if kind == "uses":
        return known
    return Open(known, String() if kind == "run" else Unknown())


def _listed(outputs: Names) -> Names:
    if not isinstance(outputs, Mapping):
        return Unknown()
    listed = {name: List(kind) for name, kind in outputs.items() if not isinstance(kind, Mapping)}
    return Open(listed, List(outputs.rest)) if isinstance(outputs, Open) else listed


def _kept(kind: DataType) -> DataType:
    """The type of a value once it has been kept as JSON, where dates and decimals are text."""
    match kind:
        case List():
            return List(_kept(kind.item))
        case Struct():
            return Struct(tuple(Column(one.name, _kept(one.type)) for one in kind.fields))
        case Boolean() | Integer() | Float() | String() | Null() | Unknown():
            return kind
    return String()
