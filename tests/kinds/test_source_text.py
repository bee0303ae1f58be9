"""`source: {text}`: lines as they are."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.streams.running import Folder, op


def lines(folder: Folder, **options: str) -> list[str]:
    result = folder.run(op("text", "in.txt", **options), sink=op("text", "out.txt"))
    assert result.status == "succeeded", result.faults
    return folder.read("out.txt").split("\n")[:-1]


@settings(deadline=None, max_examples=80)
@given(
    st.lists(st.text(alphabet='ab,"é\t \0\r', max_size=5)).filter(lambda found: "\r" not in found),
    st.integers(1, 30),
)
def test_lines_are_what_stands_between_newlines(found: list[str], split: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Folder(Path(place), split_bytes=split)
        folder.write("in.txt", "".join(f"{line}\n" for line in found))
        assert lines(folder) == [line.removesuffix("\r") for line in found]


@pytest.mark.parametrize("text", [b"a\r\nb\r\n", b"a\nb", b"\xef\xbb\xbfa\nb\n"])
def test_line_ends_and_marks(tmp_path: Path, text: bytes) -> None:
    folder = Folder(tmp_path)
    folder.write("in.txt", text)
    assert lines(folder) == ["a", "b"]


@pytest.mark.parametrize("first", ["x^2", "x\x01", "x^"])
def test_lines_that_begin_like_a_packed_file(tmp_path: Path, first: str) -> None:
    folder = Folder(tmp_path)
    folder.write("in.txt", f"{first}\nb\n")
    assert lines(folder) == [first, "b"]


def test_encoding(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("in.txt", b"\xe9\n")
    assert lines(folder, encoding="latin-1") == ["é"]


def test_lines_at_fault(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("in.txt", b"a\n\xe9\nb\n")
    result = folder.run(op("text", "in.txt"), sink=op("text", "out.txt"))
    assert result.faults[0].message.startswith("in.txt:2: the line is not UTF-8")
    result = folder.run(
        op("text", "in.txt", "reject"),
        op("derive", [["n", "source_line()"]]),
        sink=op("csv", "out.csv"),
        rejects=op("ndjson", "rejects.ndjson"),
    )
    assert folder.read("out.csv") == "line,n\na,1\nb,3\n"
    assert '"line":2,"offset":2' in folder.read("rejects.ndjson")
