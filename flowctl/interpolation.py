"""`${{ expression }}` inside of strings: found, checked, made canonical, and given its value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault
from flowctl.expressions import Tree, canonical, check
from flowctl.expressions.interpolation import Expression, split
from flowctl.expressions.scope import Scope
from flowctl.syntax.node import Json, Pointer


@dataclass(frozen=True, slots=True)
class Hole:
    """One `${{ … }}`: where it stands in its string, and the expression from `inner` on."""

    start: int
    end: int
    expression: str
    inner: int


def holes(text: str) -> list[Hole]:
    """The holes of a string, in order; what is never closed is none.

    >>> holes("a ${{ x }} b")
    [Hole(start=2, end=10, expression='x', inner=6)]
    """
    found: list[Hole] = []
    position = 0
    for piece in split(text)[0]:
        behind = piece.end
        if isinstance(piece, Expression):
            behind = text.index("}}", piece.end) + 2
            found.append(Hole(position, behind, piece.text, piece.start))
        position = behind
    return found


def expressions_in(value: Json | Mapping[str, Json]) -> Iterator[str]:
    """The expressions in the holes of all texts of a value.

    >>> list(expressions_in({"a": ["${{ x }}", 1], "b": "${{ y }} and ${{ x }}"}))
    ['x', 'y', 'x']
    """
    if isinstance(value, str):
        yield from (hole.expression for hole in holes(value)) if "${{" in value else ()
    elif isinstance(value, Mapping | list):
        below: Iterable[Json] = value.values() if isinstance(value, Mapping) else value
        for item in below:
            yield from expressions_in(item)


@dataclass(frozen=True, slots=True)
class CheckedText:
    """A string whose holes hold canonical expressions; the tree of a wrong one is None."""

    text: str
    trees: tuple[Tree | None, ...]
    faults: tuple[Fault, ...]


def checked_text(text: str, scope: Scope, pointer: Pointer) -> CheckedText:
    """Checks all that stands in `${{ }}`; the text of what is wrong stays as it was."""
    found = holes(text)
    faults = [fault.below(*pointer) for fault in split(text)[1]]
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
    'a X b'
    """
    pieces: list[str] = []
    position = 0
    for hole in holes(text):
        pieces += [text[position : hole.start], value(hole.expression)]
        position = hole.end
    return "".join(pieces) + text[position:]


def _shifted(fault: Fault, hole: Hole, pointer: Pointer) -> Fault:
    start = hole.inner + (fault.start or 0)
    end = hole.inner + (len(hole.expression) if fault.end is None else fault.end)
    return replace(fault, pointer=pointer, start=start, end=end)
