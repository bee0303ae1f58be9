"""How YAML writes a text: plain, quoted, literal and folded, each decoded with its places."""

from __future__ import annotations

import re
from dataclasses import field

from flowctl.dataclass import dataclass
from flowctl.syntax.layout import Decoder, Tape

_BREAK = re.compile(r"\r\n|\r|\n")
# A line break within a scalar takes the blanks around it, and further empty lines, with it.
_FOLD = r"(?P<fold>[ \t]*+[\r\n][ \t\r\n]*+)"
_PLAIN = re.compile(_FOLD + r"|(?P<text>[ \t]++|[^ \t\r\n]++)")
_SINGLE = re.compile(_FOLD + r"|(?P<text>[ \t]++|[^ \t\r\n']++)|(?P<quote>'')")
_DOUBLE = re.compile(
    _FOLD
    + r"|(?P<text>[ \t]++|[^ \t\r\n\\]++)"
    + r"|\\(?P<joined>(?:\r\n|\r|\n)[ \t\r\n]*+)"
    + r"|\\(?:x(?P<x>[0-9a-fA-F]{2})|u(?P<u>[0-9a-fA-F]{4})|U(?P<U>[0-9a-fA-F]{8})|(?P<letter>.))"
)
_ESCAPES = {
    **dict(zip("0abt\tnvfre", "\0\a\b\t\t\n\v\f\r\x1b", strict=True)),
    **{itself: itself for itself in " \"'/\\"},
    "N": "\x85",
    "_": "\xa0",
    "L": "\u2028",
    "P": "\u2029",
}
_HEADER = re.compile(r"[|>](?P<options>[-+0-9]*)[^\r\n]*(?:\r\n|\r|\n)?")
_LINE = re.compile(r"(?P<indent> *+)(?P<content>[^\r\n]*+)(?P<end>\r\n|\r|\n)?")


def plain(text: str, start: int, end: int, expected: str) -> Tape:
    """Without quotes: line breaks fold."""
    tape = Tape()
    for part in _PLAIN.finditer(text, start, end):
        if part["fold"]:
            _fold(tape, text, part.start(), part.end())
        else:
            tape.copy(text, part.start(), part.end())
    return tape


def single_quoted(text: str, start: int, end: int, expected: str) -> Tape:
    """In single quotes: line breaks fold, and a quote is written twice."""
    tape = Tape()
    for part in _SINGLE.finditer(text, start + 1, end - 1):
        if part["fold"]:
            _fold(tape, text, part.start(), part.end())
        elif part["quote"]:
            tape.write("'", part.start(), part.end())
        else:
            tape.copy(text, part.start(), part.end())
    return tape


def double_quoted(text: str, start: int, end: int, expected: str) -> Tape:
    """In double quotes: line breaks fold or are escaped away, and a backslash escapes."""
    tape = Tape()
    for part in _DOUBLE.finditer(text, start + 1, end - 1):
        if part["fold"]:
            _fold(tape, text, part.start(), part.end())
        elif part["text"]:
            tape.copy(text, part.start(), part.end())
        elif part["joined"]:
            _breaks(tape, text, part.start("joined"), part.end(), skip=1)
        else:
            tape.write(_unescape(part), part.start(), part.end())
    return tape


def block(text: str, start: int, end: int, expected: str) -> Tape:
    """A literal or folded block, its header first.

    Its indentation counts from a parent that is not seen here, so it is taken from the expected
    text: what its first line has there is no indentation.
    """
    header = _HEADER.match(text, start, end)
    if header is None:
        return Tape()
    lines = _lines(text, header.end(), end)
    indent = max(0, _leading(lines) - _leading_in(expected))
    return _unfold(lines, text, indent, header["options"], folded=text[start] == ">")


DECODERS: dict[str | None, Decoder] = {
    None: plain,
    "": plain,
    "'": single_quoted,
    '"': double_quoted,
    "|": block,
    ">": block,
}


def _fold(tape: Tape, text: str, start: int, end: int) -> None:
    breaks = list(_BREAK.finditer(text, start, end))
    if len(breaks) == 1:
        tape.write(" ", breaks[0].start(), breaks[0].end())
    for found in breaks[1:]:
        tape.write("\n", found.start(), found.end())


def _breaks(tape: Tape, text: str, start: int, end: int, skip: int) -> None:
    for found in list(_BREAK.finditer(text, start, end))[skip:]:
        tape.write("\n", found.start(), found.end())


def _unescape(part: re.Match[str]) -> str:
    digits = part["x"] or part["u"] or part["U"]
    if not digits:
        return _ESCAPES.get(part["letter"], "")
    point = int(digits, 16)
    return chr(point) if point <= 0x10FFFF else ""


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    indent: int
    end: int
    break_end: int

    @property
    def blank(self) -> bool:
        return self.start + self.indent == self.end

    def holds(self, indent: int) -> bool:
        """Whether it has content at this indentation, be it more spaces."""
        return self.indent >= indent and self.start + indent < self.end


def _lines(text: str, start: int, end: int) -> list[_Line]:
    lines = []
    while start < end:
        found = _LINE.match(text, start, end)
        if found is None:
            break
        lines.append(_Line(start, len(found["indent"]), found.end("content"), found.end()))
        start = found.end()
    return lines


def _leading(lines: list[_Line]) -> int:
    """The spaces before the first line that holds text, else those of the longest line."""
    first = next((line.indent for line in lines if not line.blank), None)
    return first if first is not None else max((line.indent for line in lines), default=0)


def _leading_in(text: str) -> int:
    """The same for a text that is decoded."""
    before = text[: len(text) - len(text.lstrip(" \n"))]
    if before == text:
        return max(map(len, text.split("\n")))
    return len(before) - len(before.rstrip(" "))


@dataclass(slots=True)
class _Breaks:
    """The line ends since the last content: that of the line itself, and those of empty lines."""

    own: _Line | None = None
    empty: list[_Line] = field(default_factory=list)


def _unfold(lines: list[_Line], text: str, indent: int, options: str, folded: bool) -> Tape:
    tape = Tape()
    waiting = _Breaks()
    was_indented = False
    for line in lines:
        if not line.holds(indent):
            waiting.empty.append(line)
            continue
        indented = text[line.start + indent] in " \t"
        if folded and waiting.own is not None and not indented and not was_indented:
            if not waiting.empty:
                tape.write(" ", waiting.own.end, waiting.own.break_end)
        elif waiting.own is not None:
            _newline(tape, waiting.own)
        for empty in waiting.empty:
            _newline(tape, empty)
        tape.copy(text, line.start + indent, line.end)
        was_indented = indented
        waiting = _Breaks(line)
    if "-" not in options and waiting.own is not None:
        _newline(tape, waiting.own)
    if "+" in options:
        for empty in waiting.empty:
            _newline(tape, empty)
    return tape


def _newline(tape: Tape, line: _Line) -> None:
    if line.break_end > line.end:
        tape.write("\n", line.end, line.break_end)
