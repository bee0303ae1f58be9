"""`${{ expression }}` inside of strings: found, checked, made canonical, and given its value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from flowctl.codes.expressions import INTERPOLATION
from flowctl.diagnostics import Fault
from flowctl.expressions import Tree, canonical, check
from flowctl.expressions.scope import Scope
from flowctl.syntax.node import Pointer

# The end of a hole is looked for outside of quotes, which may hold braces.
_HOLE: Final = re.compile(r"\$\{\{((?:[^'\"}]|'[^']*'|\"[^\"]*\"|\}(?!\}))*)\}\}")
_OPENING: Final = "${{"


@dataclass(frozen=True, slots=True)
class Hole:
    """One `${{ … }}`: where it stands in its string, and the expression inside."""

    start: int
    end: int
    expression: str

    @property
    def inner(self) -> int:
        """Where the expression begins."""
        return self.start + len(_OPENING)


def holes(text: str) -> list[Hole]:
    """The holes of a string, in order.

    >>> holes("a ${{ x }} b")
    [Hole(start=2, end=10, expression=' x ')]
    """
    return [Hole(found.start(), found.end(), found[1]) for found in _HOLE.finditer(text)]


@dataclass(frozen=True, slots=True)
class CheckedText:
    """A string whose holes hold canonical expressions; the tree of a wrong one is None."""

    text: str
    trees: tuple[Tree | None, ...]
    faults: tuple[Fault, ...]


def checked_text(text: str, scope: Scope, pointer: Pointer) -> CheckedText:
    """Checks all that stands in `${{ }}`; the text of what is wrong stays as it was."""
    found = holes(text)
    faults = list(_unclosed(text, found, pointer))
    trees: list[Tree | None] = []
    pieces: list[str] = []
    position = 0
    for hole in found:
        checked = check(hole.expression, scope)
        faults += [_shifted(fault, hole, pointer) for fault in checked.faults]
        trees.append(checked.tree)
        pieces.append(text[position : hole.start])
        written = text[hole.start : hole.end]
        pieces.append(written if checked.tree is None else f"${{{{ {canonical(checked.tree)} }}}}")
        position = hole.end
    return CheckedText("".join(pieces) + text[position:], tuple(trees), tuple(faults))


def interpolated(text: str, value: Callable[[str], str]) -> str:
    """The string with the value of each expression in its place.

    >>> interpolated("a ${{ x }} b", str.upper)
    'a  X  b'
    """
    return _HOLE.sub(lambda found: value(found[1]), text)


def _unclosed(text: str, found: list[Hole], pointer: Pointer) -> Iterator[Fault]:
    ends = {hole.start: hole.end for hole in found}
    position = text.find(_OPENING)
    while position >= 0:
        behind = ends.get(position)
        if behind is None:
            behind = position + len(_OPENING)
            message = "`${{` is never closed; a run-time expression ends with `}}`"
            yield Fault(INTERPOLATION, message, pointer, position, behind)
        position = text.find(_OPENING, behind)


def _shifted(fault: Fault, hole: Hole, pointer: Pointer) -> Fault:
    start = hole.inner + (fault.start or 0)
    end = hole.inner + (len(hole.expression) if fault.end is None else fault.end)
    return replace(fault, pointer=pointer, start=start, end=end)
