"""How TOML writes a text: basic, literal, and both over several lines."""

from __future__ import annotations

import re

from flowctl.syntax.layout import Decoder, Tape

_PART = re.compile(
    r"(?P<text>[^\\\r\n]++)|(?P<end>\r\n|\n)"
    r"|\\(?:u(?P<u>[0-9a-fA-F]{4})|U(?P<U>[0-9a-fA-F]{8})|(?P<joined>[ \t]*(?:\r\n|\n)[ \t\r\n]*+)"
    r"|(?P<letter>.))"
)
_LITERAL = re.compile(r"(?P<text>[^\r\n]++)|(?P<end>\r\n|\n)")
_FIRST_BREAK = re.compile(r"(?:\r\n|\n)?")
_ESCAPES = dict(zip('btnfr"\\', '\b\t\n\f\r"\\', strict=True))


def decoder(text: str, start: int) -> Decoder:
    """The decoder for the string or key that begins at an offset."""
    if text.startswith(('"""', "'''"), start):
        return _basic_lines if text[start] == '"' else _literal_lines
    return {'"': _basic, "'": _literal}.get(text[start], _bare)


def verbatim(text: str, start: int, end: int, expected: str) -> Tape:
    """A date, each of whose characters stands where it is written, be it in another form."""
    return Tape(list(expected), list(range(start, end)), list(range(start + 1, end + 1)))


def _bare(text: str, start: int, end: int, expected: str) -> Tape:
    tape = Tape()
    tape.copy(text, start, end)
    return tape


def _literal(text: str, start: int, end: int, expected: str) -> Tape:
    return _bare(text, start + 1, end - 1, expected)


def _literal_lines(text: str, start: int, end: int, expected: str) -> Tape:
    return _read(_LITERAL, text, _first(text, start + 3), end - 3)


def _basic(text: str, start: int, end: int, expected: str) -> Tape:
    return _read(_PART, text, start + 1, end - 1)


def _basic_lines(text: str, start: int, end: int, expected: str) -> Tape:
    return _read(_PART, text, _first(text, start + 3), end - 3)


def _first(text: str, start: int) -> int:
    """A line end right after the opening quotes is no part of the text."""
    found = _FIRST_BREAK.match(text, start)
    return found.end() if found else start


def _read(pattern: re.Pattern[str], text: str, start: int, end: int) -> Tape:
    tape = Tape()
    for part in pattern.finditer(text, start, end):
        groups = part.groupdict()
        if groups["text"]:
            tape.copy(text, part.start(), part.end())
        elif groups["end"]:
            tape.write("\n", part.start(), part.end())
        elif digits := groups["u"] or groups["U"]:
            tape.write(chr(min(int(digits, 16), 0x10FFFF)), part.start(), part.end())
        elif groups["letter"]:
            tape.write(_ESCAPES.get(groups["letter"], ""), part.start(), part.end())
    return tape
