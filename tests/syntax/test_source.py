"""Bytes into text, and offsets into lines and columns."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowctl.diagnostics import Diagnostic, Span
from flowctl.syntax import SourceFile, decode_source, parse, read_source
from flowctl.syntax.source import MAX_BYTES
from tests.syntax.reading import read, scalar, tree


def refused(data: bytes) -> Diagnostic:
    found = decode_source("/a.yaml", data)
    assert isinstance(found, Diagnostic)
    return found


def test_the_first_byte_that_is_not_utf8() -> None:
    found = refused("a: é\nb: 😀 ".encode() + b"\xff\xfe")
    assert found.code.id == "E101"
    assert found.span == Span("/a.yaml", 2, 6, 2, 7)
    assert "0xFF" in found.message


@pytest.mark.parametrize(
    ("encoding", "mark", "name"),
    [
        ("utf-16-le", b"\xff\xfe", "UTF-16"),
        ("utf-16-be", b"\xfe\xff", "UTF-16"),
        ("utf-32-le", b"\xff\xfe\x00\x00", "UTF-32"),
        ("utf-32-be", b"\x00\x00\xfe\xff", "UTF-32"),
    ],
)
def test_other_encodings_are_named(encoding: str, mark: bytes, name: str) -> None:
    assert name in refused(mark + "a: 1".encode(encoding)).message


def test_a_byte_order_mark_is_no_column(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    source = read_source(tmp_path / "a.yaml")
    assert isinstance(source, SourceFile)
    assert source.name == (tmp_path / "a.yaml").as_posix()
    assert source.text == "a: 1\n"


def test_a_file_that_is_too_large() -> None:
    assert refused(b" " * (MAX_BYTES + 1)).code.id == "E102"
    assert isinstance(decode_source("/a.yaml", b" " * MAX_BYTES), SourceFile)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_source(tmp_path / "none.yaml")


@given(st.text(alphabet="a😀é\r\n", max_size=30))
def test_places(text: str) -> None:
    source = SourceFile("/a", text)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert [source.line(number + 1) for number in range(len(lines))] == lines
    assert source.line(len(lines) + 1) == ""
    for offset in range(len(text) + 1):
        line, column = source.place(offset)
        assert source.offset(line, column) == offset
    for start, end in ((0, len(text)), (1, 3)):
        span = source.span(start, end)
        if start < end <= len(text):
            assert source.offset(span.line, span.column) == start
            assert source.offset(span.end_line, span.end_column) == end


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_yaml_takes_any_line_end(line_end: str) -> None:
    text = "a: 1\nb:\n  - c\n  - |\n    d\n    e\n".replace("\n", line_end)
    node = tree(text)
    assert scalar(node, "b", 0).span == Span("/project/flow.yaml", 3, 5, 3, 6)
    assert scalar(node, "b", 1).value == "d\ne\n"


@pytest.mark.parametrize("extension", ["yaml", "toml", "json"])
@pytest.mark.parametrize("character", ["\0", "\x1b", "\b", "\ud800"])
def test_control_characters(extension: str, character: str) -> None:
    text = {"yaml": "a: 1\nb: ?", "toml": "a = 1\nb = '?'", "json": '{"a": 1,\n"b": "?"}'}
    node, found = read(text[extension].replace("?", character), f"/a.{extension}")
    assert node is None
    assert [(code, line) for code, line, _ in found] == [("E103", 2)]


def test_the_extension_decides() -> None:
    assert read("a: 1", "/a.YML")[1] == []
    assert read("a = 1", "/a.toml")[1] == []
    assert read("a: 1", "<stdin>")[1] == []
    for name in ("/a.txt", "/a"):
        assert read("a: 1", name) == (None, [("E104", 1, 1)])
    assert parse.__doc__
