"""Cuts the bytes of a text file into chunks that end where a record ends.

A chunk ends with the first record that ends at or behind the wanted size, so the cut depends on the
bytes alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flowctl.codes.environment import ENDLESS_RECORD
from flowctl.dataclass import dataclass
from flowctl.dataflow import BadInput
from flowctl.diagnostics import Fault
from flowctl.files.counting import NEWLINE, count_of
from flowctl.files.dialect import Dialect
from flowctl.files.streams import ByteStream, Packed

if TYPE_CHECKING:
    from flowctl.files.structure import Quotes

LONGEST_RECORD = 64 * 1024 * 1024
_WINDOW = 64 * 1024


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of whole records.

    `offset` counts bytes of the text and `line` its lines (from 1) up to the chunk's start;
    `lines` end in it. `quoted` tells whether a quote stands in it. `size` is what it took of the
    file itself, and `packed` these bytes where it is compressed. `before` is what stands before
    the first record of the file.
    """

    data: bytes
    offset: int
    line: int
    lines: int
    quoted: bool
    size: int
    before: bytes = b""
    packed: Packed | None = None

    @property
    def records(self) -> int:
        """How many records there are, where no quotes are, blank lines among them."""
        return self.lines + (self.data[-1:] != b"\n")


def cut(
    stream: ByteStream,
    name: str,
    target: int,
    dialect: Dialect | None,
    offset: int,
    line: int,
    before: bytes = b"",
) -> Iterator[Chunk]:
    """The chunks of a stream that stands at a record; raises BadInput on a record without end.

    With a dialect, newlines inside quoted fields end no record. `before` goes with the first one.
    """
    taken = stream.consumed()
    while True:
        data, quoted = _records(stream, name, target, dialect, line)
        if not data:
            return
        lines = count_of(data, NEWLINE)
        size = stream.consumed() - taken
        yield Chunk(data, offset, line, lines, quoted, size, before, stream.packed())
        taken, before = stream.consumed(), b""
        offset += len(data)
        line += lines


def _records(
    stream: ByteStream, name: str, target: int, dialect: Dialect | None, line: int
) -> tuple[bytes, bool]:
    """The next records, and whether a quote stands in them."""
    # Guessing that the first newline behind the target ends a record spares joining the pieces.
    window = stream.peek(target, _WINDOW)
    guess = target + window.find(b"\n") + 1 if b"\n" in window else target + len(window)
    data = stream.read(guess)
    quotes = _quotes(data, dialect)
    if quotes is not None and quotes.open:
        return _extend(stream, name, data, dialect, True, _line_of(data, quotes, line)), True
    if data[-1:] == b"\n" or not window:
        return data, quotes is not None
    data = _extend(stream, name, data, dialect, False, line + data.count(b"\n"))
    return data, _quoted(data, dialect)


def _extend(
    stream: ByteStream, name: str, data: bytes, dialect: Dialect | None, inside: bool, line: int
) -> bytes:
    """Goes on to the end of the record in which the data ends, `line` being where it starts."""
    pieces, grown = [data], 0
    while True:
        window = _window(stream, dialect)
        if not window:
            if inside:
                message = f"`{name}`, line {line}: a quoted field is opened and never closed"
                raise BadInput(Fault(ENDLESS_RECORD, message), name, line)
            return b"".join(pieces)
        end, inside = _first_end(window, dialect, inside)
        pieces.append(stream.read(end or len(window)))
        if end:
            return b"".join(pieces)
        grown += len(window)
        if grown > LONGEST_RECORD:
            message = f"`{name}`, line {line}: a record is longer than 64 MiB"
            raise BadInput(Fault(ENDLESS_RECORD, message), name, line)


def _window(stream: ByteStream, dialect: Dialect | None) -> bytes:
    """The next bytes, but never ending at a quote, whose meaning hangs on what follows it."""
    size = _WINDOW
    while True:
        window = stream.peek(0, size)
        ends_in_quote = dialect is not None and window[-1:] == _character(dialect.quote)
        if not ends_in_quote or len(window) < size:
            return window
        size += 1


def _character(byte: int | None) -> bytes | None:
    return None if byte is None else bytes([byte])


def _first_end(window: bytes, dialect: Dialect | None, inside: bool) -> tuple[int, bool]:
    """Behind which byte the first record ends, 0 for none, and whether a field is open there."""
    quotes = _quotes(window, dialect, inside)
    if quotes is None:
        return window.find(b"\n") + 1, False
    end = quotes.first_end(window, inside)
    return end, quotes.open and not end


def _line_of(data: bytes, quotes: Quotes, line: int) -> int:
    """The line in which the last quoted field, which is open, begins."""
    return line + data.count(b"\n", 0, quotes.last_opening())


def _quoted(text: bytes, dialect: Dialect | None) -> bool:
    return dialect is not None and dialect.quote is not None and dialect.quote in text


def _quotes(text: bytes, dialect: Dialect | None, inside: bool = False) -> Quotes | None:
    """The quotes of a text, None without any; NumPy is loaded for a text that has some."""
    if dialect is None or dialect.quote is None or not (inside or _quoted(text, dialect)):
        return None
    from flowctl.files.structure import find_quotes

    return find_quotes(text, dialect, inside)
