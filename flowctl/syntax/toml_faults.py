"""What tomllib says, in words of ours and at the place that the author has to mend."""

from __future__ import annotations

import re
from collections.abc import Callable

from flowctl.codes.syntax import (
    CONTROL_CHARACTER,
    DUPLICATE_KEY,
    ESCAPE,
    NO_KEY,
    SYNTAX,
    TEXT_AFTER_VALUE,
    UNCLOSED_BRACKET,
    UNCLOSED_QUOTE,
    UNKNOWN_VALUE,
)
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Code, Diagnostic
from flowctl.syntax.source import SourceFile

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]|\r(?!\n)")
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
# Whole strings and comments first, so that what is left of quotes and brackets is the document's.
_TOKEN = re.compile(
    r'''#[^\n]*|"""(?:[^"\\]|\\.|"(?!""))*"{3,5}|\'\'\'.*?\'{3,5}|(?P<triple>"""|\'\'\')'''
    r"""|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|(?P<quote>["'])|(?P<bracket>[\[\]{}])""",
    re.DOTALL,
)
_TWICE = r"overwrite|twice|immutable|redefine|Duplicate"
_WORD = re.compile(r"[^\s,\]}#=]+")
_PART_OF_WORD = re.compile(r"[\w.:+-]")
_STATEMENT = re.compile(r"""\s*(?:\[|[\w-]+(?:\s*\.\s*[\w-]+)*\s*=|["'].*["']\s*=)""")
_HEADER = re.compile(r"\[{1,2}[^\[\],]+\]{1,2}\s*(?:#|$)")
_CLOSES = {"]": "[", "}": "{"}


def forbidden_character(source: SourceFile) -> Diagnostic | None:
    """The first character that TOML does not allow anywhere."""
    found = _FORBIDDEN.search(source.text)
    if found is None:
        return None
    if found[0] == "\r":
        message = "a carriage return alone ends no line in TOML"
    else:
        message = f"the character U+{ord(found[0]):04X} may not stand in TOML"
    return Diagnostic(
        CONTROL_CHARACTER,
        message,
        source.span(found.start(), found.end()),
        help="remove it, or write its escape inside double quotes",
    )


def explain(source: SourceFile, error: ValueError) -> Diagnostic:
    """The diagnostic for an error of tomllib."""
    message = str(error)
    found = _PLACE.search(message)
    at = source.offset(int(found[1]), int(found[2])) if found and found[1] else len(source.text)
    trouble = _Trouble(source, message[: found.start()] if found else message, at)
    for pattern, handler in _SORTS:
        if pattern.search(trouble.said):
            return handler(trouble)
    return trouble.say(SYNTAX, at, at + 1, "this can mean nothing here")


def says_twice(error: ValueError) -> bool:
    """Whether tomllib has come to a key that stands twice; it does not say where the first is."""
    return re.search(_TWICE, str(error)) is not None


@dataclass(frozen=True, slots=True)
class _Trouble:
    """tomllib's complaint, and the offset that it names."""

    source: SourceFile
    said: str
    at: int

    def say(
        self, code: Code, start: int, end: int, message: str, help: str | None = None
    ) -> Diagnostic:
        last = len(self.source.text)
        return Diagnostic(code, message, self.source.span(start, min(end, last)), help)

    @property
    def character(self) -> str:
        return self.source.text[self.at : self.at + 1]

    @property
    def rest(self) -> str:
        """What follows on the line."""
        return self.source.text[self.at :].split("\n", 1)[0].rstrip()

    def word(self) -> tuple[int, int]:
        """The bounds of the word that the offset lies in or before."""
        start = self.at
        while start > 0 and _PART_OF_WORD.match(self.source.text, start - 1):
            start -= 1
        found = _WORD.match(self.source.text, start)
        return start, max(found.end() if found else start, self.at)

    def open_marks(self) -> tuple[int | None, list[int]]:
        """The first quote that is never closed, and the brackets that are open at the offset."""
        brackets: list[int] = []
        for found in _TOKEN.finditer(self.source.text, 0):
            if found["triple"] or found["quote"]:
                return found.start(), brackets
            if found.start() >= self.at:
                break
            if found["bracket"] in _CLOSES:
                del brackets[-1:]
            elif found["bracket"]:
                brackets.append(found.start())
        return None, brackets


def _string(trouble: _Trouble) -> Diagnostic:
    quote, _ = trouble.open_marks()
    if quote is None:
        return trouble.say(SYNTAX, trouble.at, trouble.at + 1, "this cannot stand in a string")
    mark = trouble.source.text[quote]
    mark *= 3 if trouble.source.text.startswith(mark * 3, quote) else 1
    help = f"write `{mark}` at the end of the text"
    if len(mark) == 1:
        help += f"; a text of several lines stands in `{mark * 3}`"
    return trouble.say(
        UNCLOSED_QUOTE, quote, quote + len(mark), f"this `{mark}` is not closed", help
    )


def _escape(trouble: _Trouble) -> Diagnostic:
    text = trouble.source.text
    start = text.rfind("\\", 0, trouble.at)
    if start < 0:
        return _string(trouble)
    end = start + (1 if text[start + 1 : start + 2].isspace() else 2)
    if text[start + 1 : end] in ("u", "U"):
        while end < len(text) and text[end] in "0123456789abcdefABCDEF":
            end += 1
        help = "`\\u0041` and `\\U00000041` take exactly 4 and 8 hexadecimal digits"
    else:
        help = "write two backslashes, or use single quotes, in which a backslash is itself"
    return trouble.say(ESCAPE, start, end, f"`{text[start:end]}` is no escape in TOML", help)


def _brackets(trouble: _Trouble) -> Diagnostic:
    _, brackets = trouble.open_marks()
    text = trouble.source.text
    if not brackets:
        return trouble.say(SYNTAX, trouble.at, trouble.at + 1, "this can mean nothing here")
    opening = brackets[-1]
    mark = text[opening]
    if trouble.character in _CLOSES and _CLOSES[trouble.character] != mark:
        message = f"this `{trouble.character}` cannot close a `{mark}`"
        return trouble.say(UNCLOSED_BRACKET, trouble.at, trouble.at + 1, message)
    broken = "\n" in text[opening : trouble.at] or trouble.character in ("\n", "\r", "")
    if broken and (mark == "{" or not trouble.rest or _STATEMENT.match(trouble.rest)):
        return _unclosed(trouble, opening)
    end = len(text[: trouble.at].rstrip())
    help = "entries inside brackets are separated by commas"
    return trouble.say(UNCLOSED_BRACKET, end, end, "a comma is missing here", help)


def _unclosed(trouble: _Trouble, opening: int) -> Diagnostic:
    if trouble.source.text[opening] == "{":
        message = "this `{` is not closed on its line"
        help = "write the inline table on one line, or as a `[table]` of its own"
    else:
        message, help = "this `[` is not closed", "write a `]` after its last entry"
    return trouble.say(UNCLOSED_BRACKET, opening, opening + 1, message, help)


def _value(trouble: _Trouble) -> Diagnostic:
    _, brackets = trouble.open_marks()
    if brackets and _STATEMENT.match(trouble.rest) and trouble.character not in "[\"'":
        return _unclosed(trouble, brackets[-1])
    line = trouble.source.place(trouble.at)[0]
    outside = [each for each in brackets if each < trouble.source.line_starts[line - 1]]
    if outside and _HEADER.match(trouble.source.line(line)):
        return _unclosed(trouble, outside[-1])
    start, end = trouble.word()
    word = trouble.source.text[start:end]
    if not word or start > trouble.at:
        message = "a value is missing here"
        return trouble.say(UNKNOWN_VALUE, trouble.at, trouble.at + 1, message)
    if word.lower() in ("true", "false"):
        help = f"write `{word.lower()}`"
    elif word[0].isdigit():
        help = "put quotes around it where it is meant as text"
    else:
        help = "a string needs quotes"
    return trouble.say(UNKNOWN_VALUE, start, end, f"`{word}` is no value in TOML", help)


def _after_value(trouble: _Trouble) -> Diagnostic:
    before = trouble.source.text[trouble.at - 1 : trouble.at]
    digits = _PART_OF_WORD.match(trouble.character) and _PART_OF_WORD.match(before)
    if digits or before == "_" or re.match(r"\d+:", trouble.rest):
        return _value(trouble)
    if before == "'" and trouble.character.isalpha():
        help = "put double quotes around a text with an apostrophe"
    else:
        help = "one line holds one `key = value`; put quotes around text"
    end = trouble.at + max(1, len(trouble.rest))
    return trouble.say(TEXT_AFTER_VALUE, trouble.at, end, "text stands after the value", help)


def _no_key(trouble: _Trouble) -> Diagnostic:
    _, brackets = trouble.open_marks()
    if brackets and trouble.source.text[brackets[-1]] == "{":
        return _brackets(trouble)
    if trouble.character == ":":
        return trouble.say(
            NO_KEY, trouble.at, trouble.at + 1, "TOML writes `=` between a key and its value"
        )
    line = trouble.source.place(min(trouble.at, len(trouble.source.text.rstrip())))[0]
    text = trouble.source.line(line)
    start = trouble.source.line_starts[line - 1] + len(text) - len(text.lstrip())
    return trouble.say(
        NO_KEY,
        start,
        start + max(1, len(text.strip())),
        "this line is no `key = value`",
        help="a key has letters, digits, `-` and `_`, or stands in quotes",
    )


def _header(trouble: _Trouble) -> Diagnostic:
    line = trouble.source.place(min(trouble.at, len(trouble.source.text.rstrip())))[0]
    start = trouble.source.line_starts[line - 1]
    start = trouble.source.text.index("[", start)
    mark = "[[" if trouble.source.text.startswith("[[", start) else "["
    return trouble.say(
        UNCLOSED_BRACKET,
        start,
        start + len(mark),
        f"this `{mark}` is not closed",
        help=f"write `{mark.replace('[', ']')}` after the name of the table",
    )


def _twice(trouble: _Trouble) -> Diagnostic:
    return trouble.say(
        DUPLICATE_KEY,
        trouble.at,
        trouble.at + 1,
        "a key above this place stands twice",
        help="remove one of the two, or give it another name",
    )


_SORTS: tuple[tuple[re.Pattern[str], Callable[[_Trouble], Diagnostic]], ...] = tuple(
    (re.compile(pattern), handler)
    for pattern, handler in (
        (r"^Expected '\]", _header),
        (r"Unterminated|(Illegal|invalid) character|Expected ['\"]{3,}|Expected \"'", _string),
        (r"Unescaped|hex value|Unicode scalar", _escape),
        (r"Unclosed", _brackets),
        (r"Invalid (value|date)", _value),
        (r"Expected newline", _after_value),
        (r"Expected '=|Invalid (statement|initial)", _no_key),
        (_TWICE, _twice),
    )
)
