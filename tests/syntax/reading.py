"""Reads texts for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

from flowctl.diagnostics import Report
from flowctl.syntax import SourceFile, parse
from flowctl.syntax.node import MappingNode, Node, ScalarNode, SequenceNode, find

Found = tuple[str, int, int]


def read(text: str, name: str = "/project/flow.yaml") -> tuple[Node | None, list[Found]]:
    """The tree of a text, and the code, line and column of each fault."""
    report = Report()
    node = parse(SourceFile(name, text), report)
    return node, places(report)


def places(report: Report) -> list[Found]:
    """The code, line and column of each fault."""
    return [(found.code.id, found.span.line, found.span.column) for found in report if found.span]


def tree(text: str, name: str = "/project/flow.yaml") -> Node:
    """The tree of a text without faults."""
    node, found = read(text, name)
    assert node is not None
    assert found == []
    return node


def at(node: Node, *pointer: str | int) -> Node:
    """The node at a pointer, which has to be there."""
    below = find(node, pointer)
    assert below is not None, pointer
    return below


def scalar(node: Node, *pointer: str | int) -> ScalarNode:
    """The scalar at a pointer, which has to be there."""
    below = at(node, *pointer)
    assert isinstance(below, ScalarNode)
    return below


def scalars(node: Node) -> Iterator[ScalarNode]:
    """All keys and scalars of a tree."""
    if isinstance(node, ScalarNode):
        yield node
    elif isinstance(node, MappingNode):
        for entry in node.entries:
            yield entry.key
            yield from scalars(entry.value)
    elif isinstance(node, SequenceNode):
        for item in node.items:
            yield from scalars(item)


def nodes(node: Node) -> Iterator[Node]:
    """All nodes of a tree, keys too."""
    yield node
    if isinstance(node, MappingNode):
        for entry in node.entries:
            yield entry.key
            yield from nodes(entry.value)
    elif isinstance(node, SequenceNode):
        for item in node.items:
            yield from nodes(item)
