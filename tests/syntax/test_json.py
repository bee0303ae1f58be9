"""JSON files, judged by Python's own reader."""

from __future__ import annotations

import json

import pytest

from flowctl.syntax.node import to_json
from tests.syntax.reading import at, read, tree

NAME = "/a.json"


@pytest.mark.parametrize(
    "text",
    [
        *("{}", "[]", ' [1, -2.5e3, true, false, null, ""]\t', '"a"', "0", "-0.5"),
        '{\n\t"a": {"b": [\r\n{}, []]},\t"<<": {"x": 1}, "1": 1\n}',
        '"\\ud83d\\ude00 \\u00e9 \\/ \\b\\f\\n\\r\\t\\\\ \\" 😀 \u2028"',
        '{"' + "k" * 3000 + '":1}',
    ],
)
def test_values(text: str) -> None:
    assert to_json(tree(text, NAME)) == json.loads(text)


def test_places() -> None:
    node = tree('{\n  "a": [1, "é\\ud83d\\ude00x"]\n}', NAME)
    span = at(node, "a", 1).span
    assert (span.line, span.column, span.end_column) == (2, 12, 28)
    assert at(node, "a", 1).at(2, 3).column == 26  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ("E105", 1, 1)),
        ("[1,\n 2", ("E118", 1, 1)),
        ('{"a": [1, 2}', ("E118", 1, 12)),
        ("[1 2]", ("E118", 1, 4)),
        ('{"a" 1}', ("E126", 1, 6)),
        ("{a: 1}", ("E126", 1, 2)),
        ('{"a": 1,}', ("E126", 1, 9)),
        ("[1,]", ("E126", 1, 4)),
        ("[nul]", ("E126", 1, 2)),
        ("[01]", ("E126", 1, 2)),
        ("[+1]", ("E126", 1, 2)),
        ("{} {}", ("E123", 1, 4)),
        ('["a\n"]', ("E117", 1, 2)),
        ('["\\x41"]', ("E121", 1, 3)),
        ('["\\ud800"]', ("E121", 1, 3)),
        ("[1e999]", ("E114", 1, 2)),
        ('{"a": 1, "a": 2}', ("E107", 1, 10)),
        ("// c\n1", ("E126", 1, 1)),
        ("]", ("E126", 1, 1)),
    ],
)
def test_faults(text: str, found: tuple[str, int, int]) -> None:
    assert read(text, NAME)[1] == [found]
