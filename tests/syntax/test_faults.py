"""Faults of YAML and TOML: one for each mistake, at what the author has to mend."""

from __future__ import annotations

import pytest

from flowctl.diagnostics import Report
from flowctl.syntax import SourceFile, parse
from tests.syntax.reading import Found, places, read

YAML: list[tuple[str, Found]] = [
    # quotes
    ("a: 'x\n", ("E117", 1, 4)),
    ('a: "x\nb: 1\n', ("E117", 1, 4)),
    ("a: 'x\n---\nb: y'\n", ("E117", 1, 4)),
    ('a: "x\nb: 1\nc: "y"\n', ("E117", 1, 4)),
    ("a: 'it's done'\n", ("E123", 1, 8)),
    ('a: "x" > 3\n', ("E123", 1, 8)),
    ('[a, "x" > 3]\n', ("E123", 1, 9)),
    ("{a: 'x' || y}", ("E123", 1, 9)),
    ('a: "b": c\n', ("E123", 1, 7)),
    ("'a'b: c\n", ("E123", 1, 4)),
    ('"x" y\n', ("E123", 1, 5)),
    # brackets
    ("a: [1, 2\nb: 3\n", ("E118", 1, 4)),
    ("a: [b, c\n\nd: [e]\n", ("E118", 1, 4)),
    ("a: {b: c\nd: e\n", ("E118", 1, 4)),
    ("a: [", ("E118", 1, 4)),
    ("a: [b, {c", ("E118", 1, 8)),
    ("{a: 1\n b: 2}", ("E118", 1, 6)),
    ("[a, b}", ("E118", 1, 6)),
    ("a: [b]]\n", ("E118", 1, 7)),
    ("a: }\n", ("E118", 1, 4)),
    ("a: [b] c\n", ("E123", 1, 8)),
    ("a: [b] && c\n", ("E123", 1, 8)),
    ("a: [b,,c]\n", ("E122", 1, 7)),
    ("a: [- b]\n", ("E122", 1, 5)),
    ("{a: b[0] > 1}\n", ("E122", 1, 6)),
    ("{a: ^[A-Z]{2}$}\n", ("E122", 1, 6)),
    ("[a [b]]\n", ("E118", 1, 3)),
    # colons and lines
    ("a: b: c", ("E119", 1, 5)),
    ("{a: b: c}", ("E119", 1, 6)),
    ("a: b ? c : d\n", ("E119", 1, 10)),
    ("a: x\n  y\n  b: c\n", ("E119", 3, 4)),
    ("a: 1\nb\nc: 2\n", ("E124", 2, 1)),
    ("a:1\nb: 2\n", ("E124", 1, 1)),
    ("a:\n- b\n-c\n", ("E124", 3, 1)),
    ("steps:\n  load\n  run: x\n", ("E124", 2, 3)),
    ("a: 1\n- b\n", ("E124", 2, 1)),
    ("- a\nb: 1\n", ("E124", 2, 1)),
    ("a:\n  - b\n - c\n", ("E120", 3, 2)),
    ("a:\n    b: 1\n  c: 2\n", ("E120", 3, 3)),
    ("a:\n  b: 1\n    c: 2\n", ("E120", 3, 5)),
    ("a: 'b'\n  c: d\n", ("E120", 2, 3)),
    # characters
    ("a: - b", ("E122", 1, 4)),
    ("a: ? b", ("E122", 1, 4)),
    ("a: @b", ("E122", 1, 4)),
    ("a: `b`", ("E122", 1, 4)),
    ("[%b]", ("E122", 1, 2)),
    ("a: > 1000\n", ("E122", 1, 4)),
    ("a: & b\n", ("E122", 1, 4)),
    ("a: ,b", ("E122", 1, 4)),
    ('a: "\\d"', ("E121", 1, 5)),
    ('a: "b\n c \\x4"', ("E121", 2, 4)),
    ('a: "\\ud800"', ("E121", 1, 5)),
    # tabs
    ("a:\n\t- b\n", ("E116", 2, 1)),
    ("a:\n  \tb: c\n", ("E116", 2, 3)),
    ("a: b\n\tc\n", ("E116", 2, 1)),
    ("a: |\n \tx", ("E116", 2, 2)),
    # directives, documents, and the rest
    ("%FOO\n---\na", ("E115", 1, 1)),
    ("%YAML x\n---\na", ("E115", 1, 1)),
    ("%YAML 3.0\n---\na: 1", ("E115", 1, 1)),
    ("{a: 1}\nb: 2\n", ("E123", 2, 1)),
    ("a: &x &y b\n", ("E126", 1, 7)),
    # templates and calls
    ("a: {{ x }}", ("E109", 1, 4)),
    ("a: {{ x }}/y", ("E109", 1, 4)),
    ("- {{ f(x, 'y') }}", ("E109", 1, 3)),
    ("{a: {{ x }}, b: c}", ("E109", 1, 5)),
    ("a: {{ 1 | y }}", ("E109", 1, 4)),
    ("a: {{ x", ("E109", 1, 4)),
    ("a: {{ {x: 1} }}", ("E109", 1, 4)),
    ("{a: f(x, y)}", ("E110", 1, 5)),
    ("{a: f(x, 2, y) > 1, b: c}", ("E110", 1, 5)),
    ("[a, f(b, c), d]", ("E110", 1, 5)),
    ("{a: f(g(x), y), a: f(x, y)}", ("E110", 1, 5)),
]


@pytest.mark.parametrize(("text", "found"), YAML)
def test_yaml(text: str, found: Found) -> None:
    assert read(text)[1] == [found]


@pytest.mark.parametrize(
    "text", ["{a: (b, c: d)}", "{a: f(b)}", "[f(a, b]", "a: f(b, c)", "{a: 'f(b', c: d}"]
)
def test_what_is_no_call_cut_by_a_comma(text: str) -> None:
    assert "E110" not in {code for code, _, _ in read(text)[1]}


@pytest.mark.parametrize(
    "text", ['a: "{{ x }}"', "a: b {{ x }}", "a: ${{ x }}", "a: |\n  {{ x }}\n"]
)
def test_what_is_no_unquoted_template(text: str) -> None:
    assert read(text)[1] == []


TOML: list[tuple[str, Found]] = [
    ('a = "x', ("E117", 1, 5)),
    ('a = "x\ny"', ("E117", 1, 5)),
    ("a = 'x' # 'c\nb = 'y\n", ("E117", 2, 5)),
    ("a = '''x", ("E117", 1, 5)),
    ('a = """x\n', ("E117", 1, 5)),
    ("'a\nb' = 1", ("E117", 1, 1)),
    ("a = [1,\n2", ("E118", 1, 5)),
    ("a = [1,\n2\nb = 3", ("E118", 1, 5)),
    ("a = [1,\nb = 2\n", ("E118", 1, 5)),
    ("a = [1,\n[b]\nc = 1\n", ("E118", 1, 5)),
    ("a = [1 2]", ("E118", 1, 7)),
    ("a = [\n 'x'\n 'y'\n]", ("E118", 2, 5)),
    ("a = [1}", ("E118", 1, 7)),
    ("a = {b = 1", ("E118", 1, 5)),
    ("a = {b = 1,\n c = 2}", ("E118", 1, 5)),
    ("[a\nb = 1", ("E118", 1, 1)),
    ("[[a]\nb = 1", ("E118", 1, 1)),
    ('a = "\\q"', ("E121", 1, 6)),
    ('a = "\\u12"', ("E121", 1, 6)),
    ('a = "\\ud800"', ("E121", 1, 6)),
    ("a = 1 b = 2", ("E123", 1, 7)),
    ("a = 'it's'", ("E123", 1, 9)),
    ("[a]]\n", ("E123", 1, 4)),
    ("a = 1,", ("E123", 1, 6)),
    ("a", ("E124", 1, 1)),
    ("= 1", ("E124", 1, 1)),
    ("a: 1", ("E124", 1, 2)),
    ("b = 1\n  a b = 1", ("E124", 2, 3)),
    ("[]", ("E124", 1, 1)),
    ("a..b = 1", ("E124", 1, 1)),
    ("a = flights", ("E125", 1, 5)),
    ("a = True", ("E125", 1, 5)),
    ("a = 01", ("E125", 1, 5)),
    ("a = 2024-13-01", ("E125", 1, 5)),
    ("a = 1979-05-27 7:32", ("E125", 1, 16)),
    ("a = 1_", ("E125", 1, 5)),
    ("a =", ("E125", 1, 4)),
    ("a = [,]", ("E125", 1, 6)),
    ("a = 1\rb = 2", ("E103", 1, 6)),
]


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize(("text", "found"), TOML)
def test_toml(text: str, found: Found, line_end: str) -> None:
    assert read(text.replace("\n", line_end), "/a.toml")[1] == [found]


def messages(text: str, name: str = "/a.yaml") -> list[tuple[str, str | None]]:
    report = Report()
    parse(SourceFile(name, text), report)
    assert places(report)
    return [(found.message, found.help) for found in report]


@pytest.mark.parametrize(
    ("text", "message", "help"),
    [
        (
            "a: {{ x }}/y  # c",
            "a template at the start of a value needs quotes",
            "put quotes around the whole value: `'{{ x }}/y'`",
        ),
        (
            "rows: > 1000",
            "`>` begins a block of text, which stands on the lines below",
            "put quotes around the value: `'> 1000'`",
        ),
        (
            'filter: "odd name" > 3',
            "text stands after the closing quote",
            "put quotes around the whole value: `'\"odd name\" > 3'`",
        ),
        (
            "run: echo 'a: b'",
            "an unquoted value cannot hold a colon with a space after it",
            "put quotes around the value: `\"echo 'a: b'\"`",
        ),
        (
            "a:\n    b: 1\n  c: 2\n",
            "this line begins in column 3, the lines that it could belong to in column 1 or 5",
            "indent it as its neighbours",
        ),
        ("a:1\nb: 2", "a space is missing after the colon", "write `a: 1`"),
        ("-a\n-b: c", "a space is missing after the dash", "write `- a`"),
    ],
)
def test_messages(text: str, message: str, help: str) -> None:
    assert messages(text) == [(message, help)]
