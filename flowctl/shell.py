"""Where in a shell script a value may stand: reads the script's quoting as bash does.

The value of a `${{ … }}` reaches a script as an environment variable, never as text. That needs a
reference which the shell expands, quoted so that nothing in the value is read as syntax; which
reference does, if any, depends on what surrounds the place.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import field
from enum import Enum
from typing import Final

from flowctl.dataclass import dataclass


class Context(Enum):
    """What surrounds a hole in a script; the value is what to say where no value may stand."""

    BARE = "where words are split"
    DOUBLE = "inside double quotes"
    BODY = "inside a here-document or a comment"
    SINGLE = "inside single quotes"
    ANSI = "inside `$'…'`"
    LITERAL_BODY = "inside a here-document whose delimiter is quoted"
    DELIMITER = "in the delimiter of a here-document"
    BACKSLASH = "behind a backslash"
    DOLLAR = "right behind a `$`"
    BACKQUOTES = "inside backquotes"
    ARITHMETIC = "inside shell arithmetic"
    PARAMETER = "inside `${…}`"
    DEEP = "inside so many brackets"

    @property
    def fits(self) -> bool:
        """Whether the shell expands a variable here, and nothing else."""
        return self in (Context.BARE, Context.DOUBLE, Context.BODY)


Hole = tuple[int, int]


def contexts(script: str, holes: Sequence[Hole]) -> list[Context]:
    """What surrounds each hole, a stretch `(start, end)` of the script; they are in order.

    >>> [context.name for context in contexts("echo X 'X' #X", [(5, 6), (8, 9), (12, 13)])]
    ['BARE', 'SINGLE', 'BODY']
    """
    if not holes:
        return []
    blank = list(script)
    for start, end in holes:
        blank[start:end] = _FILLER * (end - start)
    reader = _Reader("".join(blank), dict(holes), [start for start, _ in holes])
    reader.read(0, len(script), _Frame.COMMAND)
    return [reader.found.get(start, Context.DEEP) for start, _ in holes]


def filled(script: str, holes: Sequence[Hole], variables: Sequence[str]) -> str:
    """The script with a quoted reference to a variable in each hole; all places must fit.

    >>> filled('cp X "dir/X"', [(3, 4), (10, 11)], ["A", "B"])
    'cp "${A}" "dir/${B}"'
    """
    pieces: list[str] = []
    position = 0
    for (start, end), context, variable in zip(
        holes, contexts(script, holes), variables, strict=True
    ):
        quote = '"' if context is Context.BARE else ""
        pieces += [script[position:start], quote, "${", variable, "}", quote]
        position = end
    return "".join(pieces) + script[position:]


class _Frame(Enum):
    """A construct that is open."""

    COMMAND = "the script"
    PARENTHESES = "( )"
    CASE = "case esac"
    DOUBLE = "double quotes"
    BODY = "here-document"
    PARAMETER = "${ }"
    ARITHMETIC = "(( ))"


_COMMANDS: Final = (_Frame.COMMAND, _Frame.PARENTHESES, _Frame.CASE)
_CONTEXTS: Final = {
    _Frame.COMMAND: Context.BARE,
    _Frame.PARENTHESES: Context.BARE,
    _Frame.CASE: Context.BARE,
    _Frame.DOUBLE: Context.DOUBLE,
    _Frame.BODY: Context.BODY,
    _Frame.PARAMETER: Context.PARAMETER,
    _Frame.ARITHMETIC: Context.ARITHMETIC,
}
_FILLER: Final = "\ue000"
_DEEPEST: Final = 20
_FAR: Final = 200

_WORD: Final = re.compile(r"[^\s;&|()<>'\"`$\\#" + _FILLER + "]+")
_COMMAND_FOLLOWS: Final = frozenset(
    ("if", "then", "elif", "else", "while", "until", "do", "{", "!", "time")
)
_COMPARISONS: Final = frozenset(("-eq", "-ne", "-lt", "-le", "-gt", "-ge"))
_SUBSCRIPT: Final = re.compile(r"(?:^|[\s;&|(])[A-Za-z_]\w*\[[^\]\n]*$")
_DELIMITER: Final = re.compile(r"<<(-?)[ \t]*((?:\\.|'[^']*'|\"[^\"]*\"|[^\s;&|()<>'\"\\])+)")
_QUOTING: Final = re.compile(r"\\(.)|['\"]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _Document:
    """A here-document whose body begins on the next line."""

    delimiter: str
    literal: bool
    tabs: bool


@dataclass(slots=True)
class _Reader:
    """Walks over a script in which holes are filled with a character that means nothing."""

    text: str
    holes: dict[int, int]
    starts: list[int]
    depth: int = 0
    found: dict[int, Context] = field(default_factory=dict)

    def read(self, position: int, end: int, outermost: _Frame) -> None:
        walk = _Walk(self, end, [outermost])
        while position < end:
            position = walk.step(position)

    def mark(self, start: int, end: int, context: Context) -> int:
        """Notes what surrounds the holes in a stretch; answers where the stretch ends."""
        first, behind = bisect_left(self.starts, start), bisect_left(self.starts, end)
        self.found.update(dict.fromkeys(self.starts[first:behind], context))
        return end


@dataclass(slots=True)
class _Walk:
    """The constructs that are open at a position, innermost last."""

    reader: _Reader
    end: int
    frames: list[_Frame]
    counts: list[int] = field(default_factory=list)
    documents: list[_Document] = field(default_factory=list)
    command_begins: bool = True
    word_begins: bool = True
    condition: int | None = None
    compares: bool = False

    def step(self, position: int) -> int:
        """Reads what begins at a position and answers where it ends."""
        if position in self.reader.holes:
            return self._hole(position)
        frame = self.frames[-1]
        character = self.reader.text[position]
        if character == "\\":
            return self._backslash(position)
        if character == "`":
            return self._backquotes(position)
        if character == "$":
            return self._dollar(position)
        if frame in _COMMANDS:
            return self._command(position, character)
        if frame is _Frame.PARAMETER:
            return self._parameter(position, character)
        if frame is _Frame.ARITHMETIC:
            return self._arithmetic(position, character)
        if frame is _Frame.DOUBLE and character == '"':
            self.frames.pop()
        return position + 1

    def _hole(self, position: int) -> int:
        self.command_begins = self.word_begins = False
        context = _CONTEXTS[self.frames[-1]]
        before = self.reader.text[max(0, position - _FAR) : position]
        if context is Context.BARE and _SUBSCRIPT.search(before):
            context = Context.ARITHMETIC
        return self.reader.mark(position, self.reader.holes[position], context)

    def _backslash(self, position: int) -> int:
        self.command_begins = self.word_begins = False
        return self.reader.mark(position, self._past(position + 1), Context.BACKSLASH)

    def _past(self, position: int) -> int:
        """Where the character, or the hole, at a position ends."""
        return self.reader.holes.get(position, min(position + 1, self.end))

    def _backquotes(self, position: int) -> int:
        self.command_begins = self.word_begins = False
        closing = re.compile(r"(?:[^`\\]|\\.)*`?", re.DOTALL).match(
            self.reader.text, position + 1, self.end
        )
        assert closing is not None
        return self.reader.mark(position, max(closing.end(), position + 1), Context.BACKQUOTES)

    def _dollar(self, position: int) -> int:
        text = self.reader.text
        self.command_begins = self.word_begins = False
        if position + 1 in self.reader.holes:
            return self.reader.mark(position, self._past(position + 1), Context.DOLLAR)
        if text.startswith("$((", position):
            return self._open(_Frame.ARITHMETIC, position + 3, count=2)
        if text.startswith("$[", position):
            return self._open(_Frame.ARITHMETIC, position + 2, count=1)
        if text.startswith("$(", position):
            self.command_begins = self.word_begins = True
            return self._open(_Frame.PARENTHESES, position + 2)
        if text.startswith("${", position):
            return self._open(_Frame.PARAMETER, position + 2)
        if text.startswith("$'", position) and self.frames[-1] in _COMMANDS:
            return self._until_quote(position + 2, r"(?:[^'\\]|\\.)*'?", Context.ANSI)
        return position + 1

    def _open(self, frame: _Frame, position: int, count: int = 0) -> int:
        self.frames.append(frame)
        if frame is _Frame.ARITHMETIC:
            self.counts.append(count)
        return position

    def _until_quote(self, position: int, pattern: str, context: Context) -> int:
        found = re.compile(pattern, re.DOTALL).match(self.reader.text, position, self.end)
        assert found is not None
        return self.reader.mark(position, found.end(), context)

    def _parameter(self, position: int, character: str) -> int:
        """Bash pairs single quotes here even inside of double ones, to find the closing brace."""
        if character == "}":
            self.frames.pop()
        elif character == '"':
            self.frames.append(_Frame.DOUBLE)
        elif character == "'":
            return self._until_quote(position + 1, "[^']*'?", Context.SINGLE)
        return position + 1

    def _arithmetic(self, position: int, character: str) -> int:
        """Counts brackets, since `$((a); b)` is no arithmetic but is closed alike."""
        self.counts[-1] += (character in "([") - (character in ")]")
        if not self.counts[-1]:
            self.frames.pop()
            self.counts.pop()
        return position + 1

    def _command(self, position: int, character: str) -> int:
        text = self.reader.text
        if character == "\n":
            self.command_begins = self.word_begins = True
            return self._bodies(position + 1)
        if character in " \t":
            self.word_begins = True
            return position + 1
        if character == "#" and self.word_begins:
            newline = text.find("\n", position, self.end)
            return self.reader.mark(position, self.end if newline < 0 else newline, Context.BODY)
        if character == "'":
            self.command_begins = self.word_begins = False
            return self._until_quote(position + 1, "[^']*'?", Context.SINGLE)
        if character == '"':
            self.command_begins = self.word_begins = False
            return self._open(_Frame.DOUBLE, position + 1)
        if character in "();&|":
            return self._separator(position, character)
        if character in "<>":
            return self._redirection(position)
        return self._word(position)

    def _separator(self, position: int, character: str) -> int:
        text = self.reader.text
        assigns = character == "(" and text[position - 1 : position] == "="
        self.command_begins, self.word_begins = not assigns, True
        if character == "(" and text.startswith("((", position):
            return self._open(_Frame.ARITHMETIC, position + 2, count=2)
        if character == "(":
            return self._open(_Frame.PARENTHESES, position + 1)
        if character == ")" and self.frames[-1] is _Frame.PARENTHESES and len(self.frames) > 1:
            self.frames.pop()
            self.command_begins = _Frame.CASE in self.frames[-1:]
        return position + 1

    def _redirection(self, position: int) -> int:
        text = self.reader.text
        self.word_begins = True
        if text.startswith("<<<", position):
            return position + 3
        found = _DELIMITER.match(text, position, self.end)
        if not found:
            return position + 1
        raw = found[2]
        delimiter = _QUOTING.sub(lambda quote: quote[1] or "", raw)
        self.documents.append(_Document(delimiter, delimiter != raw, bool(found[1])))
        return self.reader.mark(position, found.end(), Context.DELIMITER)

    def _word(self, position: int) -> int:
        found = _WORD.match(self.reader.text, position, self.end)
        self.word_begins = False
        if found is None:
            return position + 1
        word = found[0]
        self._condition(word, position)
        if self.command_begins:
            if word == "case":
                self.frames.append(_Frame.CASE)
            elif word == "esac" and self.frames[-1] is _Frame.CASE and len(self.frames) > 1:
                self.frames.pop()
            self.command_begins = word in _COMMAND_FOLLOWS
        return found.end()

    def _condition(self, word: str, position: int) -> None:
        """Where `[[ ]]` compares numbers, bash computes what it is given, commands included."""
        if word == "[[" and self.command_begins:
            self.condition, self.compares = position, False
        elif word in _COMPARISONS:
            self.compares = True
        elif word == "]]" and self.condition is not None:
            if self.compares:
                self.reader.mark(self.condition, position, Context.ARITHMETIC)
            self.condition = None

    def _bodies(self, position: int) -> int:
        """Reads the bodies of the here-documents that were announced on the line before."""
        for document in self.documents:
            start, position = position, self._body_end(position, document)
            if document.literal:
                self.reader.mark(start, position, Context.LITERAL_BODY)
            elif self.reader.depth < _DEEPEST:
                self.reader.depth += 1
                self.reader.read(start, position, _Frame.BODY)
                self.reader.depth -= 1
        self.documents = []
        return position

    def _body_end(self, position: int, document: _Document) -> int:
        """Behind the line that is the delimiter; a line that begins in a hole is none."""
        while position < self.end:
            newline = self.reader.text.find("\n", position, self.end)
            stop = self.end if newline < 0 else newline
            line = self.reader.text[position:stop]
            position = min(stop + 1, self.end)
            if (line.lstrip("\t") if document.tabs else line) == document.delimiter:
                break
        return position
