"""Tells a fault that was found in a plain value at the place where that value was written."""

from __future__ import annotations

from flowctl.diagnostics import Diagnostic, Fault
from flowctl.syntax.node import MappingNode, Node, Pointer, ScalarNode, SequenceNode


def diagnosed(fault: Fault, node: Node) -> Diagnostic:
    """The diagnostic of a fault in the value of this node, with the chain that made the part."""
    part = _part(node, fault.pointer, key=fault.key)
    span = part.span
    if isinstance(part, ScalarNode) and fault.start is not None:
        span = part.at(fault.start, fault.end if fault.end is not None else fault.start)
    return Diagnostic(fault.code, fault.message, span, fault.help, trace=part.trace)


def _part(node: Node, pointer: Pointer, *, key: bool) -> Node:
    """The part at a pointer, or the nearest one around it that was written."""
    for depth, step in enumerate(pointer):
        below: Node | None = None
        if isinstance(node, MappingNode):
            entry = node.entry(str(step))
            if entry is not None and key and depth == len(pointer) - 1:
                return entry.key
            below = entry.value if entry is not None else None
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.items):
            below = node.items[step]
        if below is None:
            return node
        node = below
    return node
