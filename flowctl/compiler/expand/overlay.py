"""The one overlay rule: JSON Merge Patch (RFC 7396), on located trees."""

from __future__ import annotations

from collections.abc import Callable

from flowctl.syntax.node import Entry, MappingNode, Node, ScalarNode, UnknownNode

Head = Callable[[Node], Node]
"""Follows the references at the top of a tree, so that it can be seen what stands there."""


def overlay(base: Node, patch: Node, head: Head) -> Node:
    """Lays a patch over a tree: mappings merge, anything else replaces, `null` removes.

    Keys keep the order of the base; new ones follow in the order of the patch.
    """
    patch = head(patch) if isinstance(patch, MappingNode) else patch
    if not isinstance(patch, MappingNode):
        return patch
    base = head(base) if isinstance(base, MappingNode) else base
    if isinstance(base, UnknownNode):
        return base
    if not isinstance(base, MappingNode):
        return without_nulls(patch)
    patches = {entry.name: entry for entry in patch.entries}
    entries: list[Entry] = []
    for entry in base.entries:
        change = patches.pop(entry.name, None)
        if change is None:
            entries.append(entry)
        elif not is_null(change.value):
            entries.append(Entry(change.key, overlay(entry.value, change.value, head)))
    entries += (
        Entry(entry.key, without_nulls(entry.value))
        for entry in patches.values()
        if not is_null(entry.value)
    )
    return MappingNode(tuple(entries), patch.span, patch.trace)


def without_nulls(node: Node) -> Node:
    """A patch laid over nothing; the very node, where it has no null to remove."""
    if not isinstance(node, MappingNode):
        return node
    kept = [
        Entry(entry.key, below)
        if (below := without_nulls(entry.value)) is not entry.value
        else entry
        for entry in node.entries
        if not is_null(entry.value)
    ]
    same = len(kept) == len(node.entries) and all(
        new is old for new, old in zip(kept, node.entries, strict=True)
    )
    return node if same else MappingNode(tuple(kept), node.span, node.trace)


def is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value is None
