"""Colours, by what a text is and not by how it looks; and text that no terminal can misread."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal, TypeAlias

from flowctl.dataclass import dataclass

Role: TypeAlias = Literal["error", "warning", "note", "strong", "frame", "help", "good", "quiet"]

_CODES: dict[Role, str] = {
    "error": "1;31",
    "warning": "1;33",
    "note": "1;36",
    "strong": "1",
    "frame": "34",
    "help": "1;32",
    "good": "32",
    "quiet": "2",
}
_TAB = 4
# Controls move the cursor or change colours, directional marks reorder what is read.
_UNSAFE = re.compile(
    r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True)
class Paint:
    r"""Colours a text where colours are wanted, and leaves it alone elsewhere.

    >>> Paint(False)("error", "no"), Paint(True)("error", "no")
    ('no', '\x1b[1;31mno\x1b[0m')
    """

    on: bool

    def __call__(self, role: Role, text: str) -> str:
        return f"\x1b[{_CODES[role]}m{text}\x1b[0m" if self.on and text else text


def safe(text: str) -> str:
    r"""One line of plain text: breaks become blanks, control characters a replacement mark.

    >>> safe("a\n  b\x1b[31m")
    'a b\ufffd[31m'
    """
    return _UNSAFE.sub("\ufffd", re.sub(r"\s*[\r\n]\s*", " ", text)).expandtabs(_TAB)


def cells(line: str) -> Iterator[tuple[str, int]]:
    r"""Each character as a terminal shows it, and how many columns it takes.

    >>> list(cells("a\t漢e\u0301"))
    [('a', 1), ('   ', 3), ('漢', 2), ('e', 1), ('\u0301', 0)]
    """
    column = 0
    for character in line:
        if character == "\t":
            shown = " " * (_TAB - column % _TAB)
            wide = len(shown)
        elif _UNSAFE.match(character):
            shown, wide = "\ufffd", 1
        else:
            shown, wide = character, _width(character)
        column += wide
        yield shown, wide


def width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return len(text) if text.isascii() else sum(wide for _, wide in cells(text))


def _width(character: str) -> int:
    if character.isascii():
        return 1
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, room: int) -> str:
    """A text that takes at most so many columns, with a mark where something was cut.

    >>> cut("abcdef", 4), cut("漢字", 3), cut("abc", 3)
    ('abc…', '漢…', 'abc')
    """
    if width(text) <= room:
        return text
    kept, used = [], 1
    for part, wide in cells(text):
        used += wide
        if used > room:
            break
        kept.append(part)
    return "".join(kept) + "…"
