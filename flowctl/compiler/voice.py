"""Brings faults and causes of ignorance into the report, at the place where the author wrote."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field, replace

from flowctl.codes.names import UNCHECKED
from flowctl.compiler.anatomy import Part
from flowctl.compiler.diagnose import diagnosed
from flowctl.compiler.texts import RuntimeText
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Code, Fault, Report
from flowctl.expressions import Tree, canonical, check
from flowctl.expressions.scope import Scope
from flowctl.records import DataType
from flowctl.syntax.node import Node


@dataclass(frozen=True, slots=True)
class Voice:
    """What could not be checked is said once for each cause, however many parts it concerns."""

    report: Report
    _said: set[str] = field(default_factory=set)

    def faults(self, part: Part, faults: Iterable[Fault]) -> None:
        """Tells the faults that a component's rule has found in its arguments."""
        for fault in faults:
            self.report.add(diagnosed(fault, part.node))

    def unchecked(self, part: Part, causes: Iterable[str]) -> None:
        """Tells what a rule could not know."""
        for cause in causes:
            if cause not in self._said:
                self._said.add(cause)
                place = part.node.get(part.kind) or part.node
                help = "the run checks it; to check it now, bring the data or declare `columns`"
                self.report.say(
                    UNCHECKED, place.span, f"unchecked: {cause}", help=help, trace=place.trace
                )

    def at(self, code: Code, node: Node, message: str, help: str | None = None) -> None:
        """Tells a fault of a whole node."""
        self.report.say(code, node.span, message, help=help, trace=node.trace)

    def expression(
        self, text: RuntimeText, scope: Scope, expect: DataType | None = None
    ) -> str | None:
        """The canonical text of a run-time expression; None where it has faults."""
        tree = self.tree(text, scope, expect)
        return canonical(tree) if tree is not None else None

    def tree(self, text: RuntimeText, scope: Scope, expect: DataType | None = None) -> Tree | None:
        """The checked tree of a run-time expression; None where it has faults."""
        checked = check(text.expression, scope, expect)
        for fault in checked.faults:
            start = text.start + (fault.start or 0)
            end = text.start + (fault.end if fault.end is not None else len(text.expression))
            self.report.add(diagnosed(replace(fault, start=start, end=end), text.node))
        return checked.tree
