"""The `#` that cuts a value."""

from __future__ import annotations

import pytest

from flowctl.diagnostics import Span
from flowctl.syntax import SourceFile
from flowctl.syntax.traps import comment_after
from tests.syntax.reading import scalar, tree


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("a: x = 1 #2", (10, 12)),
        ("a: x  \t# y # z\nb: c", (8, 15)),
        ("a: x", None),
        ("a: x#2", None),
        ("a: x\n# c", None),
    ],
)
def test_comment_after(text: str, columns: tuple[int, int] | None) -> None:
    source = SourceFile("/project/flow.yaml", text)
    found = comment_after(source, scalar(tree(text), "a").span)
    expected = Span(source.name, 1, columns[0], 1, columns[1]) if columns else None
    assert found == expected
