"""Where a step's tree holds run-time expressions: its `if`, and `${{ }}` inside of strings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from flowctl.syntax.node import MappingNode, Node, ScalarNode, SequenceNode

# The end of a hole is looked for outside of quotes, which may hold braces.
_HOLE = re.compile(r"\$\{\{((?:[^'\"}]|'[^']*'|\"[^\"]*\"|\}(?!\}))*)\}\}")


@dataclass(frozen=True, slots=True)
class RuntimeText:
    """An expression, and the scalar below the step's `key` that holds it from `start` on."""

    key: str
    node: ScalarNode
    expression: str
    start: int


def condition(step: MappingNode) -> RuntimeText | None:
    """The step's `if`, which may be wrapped in `${{ }}` as a whole."""
    node = step.get("if")
    if not isinstance(node, ScalarNode) or node.value is None:
        return None
    text = str(node.value).lower() if isinstance(node.value, bool) else str(node.value)
    wrapped = _HOLE.fullmatch(text.strip())
    if wrapped is None:
        return RuntimeText("if", node, text, 0)
    return RuntimeText("if", node, wrapped[1], text.index("${{") + 3)


def holes(key: str, node: Node) -> Iterator[RuntimeText]:
    """The `${{ }}` in all strings of a tree."""
    if isinstance(node, ScalarNode):
        if isinstance(node.value, str) and "${{" in node.value:
            for found in _HOLE.finditer(node.value):
                yield RuntimeText(key, node, found[1], found.start(1))
    elif isinstance(node, MappingNode):
        for entry in node.entries:
            yield from holes(key, entry.value)
    elif isinstance(node, SequenceNode):
        for item in node.items:
            yield from holes(key, item)


def interpolated(step: MappingNode) -> Iterator[RuntimeText]:
    """All run-time expressions of a step."""
    guard = condition(step)
    if guard is not None:
        yield guard
    for entry in step.entries:
        if entry.name != "if":
            yield from holes(entry.name, entry.value)
