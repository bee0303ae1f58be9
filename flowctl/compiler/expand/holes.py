"""Cuts a text into what stands for itself and the `{{ }}` in it; `${{ }}` is left alone."""

from __future__ import annotations

import re
from typing import TypeAlias

from flowctl.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """`text[start:end]` stands for itself."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Hole:
    """`text[start:end]` is a template, whose expression begins at the offset `inner`."""

    start: int
    end: int
    inner: int
    expression: str


@dataclass(frozen=True, slots=True)
class Unclosed:
    """A template begins at `start` and never ends."""

    start: int
    end: int


Piece: TypeAlias = "Text | Hole | Unclosed"

_OPENING = re.compile(r"\$?\{\{")
# Quoted texts as Jinja and as SQL write them; braces inside them count for nothing.
_IN_TEMPLATE = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[{}]""", re.DOTALL)
_AT_RUN_TIME = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[{}]""")


def cut(text: str) -> tuple[Piece, ...]:
    """The pieces of a text in their order; `{{-` and `-}}` take the white space beside them away.

    >>> [type(piece).__name__ for piece in cut("a{{ x }}${{ y }}b")]
    ['Text', 'Hole', 'Text']
    """
    pieces: list[Piece] = []
    done = position = 0
    while (opening := _OPENING.search(text, position)) is not None:
        start, inner = opening.span()
        at_run_time = text[start] == "$"
        end = _closing(text, inner, _AT_RUN_TIME if at_run_time else _IN_TEMPLATE)
        if at_run_time:
            position = end if end is not None else inner
            continue
        before = start
        if text[inner : inner + 1] in ("-", "+"):
            before = len(text[:start].rstrip()) if text[inner] == "-" else start
            inner += 1
        if before > done:
            pieces.append(Text(done, before))
        if end is None:
            return (*pieces, Unclosed(start, inner))
        closing = end - 3 if text[end - 3] == "-" and end - 3 >= inner else end - 2
        pieces.append(Hole(start, end, inner, text[inner:closing]))
        done = position = end
        if closing == end - 3:
            done = len(text) - len(text[end:].lstrip())
            position = done
    if done < len(text):
        pieces.append(Text(done, len(text)))
    return tuple(pieces)


def _closing(text: str, position: int, tokens: re.Pattern[str]) -> int | None:
    """Where the text goes on behind the braces that were opened before `position`."""
    depth = 0
    for token in tokens.finditer(text, position):
        if token[0] == "{":
            depth += 1
        elif token[0] == "}" and depth:
            depth -= 1
        elif token[0] == "}" and text.startswith("}", token.end()):
            return token.end() + 1
    return None
