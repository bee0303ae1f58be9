"""Makes the steps: defaults under each, one for each cell of a matrix, everything in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace

from flowctl.compiler.expand.matrix import Cell, cells
from flowctl.compiler.expand.names import Names
from flowctl.compiler.expand.references import REF
from flowctl.compiler.expand.scalars import traced
from flowctl.compiler.expand.tree import Expander
from flowctl.compiler.stages import ExpandedStep
from flowctl.compiler.validate import Judge
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Frame, Report
from flowctl.schema.guide import Guide
from flowctl.syntax.node import Entry, MappingNode, Node, ScalarNode, UnknownNode

MATRIX = "matrix"


@dataclass(slots=True)
class StepMaker:
    """Expands the steps of a document, which are `within` the step that uses it, if any does.

    After that, `judged` is what the grammar is to judge under `steps`: one step of each name.
    """

    expander: Expander
    judge: Judge
    report: Report
    root: MappingNode
    names: Names
    within: str = ""
    judged: Node | None = None
    _guide: Guide | None = field(init=False)
    _defaults: Node | None = field(init=False)

    def __post_init__(self) -> None:
        self._guide = self.judge.guide("step")
        self._defaults = self._traced_defaults()

    def steps(self) -> Iterator[ExpandedStep]:
        """All steps, in the order of the document and of each matrix."""
        node = self.root.get("steps")
        node = self.expander.head(node, self.names) if node is not None else None
        self.judged = node
        if not isinstance(node, MappingNode):
            return
        shown: list[Entry] = []
        for entry in self.expander.keys(node, self.names):
            body = self._body(entry.value)
            matrix = body.entry(MATRIX) if isinstance(body, MappingNode) else None
            if matrix is None or not isinstance(body, MappingNode):
                expanded = self.expander.expand(body, self.names, self._guide)
                shown.append(Entry(entry.key, expanded))
                yield self._step(entry, expanded)
                continue
            yield from self._matrix(entry, body, matrix, shown)
        self.judged = replace(node, entries=tuple(shown))

    def _traced_defaults(self) -> Node | None:
        entry = self.root.entry("defaults")
        if entry is None:
            return None
        frame = Frame("defaults", "defaults", entry.key.span)
        return traced(self.expander.head(entry.value, self.names), (frame,))

    def _body(self, written: Node) -> Node:
        """A step with the defaults under it; a reference that needs the matrix has to wait."""
        return written if _needs_matrix(written) else self._whole(written, self.names)

    def _whole(self, written: Node, names: Names) -> Node:
        if self._defaults is None:
            return self.expander.head(written, names)
        return self.expander.overlay(self._defaults, written, names)

    def _matrix(
        self, entry: Entry, body: MappingNode, matrix: Entry, shown: list[Entry]
    ) -> Iterator[ExpandedStep]:
        """The steps of a matrix; `shown` gets one of them."""
        made = self._made(matrix)
        if made is None:
            unknown = UnknownNode(body.span, body.trace)
            shown.append(Entry(entry.key, unknown))
            yield self._step(entry, unknown)
            return
        rest = replace(body, entries=tuple(one for one in body.entries if one is not matrix))
        if not made:
            shown.append(Entry(entry.key, UnknownNode(body.span, body.trace)))
        for index, cell in enumerate(made):
            id = cell.named(entry.name)
            expanded = self._cell(id, rest, matrix, cell)
            if index == 0:
                shown.append(Entry(entry.key, expanded))
            yield self._step(entry, expanded, id, cell)

    def _made(self, matrix: Entry) -> list[Cell] | None:
        expanded = self.expander.expand(matrix.value, self.names)
        judged = self.judge.strict(expanded, "matrix", matrix)
        return cells(judged, self.report) if isinstance(judged, MappingNode) else None

    def _cell(self, id: str, rest: MappingNode, matrix: Entry, cell: Cell) -> Node:
        names = Names(
            {**self.names.values, MATRIX: cell.values},
            {**self.names.places, MATRIX: cell.nodes},
            {},
            (Frame(MATRIX, id, matrix.key.span),),
        )
        body = self._whole(rest, names) if _needs_matrix(rest) else rest
        return self.expander.expand(body, names, self._guide)

    def _step(
        self, entry: Entry, expanded: Node, id: str | None = None, cell: Cell | None = None
    ) -> ExpandedStep:
        """A step as far as it can be used; nothing stands in one of which nothing is known."""
        node = self.judge.strict(expanded, "step", Entry(entry.key, expanded))
        if not isinstance(node, MappingNode):
            node = MappingNode((), expanded.span, expanded.trace)
        values = cell.values if cell is not None else {}
        id = id or entry.name
        id = f"{self.within}/{id}" if self.within else id
        return ExpandedStep(id, entry.name, entry.key, node, values, self.within)


def _needs_matrix(step: Node) -> bool:
    """Whether the step is a reference that is another one in each cell of its matrix."""
    reference = step.get(REF) if isinstance(step, MappingNode) else None
    return isinstance(reference, ScalarNode) and MATRIX in str(reference.value)
