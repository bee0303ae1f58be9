"""Diagnostics as text: what a person sees, to the character."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.cli.excerpt import fit
from flowctl.cli.paint import Paint, safe, width
from flowctl.cli.report import Sources, counts, text
from flowctl.diagnostics import Code, Diagnostic, Frame, Related, Span

WRONG = Code("E999", "something is wrong", "explained")
ODD = Code("W999", "something is odd", "explained", "warning")


def shown(folder: Path, *found: Diagnostic, columns: int = 80) -> str:
    return text(found, Sources(folder), columns, Paint(False)).rstrip("\n")


def write(folder: Path, content: str | bytes, name: str = "a.yaml") -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path.as_posix()


def test_all_parts(tmp_path: Path) -> None:
    file = write(tmp_path, "flowctl: 1\nname: one\nname: two\n")
    other = write(tmp_path, "x: 1\n", "b.yaml")
    found = Diagnostic(
        WRONG,
        "the key `name` stands twice",
        Span(file, 3, 1, 3, 5),
        help="rename one of them",
        related=(
            Related(Span(file, 2, 1, 2, 5), "first defined here"),
            Related(Span(other, 1, 4, 1, 5), "and used here"),
        ),
        trace=(Frame("$ref", "b.yaml#/x", Span(file, 1, 10, 1, 11)),),
    )
    assert shown(tmp_path, found).splitlines() == [
        "a.yaml:3:1: error[E999]: the key `name` stands twice",
        "  3 | name: two",
        "    | ^^^^",
        "  2 | name: one",
        "    | ---- first defined here",
        "  b.yaml:1:4:",
        "  1 | x: 1",
        "    |    - and used here",
        "  in $ref b.yaml#/x at a.yaml:1:10",
        "  help: rename one of them",
    ]


@pytest.mark.parametrize(
    ("line", "span", "source", "underline"),
    [
        ("\ta: x", (5, 6), "    a: x", "       ^"),
        ("a: 漢字 x", (7, 8), "a: 漢字 x", "        ^"),
        ("a: 漢字 x", (4, 6), "a: 漢字 x", "   ^^^^"),
        ("e\u0301a: x", (6, 7), "e\u0301a: x", "    ^"),
        ("a:", (3, 4), "a:", "  ^"),
        ("a:", (3, 3), "a:", "  ^"),
        ("a: \x1b[31mred", (4, 5), "a: \ufffd[31mred", "   ^"),
        ("a: \u202eabc", (4, 5), "a: \ufffdabc", "   ^"),
    ],
)
def test_underline_stands_below_its_text(
    tmp_path: Path, line: str, span: tuple[int, int], source: str, underline: str
) -> None:
    file = write(tmp_path, line + "\n")
    found = Diagnostic(WRONG, "no", Span(file, 1, span[0], 1, span[1]))
    assert shown(tmp_path, found).splitlines()[1:] == [f"  1 | {source}", f"    | {underline}"]


def test_span_of_several_lines(tmp_path: Path) -> None:
    file = write(tmp_path, "a:\n  b: |\n    x\n    y\nc: 1\n")
    found = Diagnostic(WRONG, "no", Span(file, 2, 6, 4, 6))
    assert shown(tmp_path, found).splitlines()[1:] == [
        "  2 |   b: |",
        "    |      ^",
        " ...",
        "  4 |     y",
        "    |     ^",
    ]


def test_span_that_ends_at_the_start_of_the_next_line(tmp_path: Path) -> None:
    file = write(tmp_path, "a: bcd\nc: 1\n")
    found = Diagnostic(WRONG, "no", Span(file, 1, 4, 2, 1))
    assert shown(tmp_path, found).splitlines()[1:] == ["  1 | a: bcd", "    |    ^^^"]


def test_what_stands_in_the_same_place_is_shown_once(tmp_path: Path) -> None:
    span = Span(write(tmp_path, "a: b\n"), 1, 4, 1, 5)
    found = Diagnostic(WRONG, "no", span, related=(Related(span, "the other cell"),))
    assert len(shown(tmp_path, found).splitlines()) == 3


def test_two_places_in_a_line_share_it(tmp_path: Path) -> None:
    file = write(tmp_path, "a: {b: 1, b: 2}\n")
    first = Related(Span(file, 1, 5, 1, 6), "first defined here")
    found = Diagnostic(WRONG, "no", Span(file, 1, 11, 1, 12), related=(first,))
    assert shown(tmp_path, found).splitlines()[1:] == [
        "  1 | a: {b: 1, b: 2}",
        "    |           ^",
        "    |     - first defined here",
    ]


def test_long_line_is_cut_around_the_fault(tmp_path: Path) -> None:
    file = write(tmp_path, "a: " + "x" * 300 + "fault" + "y" * 300)
    found = Diagnostic(WRONG, "no", Span(file, 1, 304, 1, 309))
    _, source, underline = shown(tmp_path, found).splitlines()
    assert len(source) == 80
    start = source.index("fault")
    assert underline[start : start + 5] == "^^^^^"
    assert underline.count("^") == 5
    assert source.endswith("…")
    assert source[6] == "…"


def test_files_that_cannot_be_read_have_no_excerpt(tmp_path: Path) -> None:
    gone = Diagnostic(WRONG, "no", Span((tmp_path / "gone.yaml").as_posix(), 1, 1, 1, 2))
    assert shown(tmp_path, gone) == "gone.yaml:1:1: error[E999]: no"
    assert shown(tmp_path, Diagnostic(WRONG, "no")) == "error[E999]: no"
    latin = write(tmp_path, b"a: \xe9t\xe9\n")
    bad = Diagnostic(WRONG, "no", Span(latin, 1, 4, 1, 5))
    assert shown(tmp_path, bad).splitlines()[1] == "  1 | a: \ufffdt\ufffd"


def test_byte_order_mark_takes_no_column(tmp_path: Path) -> None:
    file = write(tmp_path, "\ufeffa: 1\n")
    found = Diagnostic(WRONG, "no", Span(file, 1, 1, 1, 2))
    assert shown(tmp_path, found).splitlines()[1:] == ["  1 | a: 1", "    | ^"]


def test_messages_cannot_move_the_cursor(tmp_path: Path) -> None:
    found = Diagnostic(WRONG, "unknown `\x1b[2J`\n  x", help="no \x07 bell")
    assert shown(tmp_path, found).splitlines() == [
        "error[E999]: unknown `\ufffd[2J` x",
        "  help: no \ufffd bell",
    ]


def test_long_help_is_wrapped(tmp_path: Path) -> None:
    found = Diagnostic(WRONG, "no", help="word " * 30)
    lines = shown(tmp_path, found).splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert all(line.startswith("        ") for line in lines[2:])


def test_colours_change_nothing_but_the_colour(tmp_path: Path) -> None:
    file = write(tmp_path, "name: one\nname: two\n")
    found = Diagnostic(
        ODD,
        "twice",
        Span(file, 2, 1, 2, 5),
        "rename",
        (Related(Span(file, 1, 1, 1, 5), "first"),),
    )
    coloured = text([found], Sources(tmp_path), 80, Paint(True))
    assert "\x1b[" in coloured
    plain = re.sub(r"\x1b\[[\d;]*m", "", coloured)
    assert plain == text([found], Sources(tmp_path), 80, Paint(False))


def test_counts() -> None:
    one = Diagnostic(WRONG, "", Span.point("/a", 1, 1))
    assert counts([one, one, Diagnostic(ODD, "", Span.point("/b", 1, 1))]) == (
        "2 errors, 1 warning in 2 files"
    )
    assert counts([Diagnostic(WRONG, "")]) == "1 error"


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=200), st.integers(0, 220), st.integers(0, 220), st.integers(20, 90))
def test_any_line_fits_and_its_mark_lies_inside(line: str, one: int, two: int, room: int) -> None:
    start, end = sorted((one, two))
    shown, before, length = fit(line, start, end, room)
    assert width(shown) <= room
    assert length >= 1
    if start <= len(line.rstrip()):
        assert before + length <= room + 1
    assert safe(shown) == shown.replace("\t", " ") or not shown
