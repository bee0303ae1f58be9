"""Where the elements of a JSON array begin and end, found by counting brackets and quotes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from flowctl.dataclass import dataclass
from flowctl.files.counting import NEWLINE
from flowctl.files.spans import Positions, Spans
from flowctl.files.structure import RETURN, Bytes

_QUOTE, _ESCAPE, _COMMA = b'"\\,'
_BLANK = np.zeros(256, np.bool_)
_BLANK[list(b" \t\r\n")] = True
_STEPS = np.zeros(256, np.int8)
_STEPS[list(b"[{")] = 1
_STEPS[list(b"]}")] = -1
_MARKS = _STEPS != 0
_MARKS[[_QUOTE, _COMMA, NEWLINE, RETURN]] = True
_MOST_BLANKS = 1000


@dataclass(frozen=True, slots=True)
class Elements:
    """What a text shows that begins at an element of an array.

    `commas` are those between elements; `end` is where the bracket stands that closes the array,
    if it does. `breaks` are line breaks inside strings, where JSON allows none.
    """

    commas: Positions
    end: int | None
    breaks: Positions


def find_elements(text: bytes, depth: int = 1) -> Elements:
    """Counts through the text; with depth 0 it begins with the one value of which it is made."""
    data = np.frombuffer(text, np.uint8)
    marks = np.flatnonzero(_MARKS[data])
    kinds = data[marks]
    quotes = kinds == _QUOTE
    if _ESCAPE in text:
        quotes[quotes] = ~_escaped(data, marks[quotes])
    inside = np.cumsum(quotes) % 2 == 1
    steps = np.where(inside, 0, _STEPS[kinds])
    depths = np.cumsum(steps, dtype=np.int64) + depth
    line_breaks = (kinds == NEWLINE) | (kinds == RETURN)
    ends = np.flatnonzero((depths <= 0) & (steps < 0))
    last = int(ends[0]) if len(ends) else len(marks)
    commas = marks[:last][((kinds == _COMMA) & (depths == depth) & ~inside)[:last]]
    end = int(marks[last]) if len(ends) else None
    return Elements(commas, end, marks[:last][(line_breaks & inside)[:last]])


def _escaped(data: Bytes, quotes: Positions) -> npt.NDArray[np.bool_]:
    """Which quotes stand behind an odd number of backslashes."""
    slashes = np.flatnonzero(data == _ESCAPE)
    firsts = np.concatenate(([True], np.diff(slashes) != 1))
    run_starts = slashes[firsts][np.cumsum(firsts) - 1]
    places = np.searchsorted(slashes, quotes) - 1
    near = places >= 0
    near[near] = slashes[places[near]] == quotes[near] - 1
    found = np.zeros(len(quotes), np.bool_)
    found[near] = (quotes[near] - run_starts[places[near]]) % 2 == 1
    return found


def trimmed(text: bytes, spans: Spans) -> Spans:
    """The spans without the blanks at both ends."""
    data = np.frombuffer(text, np.uint8)
    starts, ends = spans.starts.copy(), spans.ends.copy()
    for _ in range(_MOST_BLANKS):
        blank = starts < ends
        blank[blank] = _BLANK[data[starts[blank]]]
        if not blank.any():
            break
        starts[blank] += 1
    for _ in range(_MOST_BLANKS):
        blank = starts < ends
        blank[blank] = _BLANK[data[ends[blank] - 1]]
        if not blank.any():
            break
        ends[blank] -= 1
    return Spans(starts, ends, spans.fields, spans.stray)
