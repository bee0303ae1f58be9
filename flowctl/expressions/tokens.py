"""Cuts an expression's text into tokens; every token knows its offsets in code points."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from flowctl.codes.expressions import EXPRESSION_SYNTAX
from flowctl.diagnostics import Fault


class Token(NamedTuple):
    """`kind` is `name`, `quoted`, `string`, `number`, `operator` or `end`.

    `value` is a name in lower case, an operator as it stands, a number without underscores, and
    the text that a quoted name or a string means.
    """

    kind: str
    value: str
    start: int
    end: int


class SyntaxFault(Exception):
    """Stops the reading of one expression; never leaves this package."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def syntax_fault(message: str, start: int, end: int, help: str | None = None) -> SyntaxFault:
    """A fault of syntax at a stretch of the text."""
    return SyntaxFault(Fault(EXPRESSION_SYNTAX, message, start=start, end=end, help=help))


# What means nothing stands before a token; where none follows, the text ends or is unreadable.
_TOKEN: Final = re.compile(
    r"""
    (?: \s+ | --[^\n]* | /\*(?:[^*]|\*(?!/))*\*/ )*+
    (?:
      (?P<escaped> [eE]'(?:[^'\\]|''|\\.)*' )
    | (?P<number> (?: \d[\d_]*(?:\.[\d_]*)? | \.\d[\d_]* )(?:[eE][+-]?\d+)? )
    | (?P<name> [^\W\d][\w$]* )
    | (?P<string> '(?:[^']|'')*' )
    | (?P<quoted> "(?:[^"]|"")*" )
    | (?P<dollar> \$\$.*?\$\$ )
    | (?P<operator>
        ::|->>|->|\*\*|//|<=|>=|<>|!=|==|\|\||<<|>>|:=|=>|!~~\*|!~~|!~|~~~|~~\*|~~|\^@|@>|<@|&&
        |[-+*/%^<>=()\[\]{},.:;&|~@?$\#!] )
    )?+
    """,
    re.VERBOSE | re.DOTALL,
)
_UNCLOSED: Final = {
    "'": "the text that begins here has no closing quote",
    '"': "the name that begins here has no closing quote",
    "/": "the comment that begins here has no end",
}
_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ESCAPE: Final = re.compile(r"\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{1,2})|\\(.)", re.DOTALL)


def tokenize(text: str) -> list[Token]:
    """The tokens of the text, with an `end` token last; raises SyntaxFault.

    >>> [token.value for token in tokenize("Delay > 1_5 -- late")]
    ['delay', '>', '15', '']
    """
    tokens: list[Token] = []
    position, length = 0, len(text)
    match = _TOKEN.match
    while (found := match(text, position)) is not None and (kind := found.lastgroup) is not None:
        start, position = found.span(kind)
        if text.startswith("/*", start):
            raise _unreadable(text, start)
        tokens.append(_token(kind, found[kind], start, position))
    stopped = found.end() if found is not None else position
    if stopped < length:
        raise _unreadable(text, stopped)
    tokens.append(Token("end", "", length, length))
    return tokens


def _token(kind: str, raw: str, start: int, end: int) -> Token:
    if kind == "name":
        return Token("name", raw.lower(), start, end)
    if kind == "operator":
        return Token("operator", raw, start, end)
    if kind == "number":
        return Token("number", raw.replace("_", ""), start, end)
    if kind == "string":
        return Token("string", raw[1:-1].replace("''", "'"), start, end)
    if kind == "quoted":
        return Token("quoted", raw[1:-1].replace('""', '"'), start, end)
    if kind == "dollar":
        return Token("string", raw[2:-2], start, end)
    return Token("string", _ESCAPE.sub(_unescape, raw[2:-1].replace("''", "'")), start, end)


def _unescape(found: re.Match[str]) -> str:
    code = found[1] or found[2]
    return chr(int(code, 16)) if code else _ESCAPES.get(found[3], found[3])


def _unreadable(text: str, position: int) -> SyntaxFault:
    mark = text[position]
    if mark in _UNCLOSED:
        return syntax_fault(_UNCLOSED[mark], position, len(text))
    if mark == "`":
        help = "write text in single quotes and names in double quotes"
        return syntax_fault("a backquote has no meaning here", position, position + 1, help)
    return syntax_fault(f"the character `{mark}` has no meaning here", position, position + 1)
