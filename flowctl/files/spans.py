"""Where the records of a text start and end, as arrays."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from flowctl.dataclass import dataclass
from flowctl.files.counting import NEWLINE

Positions: TypeAlias = "npt.NDArray[np.int64]"


@dataclass(frozen=True, slots=True)
class Spans:
    """Where the records of a text start and end, without blank lines where those are none."""

    starts: Positions
    ends: Positions
    fields: Positions
    stray: npt.NDArray[np.bool_]

    def bytes_of(self, text: bytes, record: int) -> bytes:
        """A record as it stands, without its newline."""
        raw = text[int(self.starts[record]) : int(self.ends[record])]
        return raw.removesuffix(b"\n").removesuffix(b"\r")


def line_spans(data: bytes) -> Spans:
    """Every line as a record."""
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == NEWLINE) + 1
    if data[-1:] != b"\n":
        ends = np.append(ends, len(data))
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
    return Spans(starts, ends, np.ones_like(ends), np.zeros(len(ends), np.bool_))


def not_utf8(data: bytes, spans: Spans) -> npt.NDArray[np.bool_]:
    """Which records are not UTF-8."""
    found = np.zeros(len(spans.ends), np.bool_)
    try:
        data.decode()
    except UnicodeDecodeError:
        for record in range(len(found)):
            try:
                spans.bytes_of(data, record).decode()
            except UnicodeDecodeError:
                found[record] = True
    return found


def join(data: bytes, spans: Spans, records: Positions) -> bytes:
    """The text of these records alone."""
    if not len(records):
        return b""
    starts, ends = spans.starts[records], spans.ends[records]
    breaks = starts[1:] != ends[:-1]
    firsts = starts[np.concatenate(([True], breaks))].tolist()
    lasts = ends[np.concatenate((breaks, [True]))].tolist()
    return b"".join(data[first:last] for first, last in zip(firsts, lasts, strict=True))


def lines_before(text: bytes, positions: Positions) -> Positions:
    """How many physical lines end before each position."""
    newlines = np.flatnonzero(np.frombuffer(text, np.uint8) == NEWLINE)
    return np.searchsorted(newlines, positions).astype(np.int64)
