"""What authors write without quotes and YAML takes for something else."""

from __future__ import annotations

import re

from flowctl.codes.syntax import CUT_BY_COMMA, UNQUOTED_TEMPLATE
from flowctl.diagnostics import Diagnostic
from flowctl.syntax.source import SourceFile

_TEMPLATE = re.compile(r"\{\{[^\r\n]*?(?:\}\}|(?=[\r\n]|$))")
_REST_OF_LINE = re.compile(r"[^\r\n]*")
_TOKEN = re.compile(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*"|[()]""", re.DOTALL)
_VALUE_END = re.compile(r"[^,\]}\r\n]*")


def quoted(text: str) -> str:
    """A text as YAML writes it in quotes, for the sake of an example."""
    if "'" not in text:
        return f"'{text}'"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def unquoted_template(source: SourceFile, start: int) -> Diagnostic:
    """The fault of a `{{ … }}` that begins at an offset."""
    found = _TEMPLATE.match(source.text, start)
    end = found.end() if found else start + 2
    rest = _REST_OF_LINE.match(source.text, end)
    tail = rest[0].split(" #")[0].rstrip() if rest else ""
    whole = source.text[start:end] + (tail if tail[:1] not in (",", "]", "}") else "")
    return Diagnostic(
        UNQUOTED_TEMPLATE,
        "a template at the start of a value needs quotes",
        source.span(start, end),
        help=f"put quotes around the whole value: `{quoted(whole)}`",
    )


def cut_by_comma(source: SourceFile, start: int, end: int) -> Diagnostic | None:
    """The fault of an unquoted call whose arguments have fallen apart at their commas.

    `start` is where an unquoted value begins that leaves a parenthesis open, `end` the end of the
    brackets around it; no fault where the parenthesis is not closed among the values that follow.
    """
    depth = 0
    for found in _TOKEN.finditer(source.text, start, end):
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        if depth == 0 and found[0] == ")":
            break
    else:
        return None
    if ": " in source.text[start : found.end()]:
        return None
    last = _VALUE_END.match(source.text, found.end(), end)
    whole = source.text[start : last.end() if last else found.end()].rstrip()
    return Diagnostic(
        CUT_BY_COMMA,
        "inside brackets a comma ends an unquoted value, so this call falls apart",
        source.span(start, start + len(whole)),
        help=f"put quotes around the value: `{quoted(' '.join(whole.split()))}`",
    )
