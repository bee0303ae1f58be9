"""Where the record batches of an Arrow file or stream lie, and how some of them become a stream.

An Arrow IPC stream is a row of messages: the schema, dictionaries, record batches. A file is that
with a footer that tells the places. Messages are FlatBuffers, of which only a few fields are read.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

from flowctl.codes.environment import DAMAGED
from flowctl.dataclass import dataclass
from flowctl.dataflow import BadInput
from flowctl.diagnostics import Fault
from flowctl.files.paths import DataFile
from flowctl.files.streams import unreadable
from flowctl.ordinary import open_file

MAGIC = b"ARROW1"
_CONTINUES = b"\xff\xff\xff\xff"
END = _CONTINUES + bytes(4)
_SCHEMA, _DICTIONARY, _BATCH = 1, 2, 3
BLOCK = struct.Struct("<qi4xq")


@dataclass(frozen=True, slots=True)
class Batch:
    """A record batch, or a dictionary (of no rows), from `start` to `end` of the file."""

    rows: int
    start: int
    end: int
    dictionary: bool = False


@dataclass(frozen=True, slots=True)
class Frames:
    """The messages of a file: that of the schema, and where the others stand, in their order.

    `ends` is what tells of the whole. Dictionaries of a stream hold for what stands behind them,
    those of a file, which has a `footer`, for all.
    """

    schema: bytes
    batches: tuple[Batch, ...]
    ends: tuple[int, int]
    footer: bool = False

    def dictionaries(self, place: int) -> list[Batch]:
        """Those that hold for a batch at this place."""
        found = (batch for batch in self.batches if batch.dictionary)
        return [batch for batch in found if self.footer or batch.start < place]


def stream_of(schema: bytes, messages: Sequence[bytes] = ()) -> bytes:
    """A whole stream of these messages."""
    return b"".join((schema, *messages, END))


def find_frames(file: DataFile) -> Frames:
    """Reads the places of a file's batches; raises BadInput on one that is damaged."""
    try:
        descriptor = open_file(file.path)
        try:
            size = os.fstat(descriptor).st_size
            with _damage(file.name):
                frames = _frames(descriptor, size)
                if any(batch.end > size for batch in frames.batches):
                    raise _Broken("it ends too early")
                return frames
        finally:
            os.close(descriptor)
    except OSError as error:
        raise unreadable(file.name, error) from error


class _Broken(ValueError):
    """The bytes are not what Arrow says."""


@contextmanager
def _damage(name: str) -> Iterator[None]:
    try:
        yield
    except (_Broken, struct.error, IndexError, OverflowError) as error:
        why = str(error) if isinstance(error, _Broken) else "it is damaged"
        raise BadInput(Fault(DAMAGED, f"`{name}` is no whole Arrow file: {why}"), name) from error


def _frames(descriptor: int, size: int) -> Frames:
    head = os.pread(descriptor, 8, 0)
    if head[: len(MAGIC)] == MAGIC:
        return _file(descriptor, size)
    if head[:4] != _CONTINUES:
        old = head[:4] == b"FEA1"
        raise _Broken("it is in the first version of Feather" if old else "it does not begin so")
    return _stream(descriptor, size)


def _stream(descriptor: int, size: int) -> Frames:
    """Goes from message to message."""
    schema, batches, at = b"", list[Batch](), 0
    while at < size:
        prefix = os.pread(descriptor, 8, at)
        if prefix == END:
            at += len(END)
            break
        if len(prefix) < 8 or prefix[:4] != _CONTINUES:
            raise _Broken("a message does not begin where it should")
        length = int.from_bytes(prefix[4:], "little")
        meta = os.pread(descriptor, min(length, size), at + 8)
        if len(meta) < length:
            raise _Broken("it ends too early")
        message = _Message(meta)
        end = at + 8 + length + message.body
        if message.kind == _SCHEMA:
            schema = prefix + meta
        else:
            batches.append(message.batch(at, end))
        at = end
    if not schema:
        raise _Broken("it has no schema")
    return Frames(schema, tuple(batches), (0, batches[0].start if batches else min(at, size)))


def _file(descriptor: int, size: int) -> Frames:
    """Goes by the footer."""
    tail = os.pread(descriptor, 10, max(0, size - 10))
    if len(tail) < 10 or tail[4:] != MAGIC:
        raise _Broken("it ends too early")
    length = int.from_bytes(tail[:4], "little")
    start = size - 10 - length
    if start < 8:
        raise _Broken("its footer is damaged")
    footer = os.pread(descriptor, length, start)
    table = Table.root(footer)
    schema = table.table(1)
    if schema is None:
        raise _Broken("it has no schema")
    batches: list[Batch] = []
    for number in (2, 3):
        for offset, meta_length, body in table.blocks(number):
            if min(offset, meta_length, body) < 0:
                raise _Broken("its footer is damaged")
            raw = os.pread(descriptor, min(meta_length, size), offset)
            if raw[:4] != _CONTINUES:
                raise _Broken("it was written by Arrow before version 0.15")
            batches.append(_Message(raw[8:]).batch(offset, offset + meta_length + body))
    message = schema_message(footer, schema.position, table.number(0, "<h"))
    return Frames(message, tuple(batches), (start, size), footer=True)


def schema_message(footer: bytes, schema: int, version: int) -> bytes:
    """A message around the schema of a footer, which it holds whole behind its own few fields."""
    layout = (12, 12, 8, 10, 4, 0)  # where its version, kind and content stand; there is no body
    begins = struct.pack("<I6HiIhB5x", 16, *layout, 12, 12 + schema, version, _SCHEMA)
    meta = begins + footer
    meta += bytes(-len(meta) % 8)
    return _CONTINUES + struct.pack("<I", len(meta)) + meta


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a FlatBuffer: fields by their number, each of which may be missing."""

    data: bytes
    position: int

    @classmethod
    def root(cls, data: bytes) -> Table:
        return cls(data, _number("<I", data, 0))

    def place(self, field: int) -> int | None:
        """Where a field stands."""
        layout = self.position - _number("<i", self.data, self.position)
        if layout < 0 or 4 + 2 * field >= _number("<H", self.data, layout):
            return None
        offset = _number("<H", self.data, layout + 4 + 2 * field)
        return self.position + offset if offset else None

    def number(self, field: int, form: str) -> int:
        place = self.place(field)
        return 0 if place is None else _number(form, self.data, place)

    def table(self, field: int) -> Table | None:
        place = self.place(field)
        return None if place is None else Table(self.data, place + _number("<I", self.data, place))

    def blocks(self, field: int) -> Iterator[tuple[int, int, int]]:
        place = self.place(field)
        if place is None:
            return
        start = place + _number("<I", self.data, place)
        for index in range(_number("<I", self.data, start)):
            yield BLOCK.unpack_from(self.data, start + 4 + index * BLOCK.size)


def _number(form: str, data: bytes, place: int) -> int:
    if place < 0:
        raise _Broken("it is damaged")
    found: int = struct.unpack_from(form, data, place)[0]
    return found


@dataclass(frozen=True)
class _Message:
    data: bytes

    @cached_property
    def _table(self) -> Table:
        return Table.root(self.data)

    @property
    def kind(self) -> int:
        return self._table.number(1, "<B")

    @property
    def body(self) -> int:
        length = self._table.number(3, "<q")
        if length < 0:
            raise _Broken("it is damaged")
        return length

    def batch(self, start: int, end: int) -> Batch:
        header = self._table.table(2)
        if header is None or self.kind not in (_DICTIONARY, _BATCH):
            raise _Broken("it holds something other than records")
        if self.kind == _DICTIONARY:
            return Batch(0, start, end, dictionary=True)
        rows = header.number(0, "<q")
        if rows < 0:
            raise _Broken("it is damaged")
        return Batch(rows, start, end)
