"""Where a step's tree holds run-time expressions: its `if`, and `${{ }}` inside of strings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flowctl.dataclass import dataclass
from flowctl.interpolation import Hole, holes
from flowctl.syntax.node import MappingNode, Node, ScalarNode, SequenceNode


@dataclass(frozen=True, slots=True)
class RuntimeText:
    """An expression, and the scalar below the step's `key` that holds it from `start` on.

    `opens` and `closes` are the offsets of what stands around it, the `${{` and the `}}`.
    """

    key: str
    node: ScalarNode
    expression: str
    start: int
    opens: int
    closes: int


def condition(step: MappingNode) -> RuntimeText | None:
    """The step's `if`, which may stand in `${{ }}` as a whole."""
    node = step.get("if")
    if not isinstance(node, ScalarNode) or node.value is None:
        return None
    return whole_text("if", node)


def whole_text(key: str, node: ScalarNode) -> RuntimeText:
    """A scalar that is an expression, which may stand in `${{ }}` as a whole."""
    text = str(node.value).lower() if isinstance(node.value, bool) else str(node.value)
    found = holes(text)
    if len(found) == 1 and not (text[: found[0].start] + text[found[0].end :]).strip():
        return _of_hole(key, node, found[0])
    return RuntimeText(key, node, text, 0, 0, len(text))


def fan_out(step: MappingNode) -> RuntimeText | None:
    """The step's `foreach`, if it is one `${{ }}` as a whole."""
    node = step.get("foreach")
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        return None
    found = holes(node.value)
    if len(found) != 1 or (node.value[: found[0].start] + node.value[found[0].end :]).strip():
        return None
    return _of_hole("foreach", node, found[0])


def texts_below(key: str, node: Node) -> Iterator[RuntimeText]:
    """The `${{ }}` in all strings of a tree."""
    if isinstance(node, ScalarNode):
        if isinstance(node.value, str) and "${{" in node.value:
            for hole in holes(node.value):
                yield _of_hole(key, node, hole)
    elif isinstance(node, MappingNode):
        for entry in node.entries:
            yield from texts_below(key, entry.value)
    elif isinstance(node, SequenceNode):
        for item in node.items:
            yield from texts_below(key, item)


def runtime_texts(step: MappingNode, actions: Sequence[MappingNode]) -> Iterator[RuntimeText]:
    """The run-time expressions of a step: its `if`, its `foreach`, and those of its actions."""
    for own in (condition(step), fan_out(step)):
        if own is not None:
            yield own
    for action in actions:
        for entry in action.entries:
            yield from texts_below(entry.name, entry.value)


def _of_hole(key: str, node: ScalarNode, hole: Hole) -> RuntimeText:
    return RuntimeText(key, node, hole.expression, hole.inner, hole.start, hole.end)
