"""JSON files as splits: an array of objects is cut between two of them, and never held whole."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from flowctl.codes.environment import DAMAGED, ENDLESS_RECORD
from flowctl.dataclass import dataclass
from flowctl.dataflow import BadInput, Split
from flowctl.diagnostics import Fault
from flowctl.files.counting import NEWLINE, count_of
from flowctl.files.cutting import LONGEST_RECORD, Chunk
from flowctl.files.jsonlines import JsonColumns, JsonSplit, JsonText, lone_surrogates
from flowctl.files.jsonstructure import Elements, find_elements, trimmed
from flowctl.files.origins import Place
from flowctl.files.paths import DataFile
from flowctl.files.spans import Positions, Spans
from flowctl.files.streams import ByteStream, open_stream
from flowctl.files.structure import RETURN
from flowctl.syntax.node import Json

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WINDOW = 64 * 1024
_BLANKS = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class _Position:
    """Where reading goes on: at an element, or behind the end of the array.

    `offset` counts bytes; `line` and `record` are those of what comes next, from 1.
    """

    index: int = 0
    offset: int = 0
    line: int = 1
    record: int = 1
    ended: bool = False

    @classmethod
    def of(cls, start: Json) -> _Position:
        if not isinstance(start, list):
            return cls()
        index, offset, line, record, ended = (int(n) for n in start if isinstance(n, int))
        return cls(index, offset, line, record, bool(ended))

    def to_json(self) -> Json:
        return [self.index, self.offset, self.line, self.record, int(self.ended)]


@dataclass(frozen=True, slots=True)
class JsonFiles:
    """An opened source of files that hold an array of objects, or one object, each."""

    files: tuple[DataFile, ...]
    columns: JsonColumns
    size: int | None = None

    def splits(self, target: int, start: Json = None) -> Iterator[Split]:
        position = _Position.of(start)
        for index in range(position.index, len(self.files)):
            file = self.files[index]
            stream = open_stream(file)
            try:
                for run in _runs(stream, file.name, target, position):
                    yield self._split(file, run)
            finally:
                stream.close()
            position = _Position(index + 1)

    def _split(self, file: DataFile, run: _Run) -> Split:
        after = run.after
        place = Place(file.name, run.chunk, after.record)
        text = partial(_text, ends=run.ends, breaks=run.breaks)
        return JsonSplit(self.columns, place, after.to_json(), text, "element")

    def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class _Run:
    """Whole elements: where in the chunk each ends, at a comma or at the bracket that closes all.

    `breaks` tells of line breaks inside strings.
    """

    chunk: Chunk
    ends: Positions
    breaks: bool
    after: _Position


def _runs(stream: ByteStream, name: str, target: int, position: _Position) -> Iterator[_Run]:
    """The runs of elements of a file; raises BadInput on what is no JSON."""
    stream.skip(position.offset)
    before, depth = b"", 1
    if not position.offset:
        before, depth = _beginning(stream, name)
        position = _Position(position.index, len(before), 1 + before.count(b"\n"))
    taken = stream.consumed()
    while not position.ended:
        data, found = _elements(stream, name, target, depth, position)
        ends = _ends(data, found, depth, name, position)
        lines = count_of(data, NEWLINE)
        size, taken = stream.consumed() - taken, stream.consumed()
        place = position.offset, position.line, lines
        chunk = Chunk(data, *place, True, size, before, stream.packed())
        position = _Position(
            position.index,
            position.offset + len(data),
            position.line + lines,
            position.record + len(ends),
            found.end is not None,
        )
        if len(ends):
            yield _Run(chunk, ends, bool(len(found.breaks)), position)
        before = b""
    _nothing_behind(stream, name, position.line)


def _ends(data: bytes, found: Elements, depth: int, name: str, position: _Position) -> Positions:
    """Where the elements end; raises BadInput where a comma has none behind it."""
    if found.end is None:
        return found.commas
    if not depth:
        return np.array([len(data)])
    begins = int(found.commas[-1]) + 1 if len(found.commas) else 0
    if data[begins : found.end].strip(_BLANKS):
        return np.append(found.commas, found.end)
    if begins or position.record > 1:
        line = position.line + data.count(b"\n")
        raise _broken(name, line, "a comma stands before the end of the array")
    return found.commas


def _beginning(stream: ByteStream, name: str) -> tuple[bytes, int]:
    """What stands before the first element, taken; and the depth there, 0 for a lone object."""
    mark = stream.read(3) if stream.peek(0, 3) == _BYTE_ORDER_MARK else b""
    blanks = mark + _blanks(stream)
    match stream.peek(0, 1):
        case b"[":
            return blanks + stream.read(1), 1
        case b"{":
            return blanks, 0
        case b"":
            message = f"`{name}` is empty, which is no JSON; an array of no records is `[]`"
            raise BadInput(Fault(DAMAGED, message), name)
    line = 1 + blanks.count(b"\n")
    raise _broken(name, line, "it holds neither an array nor an object")


def _blanks(stream: ByteStream) -> bytes:
    """The blanks that come next, taken."""
    found = b""
    while window := stream.peek(0, _WINDOW):
        rest = window.lstrip(_BLANKS)
        found += stream.read(len(window) - len(rest))
        if rest:
            break
    return found


def _elements(
    stream: ByteStream, name: str, target: int, depth: int, position: _Position
) -> tuple[bytes, Elements]:
    """The bytes up to the first element that ends at or behind the target; they are taken."""
    size = target + _WINDOW
    while True:
        data = stream.peek(0, size)
        found = find_elements(data, depth)
        at = int(np.searchsorted(found.commas, target - 1))
        if at < len(found.commas):
            length = int(found.commas[at]) + 1
            breaks = found.breaks[found.breaks < length]
            return stream.read(length), Elements(found.commas[: at + 1], None, breaks)
        if found.end is not None:
            closes = b"]" if depth else b"}"
            if data[found.end : found.end + 1] != closes:
                line = position.line + data[: found.end].count(b"\n")
                raise _broken(name, line, "a bracket closes what it did not open")
            return stream.read(found.end + 1), found
        if len(data) < size:
            line = position.line + data.count(b"\n")
            raise _broken(name, line, "it ends in the middle of its data")
        if size > target + LONGEST_RECORD:
            begins = int(found.commas[-1]) + 1 if len(found.commas) else 0
            line = position.line + data[:begins].count(b"\n")
            message = f"`{name}`, line {line}: a record is longer than 64 MiB"
            raise BadInput(Fault(ENDLESS_RECORD, message), name, line)
        size *= 2


def _nothing_behind(stream: ByteStream, name: str, line: int) -> None:
    line += _blanks(stream).count(b"\n")
    more = stream.peek(0, 1)
    if not more:
        return
    reason = "further text stands behind the end of its data"
    help = "one object a line is read by `ndjson`" if more == b"{" else None
    raise _broken(name, line, reason, help)


def _broken(name: str, line: int, reason: str, help: str | None = None) -> BadInput:
    message = f"`{name}`, line {line}: {reason}"
    return BadInput(Fault(DAMAGED, message, help=help), name, line)


def _text(data: bytes, ends: Positions, breaks: bool) -> JsonText:
    """The elements as lines: what stands behind each becomes the line's end."""
    flat = np.frombuffer(data, np.uint8).copy()
    flat[(flat == NEWLINE) | (flat == RETURN)] = ord(" ")
    flat[ends[ends < len(data)]] = NEWLINE
    ones, none = np.ones_like(ends), np.zeros(len(ends), np.bool_)
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1))
    lines = Spans(starts, np.minimum(ends + 1, len(data)), ones, none)
    records = trimmed(data, Spans(starts, ends, ones, none))
    raw = np.frombuffer(data, np.uint8)
    objects = (records.starts < records.ends).all() and (raw[records.starts] == ord("{")).all()
    doubtful = breaks or not objects or lone_surrogates(data)
    return JsonText(flat.tobytes(), len(ends), doubtful, lambda: (lines, records))
