r"""Regular expressions as DuckDB reads them (RE2), turned into those that Polars reads (Rust).

The dialects are near. What differs: `\d \w \s \b` mean ASCII in RE2, `\Q…\E` quotes, and `[`, `&&`,
`--`, `~~` in a class are plain characters.
"""

from __future__ import annotations

import re
from typing import Final

from flowctl.dataclass import dataclass

_CLASSES: Final = {
    "d": "0-9",
    "w": "0-9A-Za-z_",
    "s": r"\t\n\f\r ",
}
_ESCAPED: Final = frozenset("\\.+*?()|[]{}^$-/#&~ \"'`!@%=:;<>,_")
_LETTERS: Final = frozenset("afnrtvAz")
_FLAGS: Final = re.compile(r"\?([imsU]*)(?:-([imsU]+))?([:)])")
_NAMED: Final = re.compile(r"\?P?<([A-Za-z_][A-Za-z0-9_]*)>")
_REPEAT: Final = re.compile(r"\{(\d+)(?:,(\d*))?\}")
_POSIX: Final = re.compile(r"\[:\^?[a-z]+:\]")
_PROPERTY: Final = re.compile(r"[pP](?:[A-Z]|\{\^?[A-Za-z_]+\})")
_CODE: Final = re.compile(r"x(?:[0-9a-fA-F]{2}|\{[0-9a-fA-F]{1,6}\})")
OPTIONS: Final = "cils"


class BadPattern(ValueError):
    """The pattern cannot be read."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """For Rust's regex crate; `groups` is the number of its groups."""

    text: str
    groups: int


def compile_pattern(pattern: str, options: str = "") -> Pattern:
    r"""Reads a pattern of RE2; raises BadPattern.

    >>> compile_pattern(r"(\d+)-(\w)").text
    '([0-9]+)-([0-9A-Za-z_])'
    """
    for option in options:
        if option not in OPTIONS:
            raise BadPattern(f"the option `{option}` does not exist; there are `c`, `i`, `l`, `s`")
    reader = _Reader("".join(map(_quoted, pattern)) if "l" in options else pattern)
    text = reader.read()
    flags = "".join(option for option in "is" if option in options)
    if options.rfind("c") > options.rfind("i"):
        flags = flags.replace("i", "")
    return Pattern(f"(?{flags}){text}" if flags else text, reader.groups)


def full(pattern: Pattern) -> str:
    """The pattern, for the whole of a text."""
    return rf"\A(?:{pattern.text})\z"


def replacement(text: str, groups: int) -> str:
    r"""What replaces a match: `\1` is a group; raises BadPattern.

    >>> replacement(r"<\1> $", 1)
    '<${1}> $$'
    """
    found: list[str] = []
    position = 0
    while position < len(text):
        mark, following = text[position], text[position + 1 : position + 2]
        if mark != "\\":
            found.append("$$" if mark == "$" else mark)
            position += 1
        elif following.isdigit():
            if int(following) > groups:
                raise BadPattern(f"`\\{following}` has no group in the pattern")
            found.append(f"${{{following}}}")
            position += 2
        elif following == "\\":
            found.append("\\")
            position += 2
        else:
            raise BadPattern("a backslash stands before a digit or another backslash")
    return "".join(found)


def like(pattern: str, escape: str | None = None, ignore_case: bool = False) -> str:
    """The pattern of `like` as a regular expression over the whole text; raises BadPattern."""
    found: list[str] = []
    position = 0
    while position < len(pattern):
        mark = pattern[position]
        if escape and mark == escape:
            position += 1
            if position == len(pattern):
                raise BadPattern("the pattern must not end with its escape character")
            found.append(_quoted(pattern[position]))
        else:
            found.append(".*" if mark == "%" else "." if mark == "_" else _quoted(mark))
        position += 1
    return rf"(?s{'i' if ignore_case else ''})\A{''.join(found)}\z"


def glob(pattern: str) -> str:
    """The pattern of `glob` (`*`, `?`, `[a-z]`) as a regular expression over the whole text."""
    found: list[str] = []
    position = 0
    while position < len(pattern):
        mark = pattern[position]
        closing = pattern.find("]", position + 2)
        if mark == "[" and closing > 0:
            inner = pattern[position + 1 : closing]
            negated = inner.startswith("!")
            inner = inner[1:] if negated else inner
            shown = "".join(item if item == "-" else _quoted(item) for item in inner)
            found.append(f"[{'^' if negated else ''}{shown}]")
            position = closing
        elif mark == "\\" and position + 1 < len(pattern):
            position += 1
            found.append(_quoted(pattern[position]))
        else:
            found.append(".*" if mark == "*" else "." if mark == "?" else _quoted(mark))
        position += 1
    return rf"(?s)\A{''.join(found)}\z"


def _quoted(mark: str) -> str:
    return f"\\{mark}" if mark in r"\.+*?()|[]{}^$#&-~" else mark


class _Reader:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.position = 0
        self.groups = 0
        self.open = 0
        self.out: list[str] = []
        self.repeatable = False

    def read(self) -> str:
        while self.position < len(self.pattern):
            mark = self.pattern[self.position]
            if mark == "\\":
                self._escape()
            elif mark == "[":
                self._class()
            elif mark == "(":
                self._group()
            elif mark in "*+?":
                self._repeat(mark)
            elif mark == "{" and (found := _REPEAT.match(self.pattern, self.position)):
                self._count(found)
            else:
                self._plain(mark)
        if self.open:
            raise BadPattern("a group is not closed: `)` is missing")
        return "".join(self.out)

    def _plain(self, mark: str) -> None:
        if mark == ")":
            if not self.open:
                raise BadPattern("`)` closes no group")
            self.open -= 1
        self._add("\\" + mark if mark in "{}]" else mark, 1, repeatable=mark != "|")

    def _add(self, text: str, length: int, repeatable: bool = True) -> None:
        self.out.append(text)
        self.position += length
        self.repeatable = repeatable

    def _repeat(self, mark: str) -> None:
        if not self.repeatable:
            raise BadPattern(f"`{mark}` has nothing before it that it could repeat")
        following = self.pattern[self.position + 1 : self.position + 2]
        if following == "?":
            mark += "?"
        self._add(mark, len(mark), repeatable=False)

    def _count(self, found: re.Match[str]) -> None:
        if not self.repeatable:
            raise BadPattern(f"`{found[0]}` has nothing before it that it could repeat")
        least, most = int(found[1]), int(found[2] or found[1])
        if max(least, most) > 1000 or most < least:
            raise BadPattern(f"`{found[0]}` repeats too often: 1000 times is the most")
        lazy = self.pattern[found.end() : found.end() + 1] == "?"
        text = found[0] + ("?" if lazy else "")
        self._add(text, len(text), repeatable=False)

    def _group(self) -> None:
        rest = self.pattern[self.position + 1 :]
        if not rest.startswith("?"):
            self.groups += 1
            self.open += 1
            self._add("(", 1, repeatable=False)
        elif named := _NAMED.match(rest):
            self.groups += 1
            self.open += 1
            self._add(f"(?P<{named[1]}>", 1 + named.end(), repeatable=False)
        elif flags := _FLAGS.match(rest):
            self.open += flags[3] == ":"
            self._add("(" + flags[0], 1 + flags.end(), repeatable=False)
        elif rest[:2] in ("?=", "?!") or rest[:3] in ("?<=", "?<!"):
            raise BadPattern("look-around does not exist here")
        else:
            raise BadPattern(f"`({rest[:2]}` does not exist here")

    def _escape(self) -> None:
        rest = self.pattern[self.position + 1 :]
        letter = rest[:1]
        if letter == "Q":
            end = rest.find("\\E")
            quoted = rest[1:end] if end >= 0 else rest[1:]
            length = len(quoted) + (4 if end >= 0 else 2)
            self._add("".join(map(_quoted, quoted)), length, repeatable=bool(quoted))
        elif letter in _CLASSES:
            self._add(f"[{_CLASSES[letter]}]", 2)
        elif letter.lower() in _CLASSES and letter:
            self._add(f"[^{_CLASSES[letter.lower()]}]", 2)
        elif letter in ("b", "B") and letter:
            self._add(f"(?-u:\\{letter})", 2)
        else:
            text = self._simple_escape(rest)
            self._add("\\" + text, 1 + len(text))

    def _simple_escape(self, rest: str) -> str:
        letter = rest[:1]
        if not letter:
            raise BadPattern("the pattern ends with a backslash")
        found = _PROPERTY.match(rest) or _CODE.match(rest)
        if found:
            return found[0]
        if letter in _LETTERS or letter in _ESCAPED:
            return letter
        if letter.isdigit():
            raise BadPattern("back-references do not exist here")
        raise BadPattern(f"`\\{letter}` does not exist here")

    def _class(self) -> None:
        out = ["["]
        position = self.position + 1
        if self.pattern[position : position + 1] == "^":
            out.append("^")
            position += 1
        first = True
        while True:
            mark = self.pattern[position : position + 1]
            if not mark:
                raise BadPattern("a class is not closed: `]` is missing")
            if mark == "]" and not first:
                break
            first = False
            posix = _POSIX.match(self.pattern, position)
            if posix:
                out.append(posix[0])
                position = posix.end()
            elif mark == "\\":
                text, length = self._class_escape(self.pattern[position + 1 :])
                out.append(text)
                position += 1 + length
            else:
                out.append("\\" + mark if mark in "[]&~" else mark)
                position += 1
        text = "".join(out) + "]"
        self._add(text, position + 1 - self.position)

    def _class_escape(self, rest: str) -> tuple[str, int]:
        letter = rest[:1]
        if letter in _CLASSES and letter:
            return _CLASSES[letter], 1
        if letter.lower() in _CLASSES and letter:
            return f"[^{_CLASSES[letter.lower()]}]", 1
        text = self._simple_escape(rest)
        return "\\" + text, len(text)
