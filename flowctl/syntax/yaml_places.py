"""Where a parser's events stand: its marks count from 0, and begin at an anchor or tag."""

from __future__ import annotations

import re
from typing import Any

from flowctl.diagnostics import Span
from flowctl.syntax.source import SourceFile

_PROPERTY = re.compile(r"(?:!<[^>\s]*>|[&!][^\s,\[\]{}]*)(?:[ \t\r\n]+|(?<=[ \t\r\n])#[^\r\n]*)*")
_TAG = re.compile(r"![^ \t\r\n]*")


def begins(source: SourceFile, event: Any) -> int:
    """The offset where a value begins, after its anchor and tag."""
    start: int = event.start_mark.index
    if event.anchor is None and event.ctag is None:
        return start
    for _ in range((event.anchor is not None) + (event.ctag is not None)):
        found = _PROPERTY.match(source.text, start, event.end_mark.index)
        start = found.end() if found else start
    return start


def place(source: SourceFile, mark: Any, start: int) -> tuple[int, int]:
    """The line and column of an offset, which the mark gives where it stands there."""
    if mark.index == start:
        return mark.line + 1, mark.column + 1
    return source.place(start)


def between(source: SourceFile, start: Any, end: Any) -> Span:
    """From one mark to another."""
    return Span(source.name, start.line + 1, start.column + 1, end.line + 1, end.column + 1)


def scalar_place(source: SourceFile, event: Any, start: int) -> Span:
    """The place of a scalar; that of a block ends with its last character that is no blank."""
    mark, end = event.start_mark, event.end_mark
    if event.style in ("|", ">"):
        stop = start + len(source.text[start : end.index].rstrip(" \t\r\n"))
        return source.span(start, stop)
    if mark.index == start:  # as for most of them, in one step
        return Span(source.name, mark.line + 1, mark.column + 1, end.line + 1, end.column + 1)
    return Span(source.name, *source.place(start), end.line + 1, end.column + 1)


def tag_place(source: SourceFile, event: Any) -> Span:
    """The place of a value's tag."""
    found = _TAG.search(source.text, event.start_mark.index, event.end_mark.index)
    if found is None:
        return between(source, event.start_mark, event.end_mark)
    return source.span(found.start(), found.end())
