"""A line of source with a stretch of it underlined, cut so that it fits the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from flowctl.cli.paint import Paint, Role, cells, width
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Span

_CUT = "…"
_LEAD = 8


class Lines(Protocol):
    """The lines of a file, by their 1-based number."""

    def line(self, number: int) -> str:
        """The text without its end; empty where there is no such line."""
        ...


@dataclass(frozen=True, slots=True)
class Frame:
    """How excerpts are set: the terminal's width, the columns for line numbers, the colours."""

    width: int
    digits: int
    paint: Paint

    def gutter(self, number: int | None) -> str:
        """What stands left of a line; an empty number for the line below it."""
        text = "" if number is None else str(number)
        return self.paint("frame", f" {text:>{self.digits}} |")


def excerpt(
    lines: Lines, span: Span, frame: Frame, mark: str, role: Role, label: str = ""
) -> Iterator[str]:
    """The first line of a span and its last, each with its part of the span underlined."""
    last = span.end_line if span.end_column > 1 else max(span.line, span.end_line - 1)
    first_text = lines.line(span.line)
    if last <= span.line:
        end = span.end_column if span.end_line == span.line else len(first_text) + 1
        yield from _marked(first_text, span.line, (span.column, end), frame, mark, role, label)
        return
    end = len(first_text.rstrip()) + 1
    yield from _marked(first_text, span.line, (span.column, end), frame, mark, role, "")
    if last > span.line + 1:
        yield frame.paint("frame", f" {'...':>{frame.digits}}")
    text = lines.line(last)
    start = len(text) - len(text.lstrip()) + 1
    end = span.end_column if last == span.end_line else len(text) + 1
    yield from _marked(text, last, (start, end), frame, mark, role, label)


def _marked(
    text: str,
    number: int,
    columns: tuple[int, int],
    frame: Frame,
    mark: str,
    role: Role,
    label: str,
) -> Iterator[str]:
    room = max(frame.width - frame.digits - 4, 20)
    shown, before, length = fit(text, columns[0] - 1, columns[1] - 1, room)
    yield f"{frame.gutter(number)} {shown}".rstrip()
    beside = before + length + 1 + width(label) <= room
    underline = " " * before + frame.paint(role, mark * length + (f" {label}" * beside).rstrip())
    yield f"{frame.gutter(None)} {underline}"
    if label and not beside:
        indent = " " * max(min(before, room - width(label)), 0)
        yield f"{frame.gutter(None)} {indent}{frame.paint(role, label)}"


def fit(text: str, start: int, end: int, room: int) -> tuple[str, int, int]:
    """The line cut to `room` columns around `text[start:end]`; where and how long to underline it.

    >>> fit("key: value", 5, 10, 80)
    ('key: value', 5, 5)
    >>> fit("x" * 50 + "fault" + "y" * 50, 50, 55, 21)
    ('…xxxxxxxxfaultyyyyyy…', 9, 5)
    """
    shown = list(cells(text.rstrip()))
    # A fault may stand behind the last character: something is missing there.
    shown += [(" ", 1)] * (start + 1 - len(shown))
    end = max(min(end, len(shown)), start + 1)
    low, high = _window([wide for _, wide in shown], start, end, room)
    head, tail = _CUT if low > 0 else "", _CUT if high < len(shown) else ""
    line = head + "".join(part for part, _ in shown[low:high]) + tail
    before = len(head) + sum(wide for _, wide in shown[low:start])
    return line.rstrip(), before, max(sum(wide for _, wide in shown[start : min(end, high)]), 1)


def _window(widths: list[int], start: int, end: int, room: int) -> tuple[int, int]:
    """The stretch of characters to show: the span, or its beginning, with what fits around it."""
    if sum(widths) <= room:
        return 0, len(widths)
    room -= 2 * len(_CUT)
    # A span that fills the room still keeps a little of what leads to it.
    low, high = max(start - _LEAD, 0), start
    used = sum(widths[low:high])
    while high < end and used + widths[high] <= room:
        used += widths[high]
        high += 1
    left, right = start - low, 0
    while used < room and (low > 0 or high < len(widths)):
        to_left = high == len(widths) or (low > 0 and left <= right)
        wide = widths[low - 1] if to_left else widths[high]
        if used + wide > room:
            break
        used += wide
        if to_left:
            low, left = low - 1, left + wide
        else:
            high, right = high + 1, right + wide
    return low, high
