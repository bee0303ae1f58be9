"""Each character of a decoded text leads back to where it is written."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from flowctl.diagnostics import Span
from flowctl.syntax import SourceFile
from flowctl.syntax.layout import TextLayout
from flowctl.syntax.node import Node, ScalarNode
from flowctl.syntax.yaml_scalars import plain
from tests.syntax.reading import read, scalar, scalars, tree

# What may stand in a text that is written without escapes.
BARE = st.text(st.sampled_from("ab1é😀 \t.,;<>=+*/_~^$€"), max_size=12)
LINES = st.lists(BARE, min_size=1, max_size=5)


def stretch(text: str, span: Span) -> str:
    source = SourceFile(span.file, text)
    start = source.offset(span.line, span.column)
    return text[start : source.offset(span.end_line, span.end_column)]


def check(text: str, found: ScalarNode) -> None:
    """Every character stands for itself, is an escape, or is a line end."""
    layout = found.layout
    assert isinstance(layout, TextLayout)
    assert layout.tape is not None, "our decoding differs from the parser's"
    value = str(found.value)
    for index, character in enumerate(value):
        written = stretch(text, found.at(index, index + 1))
        same = written == character
        folded = character in " \n" and written in ("\n", "\r", "\r\n")
        escaped = written.startswith("\\") or written == "''"
        assert same or folded or escaped, (value, index, written)


def whole(text: str, name: str = "/a.yaml") -> Node | None:
    """The tree of a text, every scalar of which has been checked; None where it is wrong."""
    node, found = read(text, name)
    assert node is not None or found
    if node is not None:
        for leaf in scalars(node):
            if leaf.layout is not None:
                check(text, leaf)
    return node


def single(lines: list[str]) -> str:
    return "'" + "\n\n  ".join(lines).replace("'", "''") + "'"


def double(lines: list[str]) -> str:
    return json.dumps("\n".join(lines), ensure_ascii=False)


def escaped(lines: list[str]) -> str:
    return '"' + "".join(f"\\U{ord(character):08x}" for character in "\n".join(lines)) + '"'


def literal(lines: list[str]) -> str:
    return "|2\n" + "\n".join(f"    {line}" for line in lines)


@settings(deadline=None, max_examples=150)
@given(LINES, st.sampled_from([single, double, escaped]), st.sampled_from(["\n", "\r\n", "\r"]))
def test_quoted(lines: list[str], write: Callable[[list[str]], str], line_end: str) -> None:
    lines = [line.strip() or "x" for line in lines]
    text = f"key:\n  other: {write(lines)}\n".replace("\n", line_end)
    node = whole(text)
    assert node is not None
    assert scalar(node, "key", "other").value == "\n".join(lines)


@settings(deadline=None, max_examples=150)
@given(LINES, st.sampled_from(["", "-", "+"]), st.sampled_from(["\n", "\r\n", "\r"]))
def test_literal(lines: list[str], chomp: str, line_end: str) -> None:
    body = literal(lines).replace("|2", f"|2{chomp}", 1)
    node = whole(f"key:\n  other: {body}\n".replace("\n", line_end))
    assert node is not None
    written = "\n".join(lines)
    kept = written if chomp == "+" else written.rstrip("\n")
    ended = kept if chomp == "-" or not written.strip("\n") else f"{kept}\n"
    assert scalar(node, "key", "other").value == (f"{written}\n" if chomp == "+" else ended)


PIECES = [
    "a",
    "b ",
    " ",
    "  ",
    "\t",
    "\n",
    "\n  ",
    "\n\n",
    "é",
    "😀",
    "#",
    " #",
    ":",
    "-",
    "\u3000",
]
ESCAPES = ["\\n", "\\\n", "\\\n  ", "\\x41", "\\u00e9", "\\U0001F600", '\\"', "\\\\", "\\ ", "\\L"]
DEEPER = ["\n   ", "\n     ", "\n  \n", "\n      \n", "\n  \t", "'", '"']
OPTIONS = ("", "-", "+", "2", "1", "+2", "2- # c")
HEADERS = [f"{mark}{options}" for mark in "|>" for options in OPTIONS]
AROUND = ["k: %s\n", "- %s\n", "k:\n  - j: %s\n", "k: %s", "k: &x %s\nz: 1\n", "- - %s", "[%s]"]


def of(*pieces: str) -> st.SearchStrategy[str]:
    return st.lists(st.sampled_from(pieces), max_size=9).map("".join)


SCALARS = st.one_of(
    of(*PIECES),
    of(*PIECES, "''", '"').map(lambda body: f"'{body}'"),
    of(*PIECES, *ESCAPES, "'").map(lambda body: f'"{body}"'),
    st.builds("{}\n{}".format, st.sampled_from(HEADERS), of(*PIECES, *DEEPER)),
)


@settings(deadline=None, max_examples=1500)
@given(SCALARS, st.sampled_from(AROUND), st.sampled_from(["\n", "\n", "\r\n", "\r"]))
def test_whatever_the_parser_accepts(body: str, around: str, line_end: str) -> None:
    whole((around % body).replace("\n", line_end))


TOML_PIECES = [*PIECES, "\\n", "\\\n  ", "\\u00e9", "\\U0001F600", '\\"', "\\\\", "\\b"]
TOML_QUOTES = ['"', "'", '"""', "'''"]


@settings(deadline=None, max_examples=500)
@given(of(*TOML_PIECES), st.sampled_from(TOML_QUOTES), st.sampled_from(["\n", "\r\n"]))
def test_whatever_tomllib_accepts(body: str, quote: str, line_end: str) -> None:
    whole(f"k = {quote}{body}{quote}\n".replace("\n", line_end), "/a.toml")


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=20), st.booleans())
def test_json(value: str, ascii_only: bool) -> None:
    assume(not any("\ud800" <= character <= "\udfff" for character in value))
    node = whole(json.dumps({"k": value}, ensure_ascii=ascii_only), "/a.json")
    assert node is not None
    assert scalar(node, "k").value == value


@pytest.mark.parametrize(
    ("text", "part", "place"),
    [
        ("k: a and bad(x)", "bad", (1, 10, 1, 13)),
        ("k: 'it''s bad'", "bad", (1, 11, 1, 14)),
        ("k: 'it''s bad'", "'", (1, 7, 1, 9)),
        ('k: "\\u00e9\\n bad"', "bad", (1, 14, 1, 17)),
        ("k: a\n  and\n  bad\n", "bad", (3, 3, 3, 6)),
        ("k: a\n  and\n  bad\n", "d b", (2, 5, 3, 4)),
        ("k: |\n  a\n    bad\n", "bad", (3, 5, 3, 8)),
        ("k: >\n  a\n  bad\n", "a b", (2, 3, 3, 4)),
        ("k: >2-\n\n    a\n  bad\n", "bad", (4, 3, 4, 6)),
        ("- |+\n a\n\n\n bad\n", "bad", (5, 2, 5, 5)),
        ('k: "a \\\n  bad"', "bad", (2, 3, 2, 6)),
        ("😀: 😀 bad", "bad", (1, 6, 1, 9)),
    ],
)
def test_stretches(text: str, part: str, place: tuple[int, int, int, int]) -> None:
    *_, found = scalars(tree(text))
    start = str(found.value).index(part)
    span = found.at(start, start + len(part))
    assert (span.line, span.column, span.end_line, span.end_column) == place


def test_empty_stretches_are_points() -> None:
    found = scalar(tree("k: 'abc'"), "k")
    assert [found.at(place, place).column for place in range(4)] == [5, 6, 7, 8]
    assert found.at(2, 2).end_column == 7
    assert scalar(tree("k: ''"), "k").at(0, 0).column == 4


def test_a_stretch_beyond_the_text_ends_with_it() -> None:
    found = scalar(tree("k: 'abc'"), "k")
    assert found.at(1, 99) == found.at(1, 3)
    assert found.at(5, 99) == found.at(3, 3)


def test_where_decoding_differs_the_whole_is_shown() -> None:
    layout = TextLayout(SourceFile("/a", "abc"), 0, 3, "xyz", plain)
    assert layout.tape is None
    assert layout.span(1, 2) == Span("/a", 1, 1, 1, 4)
