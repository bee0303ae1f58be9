"""How large and how deep a document may be, whatever it is written in."""

from __future__ import annotations

from flowctl.codes.syntax import FILE_TOO_LARGE
from flowctl.diagnostics import Report, Span

MAX_DEPTH = 64
MAX_NODES = 1_000_000


class OutOfBounds(Exception):
    """The document is larger or deeper than allowed; the report says where."""


def refuse_depth(report: Report, span: Span) -> OutOfBounds:
    """Reports the place at which a document becomes too deep; to be raised."""
    report.say(FILE_TOO_LARGE, span, f"values nest more than {MAX_DEPTH} deep here")
    return OutOfBounds()


def refuse_size(report: Report, span: Span) -> OutOfBounds:
    """Reports the place at which a document becomes too large; to be raised."""
    message = f"the document holds more than {MAX_NODES:,} values"
    report.say(FILE_TOO_LARGE, span, f"{message}, with its aliases written out")
    return OutOfBounds()
