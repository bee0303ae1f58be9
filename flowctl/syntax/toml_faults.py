"""What tomllib says, in words of ours and at the place that the author has to mend."""

from __future__ import annotations

import re

from flowctl.codes.syntax import CONTROL_CHARACTER, SYNTAX
from flowctl.diagnostics import Diagnostic
from flowctl.syntax.source import SourceFile

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]|\r(?!\n)")
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def forbidden_character(source: SourceFile) -> Diagnostic | None:
    """The first character that TOML does not allow anywhere."""
    found = _FORBIDDEN.search(source.text)
    if found is None:
        return None
    if found[0] == "\r":
        message = "a carriage return alone ends no line in TOML"
    else:
        message = f"the character U+{ord(found[0]):04X} may not stand in TOML"
    return Diagnostic(
        CONTROL_CHARACTER,
        message,
        source.span(found.start(), found.end()),
        help="remove it, or write its escape inside double quotes",
    )


def explain(source: SourceFile, error: ValueError) -> Diagnostic:
    """The diagnostic for an error of tomllib."""
    message = str(error)
    found = _PLACE.search(message)
    offset = len(source.text)
    if found is not None and found[1]:
        offset = source.offset(int(found[1]), int(found[2]))
    problem = message[: found.start()] if found else message
    return Diagnostic(SYNTAX, problem, source.span(offset, offset + 1))
