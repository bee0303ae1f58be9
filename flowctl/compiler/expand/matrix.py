"""`matrix`: the combinations of values that make a step for each, as in GitHub Actions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from itertools import product

from flowctl.codes.templates import MATRIX_EMPTY_CELL, MATRIX_EXCLUDE, TOO_LARGE
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Report
from flowctl.plan import canonical
from flowctl.syntax.node import (
    Json,
    MappingNode,
    Node,
    SequenceNode,
    UnknownNode,
    to_json,
)

MAX_CELLS = 20_000
SPECIAL = ("include", "exclude")


@dataclass(slots=True)
class Cell:
    """One combination: its values with their places.

    `label` are the values that name it: the dimensions', or all where `include` made it.
    """

    nodes: dict[str, Node]
    label: tuple[str, ...]
    values: dict[str, Json] = field(default_factory=dict)

    def named(self, step: str) -> str:
        """`load[us,2012]`"""
        return f"{step}[{','.join(self.label)}]"


def cells(matrix: MappingNode, report: Report) -> list[Cell] | None:
    """The cells in the order of the dimensions, the last one running fastest; then included ones.

    None where the matrix is not known well enough; the report then says why, or has said so.
    """
    dimensions = {entry.name: entry.value for entry in matrix if entry.name not in SPECIAL}
    include, exclude = _items(matrix.get("include")), _items(matrix.get("exclude"))
    if include is None or exclude is None:
        return None
    axes: list[tuple[Node, ...]] = []
    size = 1
    for node in dimensions.values():
        if not isinstance(node, SequenceNode) or any(map(_unknown, node.items)):
            return None
        axes.append(node.items)
        size *= len(node.items)
    if size + len(include) > MAX_CELLS:
        message = (
            f"this matrix has {size + len(include):,} cells; at most {MAX_CELLS:,} are allowed"
        )
        report.say(TOO_LARGE, matrix.span, message, trace=matrix.trace)
        return None
    made = [_cell(dict(zip(dimensions, choice, strict=True))) for choice in product(*axes)]
    made = made if dimensions else []
    kept = _without(made, exclude, report)
    grown = _including(kept, include, set(dimensions))
    return grown if _distinct(grown, matrix, report) else None


def _without(made: list[Cell], exclude: list[MappingNode], report: Report) -> list[Cell]:
    kept = made
    for item in exclude:
        wanted = _values(item)
        left = [cell for cell in kept if not _agree(wanted, cell.values)]
        # Combinations that an earlier item has removed do not make a later one pointless.
        if not any(_agree(wanted, cell.values) for cell in made):
            shown = ", ".join(f"{name}={_label(value)}" for name, value in wanted.items())
            message = f"no combination has {shown}"
            place = (
                item.entries[0].key.span.to(item.entries[-1].value.span) if item.entries else None
            )
            report.say(MATRIX_EXCLUDE, place or item.span, message, trace=item.trace)
        kept = left
    return kept


def _including(kept: list[Cell], include: list[MappingNode], dimensions: set[str]) -> list[Cell]:
    """Each item extends the combinations whose dimensions it does not contradict, else is new."""
    added: list[Cell] = []
    for item in include:
        values, nodes = _values(item), {entry.name: entry.value for entry in item}
        shared = {name: value for name, value in values.items() if name in dimensions}
        fitting = [cell for cell in kept if _agree(shared, cell.values)]
        for cell in fitting:
            extra = {name: node for name, node in nodes.items() if name not in dimensions}
            cell.nodes.update(extra)
            cell.values.update({name: values[name] for name in extra})
        if not fitting:
            added.append(_cell(nodes))
    return kept + added


def _distinct(made: list[Cell], matrix: MappingNode, report: Report) -> bool:
    seen: dict[tuple[str, ...], Cell] = {}
    right = True
    for cell in made:
        if seen.setdefault(cell.label, cell) is not cell:
            place = next(iter(cell.nodes.values())).span
            message = f"two combinations are both `[{','.join(cell.label)}]`"
            report.say(MATRIX_EMPTY_CELL, place, message, trace=matrix.trace)
            right = False
    return right


def _cell(nodes: dict[str, Node]) -> Cell:
    values = {name: to_json(node) for name, node in nodes.items()}
    return Cell(dict(nodes), tuple(map(_label, values.values())), values)


def _values(item: MappingNode) -> dict[str, Json]:
    return {entry.name: to_json(entry.value) for entry in item}


def _agree(wanted: dict[str, Json], values: dict[str, Json]) -> bool:
    return all(
        name in values and canonical(values[name]) == canonical(value)
        for name, value in wanted.items()
    )


def _label(value: Json) -> str:
    return value if isinstance(value, str) else canonical(value)


def _items(node: Node | None) -> list[MappingNode] | None:
    if node is None:
        return []
    if not isinstance(node, SequenceNode) or any(map(_unknown, node.items)):
        return None
    return [item for item in node.items if isinstance(item, MappingNode)]


def _unknown(node: Node) -> bool:
    """Whether anything in a value is not known."""
    return any(isinstance(below, UnknownNode) for below in _below(node))


def _below(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, MappingNode):
        for entry in node.entries:
            yield from _below(entry.value)
    elif isinstance(node, SequenceNode):
        for item in node.items:
            yield from _below(item)
