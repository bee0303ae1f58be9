"""A look at a located tree, and what a check of one of its nodes is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import field, replace
from typing import TypeAlias

from flowctl.dataclass import dataclass
from flowctl.diagnostics import Diagnostic, Report
from flowctl.schema.wording import Where
from flowctl.syntax.node import Entry, MappingNode, Node, ScalarNode, SequenceNode, UnknownNode

TEMPLATE = re.compile(r"(?<!\$)\{\{")


@dataclass(slots=True)
class Walk:
    """One look at a tree.

    `lenient` while templates and references are still in place: what contains one is accepted, to
    be judged again after expansion. `settled` holds, by their ids, the nodes that need no second
    look, and keeps them, so that no other node gets their ids. `faulty` are the ids of nodes and
    entries that are wrong.
    """

    report: Report
    lenient: bool = False
    settled: dict[int, Node] = field(default_factory=dict)
    faulty: set[int] = field(default_factory=set)

    def wrong(self, node: Node, fault: Diagnostic) -> bool:
        """A node cannot be used."""
        self.faulty.add(id(node))
        self.report.add(fault)
        return False

    def stray(self, entry: Entry, fault: Diagnostic) -> bool:
        """An entry does not belong into its mapping; the rest of it can be used."""
        self.faulty.add(id(entry))
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
        names = node.names()
        return "$ref" in names or any(map(TEMPLATE.search, names))
    return isinstance(node, UnknownNode)


def usable(node: Node, faulty: set[int]) -> Node:
    """The tree with what is wrong in it unknown, and without the entries that do not belong."""
    if id(node) in faulty:
        return UnknownNode(node.span, node.trace)
    if isinstance(node, MappingNode):
        entries = tuple(
            Entry(entry.key, usable(entry.value, faulty))
            for entry in node.entries
            if id(entry) not in faulty
        )
        return MappingNode(entries, node.span, node.trace)
    if isinstance(node, SequenceNode):
        return replace(node, items=tuple(usable(item, faulty) for item in node.items))
    return node
