"""A look at a located tree, and what a check of one of its nodes is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from flowctl.diagnostics import Diagnostic, Report
from flowctl.schema.wording import Where
from flowctl.syntax.node import MappingNode, Node, ScalarNode, UnknownNode

TEMPLATE = re.compile(r"(?<!\$)\{\{")


@dataclass(slots=True)
class Walk:
    """One look at a tree.

    `lenient` while templates and references are still in place: what contains one is accepted, to
    be judged again after expansion. `settled` are the ids of nodes that need no second look.
    """

    report: Report
    lenient: bool = False
    settled: set[int] = field(default_factory=set)

    def wrong(self, fault: Diagnostic) -> bool:
        self.report.add(fault)
        return False


Check: TypeAlias = "Callable[[Node, Where, Walk], bool]"
"""Judges a node; whether it is right and holds nothing that must be looked at again."""


def deferred(node: Node) -> bool:
    """Whether this very node can only be judged after expansion."""
    if isinstance(node, ScalarNode):
        # Until everything is laid over each other, `null` may be there to remove something.
        return node.value is None or (
            type(node.value) is str and TEMPLATE.search(node.value) is not None
        )
    if isinstance(node, MappingNode):
        return any(
            entry.key.value == "$ref" or TEMPLATE.search(entry.name) for entry in node.entries
        )
    return isinstance(node, UnknownNode)
