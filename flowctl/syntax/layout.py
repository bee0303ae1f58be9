"""From characters of a decoded text back to their places in the file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import TypeAlias

from flowctl.dataclass import dataclass
from flowctl.diagnostics import Span
from flowctl.syntax.source import SourceFile


@dataclass(slots=True)
class Tape:
    """A text that is being decoded: its characters, and the offsets from and to which each lies."""

    characters: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    def write(self, character: str, start: int, end: int) -> None:
        """One character that is written as `source[start:end]`."""
        self.characters.append(character)
        self.starts.append(start)
        self.ends.append(end)

    def copy(self, text: str, start: int, end: int) -> None:
        """The characters of `text[start:end]`, each of which stands for itself."""
        self.characters.extend(text[start:end])
        self.starts.extend(range(start, end))
        self.ends.extend(range(start + 1, end + 1))

    @property
    def text(self) -> str:
        return "".join(self.characters)


# A decoder reads `text[start:end]`, which holds a scalar with its quotes or its block header.
# `expected` is what the parser read; only a block's indentation is ever taken from it.
Decoder: TypeAlias = Callable[[str, int, int, str], Tape]


@dataclass(slots=True, eq=False)
class TextLayout:
    """The layout of one scalar; the map is made when it is first asked for, and then kept.

    Where our decoding differs from the parser's text the layout knows only the whole scalar.
    """

    source: SourceFile
    start: int
    end: int
    text: str
    decode: Decoder
    _tape: Tape | None = None
    _decoded: bool = False

    def span(self, start: int, end: int) -> Span:
        """The place of `text[start:end]`, from its first character to the end of its last one."""
        tape = self.tape
        if tape is None:
            return self.source.span(self.start, self.end)
        if start >= end:
            return self._point(tape, start)
        last = min(end, len(tape.ends)) - 1
        if start > last:
            return self._point(tape, start)
        return self.source.span(tape.starts[start], tape.ends[last])

    @property
    def tape(self) -> Tape | None:
        """The decoded text with its offsets; None where it is not what the parser read."""
        if not self._decoded:
            tape = self.decode(self.source.text, self.start, self.end, self.text)
            self._tape = tape if tape.text == self.text else None
            self._decoded = True
        return self._tape

    def _point(self, tape: Tape, position: int) -> Span:
        if position < len(tape.starts):
            offset = tape.starts[position]
        elif tape.ends:
            offset = tape.ends[-1]
        else:
            offset = self.start
        return self.source.span(offset, offset)
