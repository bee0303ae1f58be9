"""Where the records and fields of a delimited text lie, found by counting bits.

One bit a byte says where delimiters, newlines and quotes stand; the parity of the quotes before a
byte, a running exclusive or, says whether it stands inside a quoted field. That costs a few
milliseconds for 16 MiB. Only text in which quotes stand where RFC 4180 has none is walked quote by
quote.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from flowctl.dataclass import dataclass
from flowctl.files.counting import NEWLINE
from flowctl.files.dialect import Dialect
from flowctl.files.spans import Positions, Spans

Bytes: TypeAlias = "npt.NDArray[np.uint8]"
Words: TypeAlias = "npt.NDArray[np.uint64]"

RETURN = 13
_BLOCK = 1 << 18


@dataclass(frozen=True, slots=True)
class Quotes:
    """The quotes of a text that open and close a field, and those that stand where none may.

    `regular` tells that the parity of all quotes is the truth; `open` that the last quoted field
    has not ended where the text ends.
    """

    positions: Positions
    stray: Positions
    regular: bool
    open: bool

    def first_end(self, text: bytes, inside: bool) -> int:
        """Behind which byte of the text the first record ends, 0 for none."""
        newlines = np.flatnonzero(np.frombuffer(text, np.uint8) == NEWLINE)
        parity = (np.searchsorted(self.positions, newlines) + inside) % 2
        ends = newlines[parity == 0]
        return int(ends[0]) + 1 if len(ends) else 0

    def last_end(self, text: bytes) -> int:
        """Behind which byte of the text, which starts at a record, the last whole one ends."""
        end = text.rfind(b"\n") + 1
        while end and (before := int(np.searchsorted(self.positions, end))) % 2:
            end = text.rfind(b"\n", 0, int(self.positions[before - 1])) + 1
        return end

    def last_opening(self) -> int:
        """Where the last quoted field begins, which has not ended.

        Two quotes in a row are one quote of the field, and look as if it ended and began again.
        """
        places = self.positions
        index = len(places) - 1
        while index >= 2 and places[index - 1] + 1 == places[index]:
            index -= 2
        return int(places[index])


def find_quotes(text: bytes, dialect: Dialect, inside: bool = False) -> Quotes | None:
    """The quotes of a text that starts at a record, or `inside` a field; None without any."""
    if dialect.quote is None or (not inside and dialect.quote not in text):
        return None
    data = np.frombuffer(text, np.uint8)
    positions = np.flatnonzero(data == dialect.quote)
    openings = positions[int(inside) :: 2]
    closings = positions[int(not inside) :: 2]
    before = data[openings - 1]
    may_open = (before == dialect.delimiter) | (before == NEWLINE) | (before == dialect.quote)
    may_open |= openings == 0
    ends = np.append(data, NEWLINE)[closings + 1] if len(closings) else closings
    may_close = (ends == dialect.delimiter) | (ends == NEWLINE) | (ends == dialect.quote)
    may_close |= ends == RETURN
    if may_open.all() and may_close.all():
        none = positions[:0]
        return Quotes(positions, none, regular=True, open=bool((len(positions) + inside) % 2))
    return _walk(text, positions.tolist(), dialect, inside)


def _walk(text: bytes, positions: list[int], dialect: Dialect, inside: bool) -> Quotes:
    """A quote opens a field at its start only; inside one it ends the field, unless doubled."""
    quote = dialect.quote
    starts = (dialect.delimiter, NEWLINE)
    ends = (*starts, RETURN)
    real: list[int] = []
    stray: list[int] = []
    skipped = -1
    for position in positions:
        if position == skipped:
            continue
        following = text[position + 1] if position + 1 < len(text) else NEWLINE
        if not inside:
            if position == 0 or text[position - 1] in starts:
                real.append(position)
                inside = True
            else:
                stray.append(position)
        elif following == quote:
            skipped = position + 1
        else:
            real.append(position)
            inside = False
            if following not in ends:
                stray.append(position)
    return Quotes(np.array(real, np.int64), np.array(stray, np.int64), regular=False, open=inside)


@dataclass(frozen=True, slots=True)
class Structure:
    """Bits for the delimiters and newlines of a text that are no part of a quoted field."""

    text: bytes
    delimiters: Words
    newlines: Words
    quotes: Quotes | None

    def fields(self) -> Positions:
        """The number of fields of each record."""
        ends = self.ends()
        words = np.append(self.delimiters, np.uint64(0))
        counts = np.bitwise_count(words)
        before = np.cumsum(counts, dtype=np.int64) - counts
        upto = before[ends >> 6] + np.bitwise_count(words[ends >> 6] & _low_bits(ends & 63))
        counted: Positions = np.diff(upto, prepend=0) + 1
        return counted

    def ends(self) -> Positions:
        """Behind which byte each record ends."""
        ends = _positions(self.newlines) + 1
        if self.text and self.text[-1] != NEWLINE:
            ends = np.append(ends, len(self.text))
        return ends


def find_spans(structure: Structure, fields: int) -> Spans:
    """The records, where each should have so many fields; of several, a blank line has none."""
    ends = structure.ends()
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
    stray = np.zeros(len(ends), np.bool_)
    if structure.quotes is not None:
        stray[np.searchsorted(ends, structure.quotes.stray, side="right")] = True
    found = Spans(starts, ends, structure.fields(), stray)
    if fields == 1:
        return found
    data = np.frombuffer(structure.text, np.uint8)
    length = ends - starts
    blank = (length == 1) & (data[starts] == NEWLINE)
    blank |= (length == 2) & (data[starts] == RETURN) & (data[ends - 1] == NEWLINE)
    kept = ~blank
    return Spans(starts[kept], ends[kept], found.fields[kept], stray[kept])


def find_structure(text: bytes, dialect: Dialect) -> Structure:
    """The structure of a text that starts and ends at a record."""
    data = np.frombuffer(text, np.uint8)
    quotes = find_quotes(text, dialect)
    delimiters, newlines = bits(data, dialect.delimiter), bits(data, NEWLINE)
    if quotes is not None:
        outside = _outside(data, quotes, dialect)
        delimiters, newlines = delimiters & outside, newlines & outside
    return Structure(text, delimiters, newlines, quotes)


def find_outside(text: bytes, dialect: Dialect) -> Words | None:
    """Bits for the bytes of a text that are no part of a quoted field; None where quotes stray."""
    quotes = find_quotes(text, dialect)
    if quotes is not None and quotes.stray.size:
        return None
    data = np.frombuffer(text, np.uint8)
    if quotes is None:
        return ~np.zeros(-(-len(data) // 64), np.uint64)
    return _outside(data, quotes, dialect)


def _outside(data: Bytes, quotes: Quotes, dialect: Dialect) -> Words:
    if quotes.regular and dialect.quote is not None:
        marks = bits(data, dialect.quote)
    else:
        marks = _bits_at(quotes.positions, len(data))
    return ~_inside(marks)


def bits(data: Bytes, wanted: int) -> Words:
    """A bit for each byte, set where it is the wanted one; the first byte is the lowest bit."""
    packed = np.zeros(-(-len(data) // 64) * 8, np.uint8)
    for start in range(0, len(data), _BLOCK):
        block = np.packbits(data[start : start + _BLOCK] == wanted, bitorder="little")
        packed[start >> 3 : (start >> 3) + len(block)] = block
    return packed.view(np.uint64)


def _bits_at(positions: Positions, length: int) -> Words:
    marks = np.zeros(-(-length // 64) * 64, np.uint8)
    marks[positions] = 1
    return np.packbits(marks, bitorder="little").view(np.uint64)


def _inside(quotes: Words) -> Words:
    """The parity of the quotes up to each bit: a running exclusive or, first within the words."""
    parity = quotes.copy()
    for shift in (1, 2, 4, 8, 16, 32):
        parity ^= parity << np.uint64(shift)
    carried = np.bitwise_xor.accumulate(parity >> np.uint64(63))
    parity[1:] ^= np.uint64(0) - carried[:-1]
    return parity


def _low_bits(count: Positions) -> Words:
    return (np.uint64(1) << count.astype(np.uint64)) - np.uint64(1)


def _positions(words: Words) -> Positions:
    return np.flatnonzero(np.unpackbits(words.view(np.uint8), bitorder="little").view(np.bool_))
