"""Where a parser of YAML has stopped, and what the text around that place looks like."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.tokens import (
    FlowMappingEndToken,
    FlowMappingStartToken,
    FlowSequenceEndToken,
    FlowSequenceStartToken,
)

from flowctl.dataclass import dataclass
from flowctl.diagnostics import Code, Diagnostic, Related, Span
from flowctl.syntax.source import SourceFile

_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*\"""")
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")
_SEPARATOR = re.compile(r":(?=\s|$)")
_VALUE_END = re.compile(r"[,\]}]")
_MARKERS = re.compile(r"\s*(?:- +)*")


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `shadow` is its text with quoted parts and comments blanked, as long as it."""

    number: int
    start: int
    text: str
    shadow: str

    @property
    def indent(self) -> int:
        """The column, from 0, at which it begins."""
        return len(self.text) - len(self.text.lstrip())

    @property
    def begins(self) -> int:
        """The column, from 0, of its key or text, after the dashes of lists."""
        found = _MARKERS.match(self.shadow)
        return found.end() if found else 0

    @property
    def ends(self) -> int:
        """The column after its last character that is no blank or comment."""
        return len(self.shadow.rstrip())

    @property
    def colon(self) -> int | None:
        """The column of the first colon that separates a key from a value."""
        found = _SEPARATOR.search(self.shadow, self.begins)
        return found.start() if found else None

    @property
    def value(self) -> int | None:
        """The column where the value of its key begins, if one stands on the line."""
        colon = self.colon
        if colon is None or not self.shadow[colon + 1 :].strip():
            return None
        return self.ends - len(self.shadow[colon + 1 : self.ends].lstrip())


@dataclass(frozen=True, slots=True)
class Before:
    """What stands before an offset: the last token, and the places of brackets.

    `brackets` are those that are open, `closed` is the opening one of the pair closed last.
    """

    token: Any
    brackets: tuple[int, ...]
    closed: int | None

    @property
    def reach(self) -> int:
        """How far the tokens go."""
        return int(self.token.end_mark.index) if self.token is not None else 0


@dataclass(frozen=True, slots=True)
class Trouble:
    """A parser's complaint: `at` is the offset it names, `since` that of what it was reading."""

    source: SourceFile
    said: str
    at: int
    since: int

    @property
    def character(self) -> str:
        return self.source.text[self.at : self.at + 1]

    def say(
        self,
        code: Code,
        start: int,
        end: int,
        message: str,
        help: str | None = None,
        related: tuple[Related, ...] = (),
    ) -> Diagnostic:
        return Diagnostic(code, message, self.span(start, end), help, related)

    def span(self, start: int, end: int) -> Span:
        return self.source.span(start, end)

    def line(self, offset: int) -> Line:
        return self.numbered(self.source.place(offset)[0])

    def numbered(self, number: int) -> Line:
        text = self.source.line(number)
        return Line(number, self.source.line_starts[number - 1], text, _shadow(text))

    def lines_above(self, line: Line) -> Iterator[Line]:
        """The lines above that hold something, the nearest first."""
        for number in range(line.number - 1, 0, -1):
            above = self.numbered(number)
            if above.shadow.strip():
                yield above

    def ends_line(self, offset: int) -> int:
        """The offset at which what begins here ends on its line, without a comment."""
        line = self.line(offset)
        return max(offset + 1, line.start + line.ends)

    def ends_value(self, offset: int) -> int:
        """The same, but inside brackets no further than to the next comma or closing bracket."""
        end = self.ends_line(offset)
        if not self.before(offset).brackets:
            return end
        line = self.line(offset)
        found = _VALUE_END.search(line.shadow, offset - line.start)
        stop = line.start + found.start() if found else end
        return max(offset + 1, min(end, stop))

    def opens_line(self, offset: int) -> bool:
        """Whether nothing but blanks stands before an offset on its line."""
        line = self.line(offset)
        return not line.text[: offset - line.start].strip()

    def before(self, offset: int) -> Before:
        """Reads the tokens up to an offset once more; only ever done for a text that is wrong."""
        # A scanner looks ahead, and loses the tokens in hand when it stumbles. Where that lies
        # behind the offset, the text up to the offset gives them.
        text = self.source.text
        readings = (_tokens(text, offset), _tokens(text[:offset], offset))
        return max(
            readings, key=lambda reading: reading.token.end_mark.index if reading.token else 0
        )


def _tokens(text: str, offset: int) -> Before:
    last: Any = None
    brackets: list[int] = []
    closed: int | None = None
    try:
        for token in YAML(typ="safe").scan(io.StringIO(text)):
            if token.start_mark.index >= offset:
                break
            if isinstance(token, FlowMappingStartToken | FlowSequenceStartToken):
                brackets.append(token.start_mark.index)
            elif isinstance(token, FlowMappingEndToken | FlowSequenceEndToken):
                closed = brackets.pop() if brackets else None
            if offset >= token.end_mark.index > token.start_mark.index:
                last = token
    except YAMLError:
        pass
    return Before(last, tuple(brackets), closed)


def _shadow(text: str) -> str:
    hidden = _QUOTED.sub(lambda found: "_" * len(found[0]), text)
    return _COMMENT.sub(lambda found: " " * len(found[0]), hidden)
