"""How a delimited text is written, and what its first record says of its columns."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

from flowctl.codes.environment import HEADER
from flowctl.dataclass import dataclass
from flowctl.dataflow import BadInput, reserved
from flowctl.diagnostics import Fault
from flowctl.files.streams import ByteStream

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WINDOW = 64 * 1024
_LONGEST_HEADER = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Dialect:
    """How fields are delimited and quoted, as bytes; `quote` is None where nothing is."""

    delimiter: int = ord(",")
    quote: int | None = ord('"')


@dataclass(frozen=True, slots=True)
class Layout:
    """What stands where in a delimited file.

    `skip` lines stand before all else. Without a header the columns are `names`, or `column0`,
    `column1` and so on where there are none.
    """

    dialect: Dialect = Dialect()
    header: bool = True
    names: tuple[str, ...] = ()
    skip: int = 0
    encoding: str = "utf-8"


@dataclass(frozen=True, slots=True)
class Header:
    """The columns of a file, and the text and lines that stand before its first record."""

    names: tuple[str, ...]
    text: bytes
    lines: int

    @property
    def bytes(self) -> int:
        return len(self.text)


def read_header(stream: ByteStream, name: str, layout: Layout) -> Header | None:
    """Takes everything before the first record from a fresh stream; None for a file without any.

    Raises BadInput where the header cannot be read or names a column twice.
    """
    lines = _Lines(stream)
    for _ in range(layout.skip):
        if not next(lines, b""):
            return None
    before = lines.bytes, lines.count
    fields = _first_record(lines, name, layout.dialect)
    if fields is None:
        return None
    if not layout.header:
        if layout.names and len(layout.names) != len(fields):
            message = f"`{name}` has {len(fields)} columns, but `columns` names {len(layout.names)}"
            raise BadInput(Fault(HEADER, message), name, lines.count)
        names = layout.names or tuple(f"column{index}" for index in range(len(fields)))
        return Header(names, stream.read(before[0]), before[1])
    text = stream.read(lines.bytes)
    names = tuple(field or f"column{index}" for index, field in enumerate(fields))
    _refuse_twice(names, name, lines.count)
    return Header(names, text, lines.count)


def check_names(
    names: Sequence[str], wanted: Sequence[str], file: str, line: int | None = None
) -> None:
    """Raises BadInput unless a file has the wanted columns, in any order, and no others."""
    missing = [name for name in wanted if name not in names]
    further = [name for name in names if name not in wanted]
    if missing:
        message = f"`{file}` has no column `{missing[0]}`, as the other files or `columns` have"
    elif further:
        message = f"`{file}` has a column `{further[0]}`, which the other files do not have"
    else:
        return
    help = "rename columns in the file, or read it in a step of its own"
    raise BadInput(Fault(HEADER, message, help=help), file, line)


class _Lines(Iterator[bytes]):
    """The physical lines ahead in a stream, without taking them."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._ahead = stream.peek(0, _WINDOW)
        self.bytes = len(_BYTE_ORDER_MARK) if self._ahead.startswith(_BYTE_ORDER_MARK) else 0
        self.count = 0

    def __next__(self) -> bytes:
        while (end := self._ahead.find(b"\n", self.bytes)) < 0 and len(
            self._ahead
        ) < _LONGEST_HEADER:
            longer = self._stream.peek(0, len(self._ahead) * 2)
            if len(longer) == len(self._ahead):
                break
            self._ahead = longer
        line = self._ahead[self.bytes : end + 1] if end >= 0 else self._ahead[self.bytes :]
        if not line:
            raise StopIteration
        self.bytes += len(line)
        self.count += 1
        return line


def _first_record(lines: _Lines, name: str, dialect: Dialect) -> list[str] | None:
    """The fields of the first record that is no blank line."""
    try:
        return next(filter(None, csv_reader((line.decode() for line in lines), dialect)), None)
    except UnicodeDecodeError as error:
        message = f"the header of `{name}` is not UTF-8"
        help = "say how it is encoded: `encoding: latin-1`"
        raise BadInput(Fault(HEADER, message, help=help), name, lines.count) from error
    except csv.Error as error:
        message = f"the header of `{name}` cannot be read: {error}"
        raise BadInput(Fault(HEADER, message), name, lines.count) from error


def csv_reader(lines: Iterator[str], dialect: Dialect) -> Iterator[list[str]]:
    """Python's reader of delimited text in this dialect."""
    delimiter = chr(dialect.delimiter)
    if dialect.quote is None:
        return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    return csv.reader(lines, delimiter=delimiter, quotechar=chr(dialect.quote), strict=True)


def _refuse_twice(names: tuple[str, ...], name: str, line: int) -> None:
    seen: set[str] = set()
    for column in names:
        if column in seen:
            message = f"`{name}` has two columns named `{column}`"
            help = (
                "rename one in the file, or read it with `header: false`, `skip: 1` and `columns`"
            )
            raise BadInput(Fault(HEADER, message, help=help), name, line)
        if reserved(column):
            message = f"`{name}` has a column named `{column}`, a name that flowctl keeps"
            raise BadInput(Fault(HEADER, message), name, line)
        seen.add(column)
