"""What libyaml says, in words of ours and at the place that the author has to mend."""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml.error import YAMLError

from flowctl.codes.syntax import CONTROL_CHARACTER, SYNTAX
from flowctl.diagnostics import Diagnostic
from flowctl.syntax.source import SourceFile

_FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
)


def forbidden_character(source: SourceFile) -> Diagnostic | None:
    """The first character that YAML does not allow, or reads as a line end that no editor shows."""
    found = _FORBIDDEN.search(source.text)
    if found is None:
        return None
    return Diagnostic(
        CONTROL_CHARACTER,
        f"the character U+{ord(found[0]):04X} may not stand in YAML",
        source.span(found.start(), found.end()),
        help="remove it, or write its escape inside double quotes",
    )


def explain(source: SourceFile, error: YAMLError) -> Diagnostic:
    """The diagnostic for an error of the parser."""
    mark: Any = getattr(error, "problem_mark", None)
    offset = min(mark.index, len(source.text)) if mark is not None else 0
    problem = getattr(error, "problem", None) or "it is no YAML"
    return Diagnostic(SYNTAX, str(problem), source.span(offset, offset + 1))
