"""JSON into the located tree, for the files that a `$ref` names."""

from __future__ import annotations

import re
from dataclasses import field

from flowctl.codes.syntax import (
    CONTROL_CHARACTER,
    EMPTY_DOCUMENT,
    ESCAPE,
    NUMBER,
    SYNTAX,
    TEXT_AFTER_VALUE,
    UNCLOSED_BRACKET,
    UNCLOSED_QUOTE,
)
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Code, Report, Span
from flowctl.syntax.bounds import MAX_DEPTH, MAX_NODES, OutOfBounds, refuse_depth, refuse_size
from flowctl.syntax.core import TooLarge, resolve
from flowctl.syntax.layout import Tape, TextLayout
from flowctl.syntax.mapping import MappingBuilder
from flowctl.syntax.node import MappingNode, Node, ScalarNode, SequenceNode, UnknownNode
from flowctl.syntax.source import SourceFile

_TOKEN = re.compile(
    r'[ \t\r\n]*+(?:(?P<mark>[\[\]{},:])|(?P<string>"(?:[^"\\\r\n]|\\.)*+(?P<closed>")?)'
    r"|(?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?![\w.]))"
    r"|(?P<word>true|false|null)(?!\w)|(?P<wrong>[^\s,\]}]+|.)|(?P<end>\Z))",
    re.DOTALL,
)
_PART = re.compile(
    r"(?P<text>[^\\]++)|\\u(?P<high>[dD][89abAB][0-9a-fA-F]{2})\\u(?P<low>[dD][c-fC-F][0-9a-fA-F]{2})"
    r'|\\u(?P<unit>[0-9a-fA-F]{4})|\\(?P<letter>["\\/bfnrt])|(?P<wrong>\\.?)',
    re.DOTALL,
)
_ESCAPES = dict(zip('"\\/bfnrt', '"\\/\b\f\n\r\t', strict=True))
_HALVES = ("d8", "d9", "da", "db", "dc", "dd", "de", "df")
_WORDS = {"true": True, "false": False, "null": None}
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_CLOSES = {"]": "[", "}": "{"}


def parse_json(source: SourceFile, report: Report) -> Node | None:
    """The tree of a JSON file; None where it is none, with the first fault in the report."""
    found = _FORBIDDEN.search(source.text)
    if found is not None:
        message = f"the character U+{ord(found[0]):04X} may not stand in JSON"
        report.say(CONTROL_CHARACTER, source.span(found.start(), found.end()), message)
        return None
    try:
        return _Reader(source, report).document()
    except (_Wrong, OutOfBounds):
        return None


class _Wrong(Exception):
    """The text is no JSON; the report says where."""


@dataclass(slots=True)
class _Open:
    start: int
    filling: MappingBuilder | list[Node]


@dataclass(slots=True)
class _Reader:
    """Reads one token after the other; what nests lies on a stack of its own."""

    source: SourceFile
    report: Report
    position: int = 0
    count: int = 0
    stack: list[_Open] = field(default_factory=list)

    def document(self) -> Node | None:
        if not self.source.text.strip():
            where = Span.point(self.source.name, 1, 1)
            self.report.say(EMPTY_DOCUMENT, where, "the document is empty")
            return None
        node = self._value(self._token())
        while self.stack:
            node = self._go_on(node)
        token = self._token()
        if not _is_end(token):
            raise self._wrong(token, "text stands after the end of the document", TEXT_AFTER_VALUE)
        return node

    def _go_on(self, node: Node | None) -> Node | None:
        """Adds a node to the innermost collection, and reads its next one or its end."""
        top = self.stack[-1]
        if node is not None:
            self._keep(top, node)
            token = self._token()
            if token["mark"] == ",":
                return self._member(top, self._token())
            return self._close(top, token, "a comma or the closing bracket is missing before this")
        token = self._token()
        if token["mark"] in _CLOSES:
            return self._close(top, token, "a value is missing before this")
        return self._member(top, token)

    def _member(self, top: _Open, token: re.Match[str]) -> Node | None:
        if isinstance(top.filling, list):
            return self._value(token)
        if not token["string"]:
            self._check_end(token)
            raise self._wrong(token, "a key in double quotes should stand here")
        self._keep(top, self._string(token))
        colon = self._token()
        if colon["mark"] != ":":
            self._check_end(colon)
            raise self._wrong(colon, "a colon should stand here")
        return self._value(self._token())

    def _value(self, token: re.Match[str]) -> Node | None:
        """The node of a value that is whole; None where a collection has been opened."""
        start, end = token.end() - len(token[0].lstrip(" \t\r\n")), token.end()
        span = self.source.span(start, end)
        if token["mark"] in ("[", "{"):
            if len(self.stack) >= MAX_DEPTH:
                raise refuse_depth(self.report, span)
            listed = token["mark"] == "["
            self.stack.append(_Open(start, [] if listed else MappingBuilder(merges=False)))
            return None
        if token["string"]:
            return self._string(token)
        if token["word"]:
            return ScalarNode(_WORDS[token["word"]], span, None, plain=True)
        if token["number"]:
            value = resolve(token["number"])
            if not isinstance(value, TooLarge):
                return ScalarNode(value, span, None, plain=True)
            self.report.say(NUMBER, span, f"this number {value.reason}")
            return UnknownNode(span)
        self._check_end(token)
        raise self._wrong(token, "a value should stand here")

    def _string(self, token: re.Match[str]) -> ScalarNode:
        start, end = token.span("string")
        if not token["closed"]:
            raise self._say(UNCLOSED_QUOTE, start, start + 1, 'this `"` is not closed')
        tape = _decode(self.source.text, start, end, "")
        for part in _PART.finditer(self.source.text, start + 1, end - 1):
            if part["wrong"] or (part["unit"] or "0").lower()[:2] in _HALVES:
                message = f"`{part[0].strip()}` is no escape in JSON"
                raise self._say(ESCAPE, part.start(), part.end(), message)
        layout = TextLayout(self.source, start, end, tape.text, _decode)
        return ScalarNode(tape.text, self.source.span(start, end), layout)

    def _close(self, top: _Open, token: re.Match[str], otherwise: str) -> Node:
        mark = token["mark"]
        opened = self.source.text[top.start]
        if mark not in _CLOSES or _CLOSES[mark] != opened:
            self._check_end(token)
            raise self._wrong(token, otherwise, UNCLOSED_BRACKET)
        self.stack.pop()
        span = self.source.span(top.start, token.end())
        if isinstance(top.filling, list):
            return SequenceNode(tuple(top.filling), span)
        for fault in top.filling.faults:
            self.report.add(fault)
        return MappingNode(top.filling.entries(), span)

    def _keep(self, top: _Open, node: Node) -> None:
        self.count += 1
        if self.count > MAX_NODES:
            raise refuse_size(self.report, node.span)
        if isinstance(top.filling, list):
            top.filling.append(node)
        else:
            top.filling.add(node, node.span)

    def _token(self) -> re.Match[str]:
        found = _TOKEN.match(self.source.text, self.position)
        assert found is not None, "the pattern matches anything"
        self.position = found.end()
        return found

    def _check_end(self, token: re.Match[str]) -> None:
        """A text that ends too early: what was opened last is what is not closed."""
        if _is_end(token) and self.stack:
            start = self.stack[-1].start
            message = f"this `{self.source.text[start]}` is not closed"
            raise self._say(UNCLOSED_BRACKET, start, start + 1, message)

    def _wrong(self, token: re.Match[str], message: str, code: Code = SYNTAX) -> _Wrong:
        start = token.end() - len(token[0].lstrip(" \t\r\n"))
        return self._say(code, start, token.end(), message)

    def _say(self, code: Code, start: int, end: int, message: str) -> _Wrong:
        self.report.say(code, self.source.span(start, end), message)
        return _Wrong()


def _is_end(token: re.Match[str]) -> bool:
    return token["end"] is not None


def _decode(text: str, start: int, end: int, expected: str) -> Tape:
    """A string with its quotes; two escapes that are halves of one character make that one."""
    tape = Tape()
    for part in _PART.finditer(text, start + 1, end - 1):
        if part["text"]:
            tape.copy(text, part.start(), part.end())
        elif part["high"]:
            high, low = int(part["high"], 16) - 0xD800, int(part["low"], 16) - 0xDC00
            tape.write(chr(0x10000 + (high << 10) + low), part.start(), part.end())
        elif part["unit"]:
            tape.write(chr(int(part["unit"], 16)), part.start(), part.end())
        elif part["letter"]:
            tape.write(_ESCAPES[part["letter"]], part.start(), part.end())
    return tape
