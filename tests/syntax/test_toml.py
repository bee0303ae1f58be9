"""TOML gives the tree that YAML would give; tomllib is the judge of values."""

from __future__ import annotations

import pytest

from flowctl.syntax.node import MappingNode, to_json
from tests.syntax.reading import at, nodes, read, scalar, scalars, tree

DOCUMENT = """\
# a comment
flowctl = 1
"a b".'c' = [0x1F, 1_000, -1.5e3, true]
when = [1979-05-27 07:32:00z, 1979-05-27t07:32:00.5, 1979-05-27, 07:32:00]

[steps.load]
run = \"\"\"
echo \\
   é😀"\"\"\"
env = {A = 'x', "B".C = "😀\\n"}   # é

[[steps.load.list]]
x = 1

[[steps.load.list]]
[steps.load.list.sub]
y = 2

[steps.store]
"""
NAME = "/a.toml"


def test_values() -> None:
    assert to_json(tree(DOCUMENT, NAME)) == {
        "flowctl": 1,
        "a b": {"c": [31, 1000, -1500.0, True]},
        "when": ["1979-05-27T07:32:00Z", "1979-05-27T07:32:00.5", "1979-05-27", "07:32:00"],
        "steps": {
            "load": {
                "run": 'echo é😀"',
                "env": {"A": "x", "B": {"C": "😀\n"}},
                "list": [{"x": 1}, {"sub": {"y": 2}}],
            },
            "store": {},
        },
    }


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        (("flowctl",), (2, 11, 2, 12)),
        (("a b", "c"), (3, 13, 3, 40)),
        (("a b", "c", 1), (3, 20, 3, 25)),
        (("when", 0), (4, 9, 4, 29)),
        (("steps",), (6, 2, 6, 7)),
        (("steps", "load"), (6, 1, 10, 31)),
        (("steps", "load", "run"), (7, 7, 9, 10)),
        (("steps", "load", "env"), (10, 7, 10, 31)),
        (("steps", "load", "env", "B", "C"), (10, 25, 10, 30)),
        (("steps", "load", "list", 0), (12, 1, 13, 6)),
        (("steps", "load", "list", 1, "sub", "y"), (17, 5, 17, 6)),
        (("steps", "store"), (19, 1, 19, 14)),
    ],
)
def test_places(pointer: tuple[str | int, ...], place: tuple[int, int, int, int]) -> None:
    span = at(tree(DOCUMENT, NAME), *pointer).span
    assert (span.line, span.column, span.end_line, span.end_column) == place


def test_keys_have_places() -> None:
    load = at(tree(DOCUMENT, NAME), "steps", "load")
    assert isinstance(load, MappingNode)
    places = {entry.name: (entry.key.span.line, entry.key.span.column) for entry in load}
    assert places == {"run": (7, 1), "env": (10, 1), "list": (12, 14)}


def test_characters_of_strings_and_dates() -> None:
    node = tree(DOCUMENT, NAME)
    assert scalar(node, "steps", "load", "run").at(5, 7).column == 4
    assert scalar(node, "when", 0).at(10, 11).column == 19
    assert all(leaf.layout is not None for leaf in scalars(node) if isinstance(leaf.value, str))


def test_which_scalars_are_plain() -> None:
    node = tree("a = 'x'\nb = 1\nc = 1979-05-27\n'd' = true", NAME)
    assert [scalar(node, name).plain for name in "abcd"] == [False, True, True, True]


def test_special_floats() -> None:
    values = to_json(tree("a = [inf, -inf, nan, +nan]", NAME))
    assert str(values) == "{'a': [inf, -inf, nan, nan]}"


def test_wide_characters_do_not_shift_places() -> None:
    node = tree("'é😀' = 'é'  # 😀\n[a.'😀'.b]\nc = '€'\n", NAME)
    spans = {(part.span.line, part.span.column, part.span.end_column) for part in nodes(node)}
    assert {(1, 8, 11), (2, 4, 7), (2, 8, 9), (3, 5, 8)} <= spans


@pytest.mark.parametrize(
    ("text", "found", "first"),
    [
        ("a = 1\na = 2\na = 3", [(2, 1), (3, 1)], (1, 1)),
        ("[a]\nb = 1\n[c]\n[a]", [(4, 2)], (1, 2)),
        ("a.b = 1\na = 2", [(2, 1)], (1, 1)),
        ("a = 1\n[a.b]", [(2, 2)], (1, 1)),
        ("a = {b = 1}\n[a.c]", [(2, 2)], (1, 1)),
        ("a = {b = 1}\n[a]", [(2, 2)], (1, 1)),
        ("a = {b = 1}\na.c = 2", [(2, 1)], (1, 1)),
        ("[[a]]\n[a]", [(2, 2)], (1, 3)),
        ("a = []\n[[a]]", [(2, 3)], (1, 1)),
        ("[a.b]\nx = 1\n[a]\nb.y = 2", [(4, 1)], (1, 4)),
        ("[a]\nb.c = 1\n[a.b]\nd = 1", [(3, 4)], (2, 1)),
        ("a = {b = 1, b = 2}", [(1, 13)], (1, 6)),
    ],
)
def test_keys_that_stand_twice(
    text: str, found: list[tuple[int, int]], first: tuple[int, int]
) -> None:
    from flowctl.diagnostics import Report
    from flowctl.syntax import SourceFile, parse

    report = Report()
    assert parse(SourceFile(NAME, text), report) is None
    assert [(each.code.id, each.span.line, each.span.column) for each in report if each.span] == [
        ("E107", *place) for place in found
    ]
    related = next(iter(report)).related[0].span
    assert (related.line, related.column) == first


@pytest.mark.parametrize("text", ["", "\n", "# c\n", "\r\n"])
def test_an_empty_document(text: str) -> None:
    assert read(text, NAME) == (None, [("E105", 1, 1)])


def test_integers_lie_within_64_bits() -> None:
    assert read(f"a = {2**63 - 1}\nb = {-(2**63)}", NAME)[1] == []
    assert read(f"a = {2**63}\nb = {-(2**63) - 1}", NAME)[1] == [("E114", 1, 5), ("E114", 2, 5)]
    assert read("a = 1e999", NAME)[1] == [("E114", 1, 5)]
