"""A file's text, and the way from an offset in it to a line and a column."""

from __future__ import annotations

import os
import re
from bisect import bisect_right
from functools import cached_property
from pathlib import Path

from flowctl.codes.syntax import FILE_TOO_LARGE, NOT_UTF8
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Diagnostic, Span
from flowctl.ordinary import read_file

MAX_BYTES = 16 * 1024 * 1024

_LINE_END = re.compile(r"\r\n|\r|\n")
_BYTE_ORDER_MARKS = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}


@dataclass(frozen=True)
class SourceFile:
    r"""A text and its name: an absolute POSIX path, or a word in angle brackets (`<stdin>`).

    Offsets count code points from 0. Lines end at LF, CRLF or a lone CR.

    >>> source = SourceFile("/a.yaml", "a: 1\r\nbc: 2")
    >>> source.span(6, 8)
    Span(file='/a.yaml', line=2, column=1, end_line=2, end_column=3)
    """

    name: str
    text: str

    @cached_property
    def line_starts(self) -> list[int]:
        """The offset at which each line begins."""
        return [0, *(end.end() for end in _LINE_END.finditer(self.text))]

    def place(self, offset: int) -> tuple[int, int]:
        """The 1-based line and column of an offset."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        """The place of `text[start:end]`; the end lies on the line of the last character."""
        line, column = self.place(start)
        if end <= start:
            return Span(self.name, line, column, line, column)
        last_line, last_column = self.place(end - 1)
        return Span(self.name, line, column, last_line, last_column + 1)

    def offset(self, line: int, column: int) -> int:
        """The offset of a 1-based line and column; past a line's end counts on."""
        return self.line_starts[line - 1] + column - 1

    def line(self, number: int) -> str:
        """The text of a 1-based line without its end; empty where there is no such line."""
        if not 1 <= number <= len(self.line_starts):
            return ""
        start = self.line_starts[number - 1]
        end = self.line_starts[number] if number < len(self.line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")


def read_source(path: Path) -> SourceFile | Diagnostic:
    """Reads a file's text, or says why it is none; raises OSError where it cannot be read."""
    name = Path(os.path.abspath(path)).as_posix()
    return decode_source(name, read_file(path, MAX_BYTES + 1))


def decode_source(name: str, data: bytes) -> SourceFile | Diagnostic:
    """Decodes UTF-8, with or without a byte order mark, which is no part of the text."""
    if len(data) > MAX_BYTES:
        return Diagnostic(
            FILE_TOO_LARGE,
            f"the file is larger than {MAX_BYTES // 1024**2} MiB",
            Span.point(name, 1, 1),
            help="keep data in files of its own, and name them in the workflow",
        )
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return Diagnostic(
                NOT_UTF8,
                f"the file is {encoding}, not UTF-8",
                Span.point(name, 1, 1),
                help="save it as UTF-8",
            )
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return SourceFile(name, data.decode())
    except UnicodeDecodeError as error:
        return _not_utf8(name, data, error.start)


def _not_utf8(name: str, data: bytes, position: int) -> Diagnostic:
    before = SourceFile(name, data[:position].decode())
    line, column = before.place(len(before.text))
    return Diagnostic(
        NOT_UTF8,
        f"the byte 0x{data[position]:02X} is not UTF-8",
        Span.point(name, line, column),
        help="save the file as UTF-8",
    )
