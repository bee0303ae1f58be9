"""Finds `${{ expression }}` in a string; the end is where the expression's own quotes allow it."""

from __future__ import annotations

import re
from typing import Final

from flowctl.codes.expressions import INTERPOLATION
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault


@dataclass(frozen=True, slots=True)
class Text:
    """A stretch that stands for itself; `start` and `end` are offsets into the string."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Expression:
    """The text between `${{` and `}}`, without the space around it; offsets are the text's."""

    text: str
    start: int
    end: int


Piece = Text | Expression

_OPENING: Final = "${{"
_INSIDE: Final = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|/\*.*?\*/|--[^\n]*|\{|\}\}|\}|\$\{\{|[^'"/{}$-]+|.""",
    re.DOTALL,
)


def split(text: str) -> tuple[tuple[Piece, ...], tuple[Fault, ...]]:
    """The pieces of a string in their order, and a fault for each `${{` that is never closed.

    >>> pieces, faults = split("n=${{ steps.a.written }}!")
    >>> [piece.text for piece in pieces]
    ['n=', 'steps.a.written', '!']
    """
    pieces: list[Piece] = []
    faults: list[Fault] = []
    position = 0
    while True:
        opening = text.find(_OPENING, position)
        if opening < 0:
            break
        inside = opening + len(_OPENING)
        closing = _closing(text, inside)
        if closing is None:
            message = "`${{` has no `}}` behind it"
            faults.append(Fault(INTERPOLATION, message, start=opening, end=inside))
            break
        if opening > position:
            pieces.append(Text(text[position:opening], position, opening))
        pieces.append(_expression(text, inside, closing))
        position = closing + 2
    if position < len(text):
        pieces.append(Text(text[position:], position, len(text)))
    return tuple(pieces), tuple(faults)


def _expression(text: str, start: int, end: int) -> Expression:
    inner = text[start:end]
    lead = len(inner) - len(inner.lstrip())
    stripped = inner.strip()
    return Expression(stripped, start + lead, start + lead + len(stripped))


def _closing(text: str, position: int) -> int | None:
    """Where `}}` stands outside quotes, comments and the braces of a struct."""
    depth = 0
    while position < len(text):
        found = _INSIDE.match(text, position)
        assert found is not None
        mark = found.group()
        if mark == _OPENING:
            return None
        if mark == "}}" and depth < 2:
            # `{'a': 1}}}`: the first brace closes the struct.
            if depth == 0:
                return position
            position += 1
            depth -= 1
            continue
        if mark == "{":
            depth += 1
        elif mark == "}}":
            depth -= 2
        elif mark == "}":
            depth -= 1
        position = found.end()
    return None
