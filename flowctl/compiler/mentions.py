"""The steps that run-time expressions name: `steps.load.written`, `steps.load['us,2012'].sink`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from flowctl.diagnostics import Fault
from flowctl.expressions.parse import parse
from flowctl.expressions.tree import Call, Literal, Name, Part, Tree, children


class Mention(NamedTuple):
    """A step's name with its stretch of the text; `cell` is the text of an index."""

    name: str
    cell: str | None
    start: int
    end: int


def mentions(expression: str) -> list[Mention]:
    """The steps named in an expression, in the order of the text; none where it cannot be read."""
    if "steps" not in expression:
        return []
    tree = parse(expression)
    return [] if isinstance(tree, Fault) else list(_below(tree))


def _below(tree: Tree) -> Iterator[Mention]:
    if isinstance(tree, Call) and tree.name == "[]" and len(tree.arguments) == 2:
        step, index = _step(tree.arguments[0]), tree.arguments[1]
        if step is not None and isinstance(index, Literal) and isinstance(index.value, str):
            yield Mention(step.text, index.value, step.start, step.end)
            return
    step = _step(tree)
    if step is not None:
        yield Mention(step.text, None, step.start, step.end)
    for child in children(tree):
        yield from _below(child)


def _step(tree: Tree) -> Part | None:
    if isinstance(tree, Name) and len(tree.parts) > 1 and not tree.parts[0].quoted:
        return tree.parts[1] if tree.parts[0].text == "steps" else None
    return None
