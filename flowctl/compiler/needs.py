"""The needs that a step states by name, and the steps that those names stand for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import Final

from flowctl.codes.names import NO_SUCH_CELL, SELF_NEED, UNKNOWN_STEP
from flowctl.compiler.stages import Expanded, ExpandedStep
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Report, Span, nearest
from flowctl.plan import canonical
from flowctl.syntax.node import MappingNode, Node, ScalarNode, SequenceNode

_STATED: Final = "says so in `needs`"


@dataclass(frozen=True, slots=True)
class Need:
    """One reason why a step needs another one, told at the place that says so."""

    step: str
    why: str
    span: Span
    reads: bool = False


@dataclass(frozen=True)
class Names:
    """What a step's name stands for: the step itself, or all cells of a matrix in its order.

    `declared` holds also the names of steps that came to nothing, such as those of an empty matrix.
    """

    cells: dict[str, tuple[ExpandedStep, ...]]
    declared: frozenset[str]

    @classmethod
    def of(cls, expanded: Expanded) -> Names:
        cells: dict[str, list[ExpandedStep]] = {}
        for step in expanded.steps:
            cells.setdefault(step.name, []).append(step)
            if step.local != step.name:
                cells.setdefault(step.local, []).append(step)
        written = expanded.document.root.get("steps")
        declared = written.names() if isinstance(written, MappingNode) else []
        return cls(
            {name: tuple(steps) for name, steps in cells.items()}, frozenset([*cells, *declared])
        )


@dataclass(frozen=True, slots=True)
class Resolver:
    """Turns names of steps into needs; what is wrong with a name goes into the report."""

    names: Names
    report: Report
    _same: dict[tuple[str, tuple[str, ...]], dict[str, list[str]]] = field(
        default_factory=dict, repr=False
    )

    def named(
        self, step: ExpandedStep, name: str, node: ScalarNode, span: Span, why: str, reads: bool
    ) -> Iterator[Need]:
        """The needs that follow from naming a step at this place."""
        if name not in self.names.declared:
            self._unknown(name, node, span)
            return
        for needed in self.names.cells.get(name, ()):
            if needed.name == step.name:
                # All cells have the same text, so that one that names another names itself too.
                message = f"step `{step.name}` needs itself"
                help = "name only steps that have ended when this one begins"
                self.report.say(SELF_NEED, span, message, help=help, trace=node.trace)
                return
            yield Need(needed.id, why, span, reads)

    def stated(self, step: ExpandedStep, node: Node | None) -> Iterator[Need]:
        """The needs under the key `needs`: a name, or a list of names and of `{step, same}`."""
        items: Iterable[Node] = (
            node.items if isinstance(node, SequenceNode) else filter(None, [node])
        )
        for item in items:
            if isinstance(item, ScalarNode):
                yield from self.named(step, str(item.value), item, item.span, _STATED, False)
            elif isinstance(item, MappingNode):
                yield from self._same_cells(step, item)

    def _same_cells(self, step: ExpandedStep, item: MappingNode) -> Iterator[Need]:
        name, same = item.get("step"), item.get("same")
        if not isinstance(name, ScalarNode):
            return
        if not isinstance(same, SequenceNode):
            yield from self.named(step, str(name.value), name, name.span, _STATED, False)
            return
        target = str(name.value)
        if target not in self.names.declared:
            self._unknown(target, name, name.span)
            return
        keys = [key for key in same.items if isinstance(key, ScalarNode)]
        cells = self.names.cells.get(target, ())
        if not cells or not all(self._has(step, cells, target, key) for key in keys):
            return
        found = self._alike(target, tuple(str(key.value) for key in keys), step)
        if not found:
            shown = ", ".join(f"{key.value}={step.cell[str(key.value)]}" for key in keys)
            message = f"no cell of `{target}` has {shown}, as `{step.local}` has"
            self.report.say(NO_SUCH_CELL, same.span, message, trace=same.trace)
        for cell in found:
            if cell != step.id:
                yield Need(cell, _STATED, name.span)

    def _alike(self, name: str, keys: tuple[str, ...], step: ExpandedStep) -> list[str]:
        """The cells of a step that have this step's values under the keys."""
        index = self._same.get((name, keys))
        if index is None:
            index = self._same[name, keys] = {}
            for cell in self.names.cells.get(name, ()):
                index.setdefault(_values(cell, keys), []).append(cell.id)
        return index.get(_values(step, keys), [])

    def _has(
        self, step: ExpandedStep, cells: tuple[ExpandedStep, ...], name: str, key: ScalarNode
    ) -> bool:
        asked = str(key.value)
        for owner, cell in ((step.name, step.cell), (name, cells[0].cell)):
            if asked not in cell:
                close = nearest(asked, list(cell))
                known = f"its matrix has {_listed(cell)}" if cell else "it has no matrix"
                self.report.say(
                    NO_SUCH_CELL,
                    key.span,
                    f"step `{owner}` has no matrix value `{asked}`; {known}",
                    help=f"did you mean `{close}`?" if close else None,
                    trace=key.trace,
                )
                return False
        return True

    def _unknown(self, name: str, node: ScalarNode, span: Span) -> None:
        help = self._instead(name)
        named = [known for known in self.names.declared if "[" not in known]
        message = f"unknown step `{name}`; the document has {_listed(named)}"
        self.report.say(UNKNOWN_STEP, span, message, help=help, trace=node.trace)

    def _instead(self, name: str) -> str | None:
        """What to name where there is no such step; of a step within a used workflow, its user."""
        user = name.partition("/")[0]
        if user != name and user in self.names.declared:
            return f"name `{user}` itself, which has ended when all steps in it have"
        close = nearest(user, sorted(self.names.declared))
        return f"did you mean `{close}`?" if close else None


def _values(step: ExpandedStep, keys: tuple[str, ...]) -> str:
    return canonical([step.cell.get(key) for key in keys])


def _listed(names: Iterable[str]) -> str:
    """At most six names, so that a message stays on one line."""
    listed = sorted(names)
    shown = ", ".join(f"`{name}`" for name in listed[:6])
    return f"{shown} and {len(listed) - 6} more" if len(listed) > 6 else shown
