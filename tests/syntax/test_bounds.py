"""Hostile texts end with a diagnostic, soon, and without filling the memory."""

from __future__ import annotations

import time

import pytest

from flowctl.syntax.bounds import MAX_DEPTH
from tests.syntax.reading import read

MANY = 100_000


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, levels):
        aliases = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} [{aliases}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("/a.yaml", "[" * MANY),
        ("/a.yaml", "[" * MANY + "]" * MANY),
        ("/a.yaml", "{a: " * MANY),
        ("/a.yaml", "- " * MANY),
        ("/a.yaml", "? " * MANY),
        ("/a.yaml", "\n".join(" " * depth + "a:" for depth in range(200))),
        ("/a.yaml", "[{{" * MANY),
        ("/a.toml", "a = " + "[" * MANY),
        ("/a.toml", "a = " + "[" * MANY + "]" * MANY),
        ("/a.toml", "a = " + "{a = " * 5000 + "1" + "}" * 5000),
        ("/a.toml", ".".join("a" * 5000) + " = 1"),
        ("/a.toml", "[" + ".".join("a" * 5000) + "]"),
        ("/a.json", "[" * MANY),
        ("/a.json", '{"a":' * MANY),
        ("/a.yaml", bomb(8)),
        ("/a.yaml", bomb(60)),
    ],
)
def test_bombs(name: str, text: str) -> None:
    began = time.monotonic()
    node, found = read(text, name)
    assert node is None
    assert {code for code, _, _ in found} <= {"E102", "E109"}
    assert found
    assert time.monotonic() - began < 20


def test_merges_of_merges_do_not_grow() -> None:
    lines = ["a0: &a0 {x: 1, y: 2}"]
    lines += [f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 40)]
    assert [code for code, _, _ in read("\n".join(lines))[1]] == ["E102"]


def test_an_alias_is_as_deep_as_its_value() -> None:
    half = MAX_DEPTH // 2 + 1
    deep = "[" * half + "]" * half
    assert read(f"a: &a {deep}\nb: *a")[1] == []
    node, found = read(f"a: &a {deep}\nb: " + "[" * half + "*a" + "]" * half)
    assert node is None
    assert [code for code, _, _ in found] == ["E102"]


@pytest.mark.parametrize("extension", ["yaml", "json", "toml"])
def test_the_deepest_that_is_allowed(extension: str) -> None:
    opening, key = ("a = ", 1) if extension == "toml" else ("", 0)
    for depth, allowed in ((MAX_DEPTH - key, True), (MAX_DEPTH - key + 1, False)):
        found = read(opening + "[" * depth + "]" * depth, f"/a.{extension}")[1]
        assert (found == []) is allowed


def test_many_values() -> None:
    def text(aliases: int) -> str:
        return f"a: &a [{', '.join('1' * 999)}]\nb: [{', '.join(['*a'] * aliases)}]"

    assert read(text(998))[1] == []
    node, found = read(text(999))
    assert node is None
    assert [(code, line) for code, line, _ in found] == [("E102", 2)]


def test_many_digits() -> None:
    for name, text in (("/a.yaml", "a: "), ("/a.toml", "a = "), ("/a.json", "")):
        assert read(text + "9" * 5000, name)[1] == [("E114", 1, len(text) + 1)]
