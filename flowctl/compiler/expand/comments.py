"""YAML's trap that a `#` after a space begins a comment, also within an expression."""

from __future__ import annotations

import re

from flowctl.codes.schema import CUT_BY_COMMENT
from flowctl.diagnostics import Diagnostic
from flowctl.syntax.layout import TextLayout
from flowctl.syntax.node import ScalarNode

_COMMENT = re.compile(r"[ \t]+#")
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*\"""")
_UNFINISHED = re.compile(
    r"(?:[=<>+\-*/%|,(\[.]|\b(?:and|or|not|in|is|like|between|when|then|else|case))\s*$",
    re.IGNORECASE,
)


def cut_by_comment(node: ScalarNode) -> Diagnostic | None:
    """The fault that a comment has cut an unquoted expression in two, if it has."""
    if not node.plain or not isinstance(node.value, str):
        return None
    if not _unfinished(node.value) or not isinstance(node.layout, TextLayout):
        return None
    source = node.layout.source
    comment = _COMMENT.match(source.text, node.layout.end)
    if comment is None:
        return None
    place = source.span(comment.end() - 1, comment.end())
    message = f"this `#` begins a comment, so the expression is only `{node.value}`"
    help = "put quotes around the whole expression"
    return Diagnostic(CUT_BY_COMMENT, message, place, help, trace=node.trace)


def _unfinished(text: str) -> bool:
    """Whether an expression cannot end here: a quote or bracket is open, or an operator is last."""
    bare = _QUOTED.sub("x", text)
    if "'" in bare or '"' in bare:
        return True
    opened = sum(map(bare.count, "([{")) - sum(map(bare.count, ")]}"))
    return opened > 0 or _UNFINISHED.search(bare) is not None
