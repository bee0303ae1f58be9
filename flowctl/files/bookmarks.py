"""How far a file was read that others write, and whether it is still that file.

A file that grows cannot be read again as a whole at each look. Its number in the file system says
which one it is, and the first and the last bytes of what was read say that it has only grown: who
truncates a file and writes to it again leaves others there.
"""

from __future__ import annotations

import os
from dataclasses import field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

import xxhash

from flowctl.dataclass import dataclass
from flowctl.files.paths import DataFile
from flowctl.files.streams import PIECE, compression, open_stream
from flowctl.ordinary import open_file
from flowctl.syntax.node import Json

SEEN: Final = 4096
"""Bytes that are remembered of either end."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """`offset` bytes of a file were read; the record behind them stands in the `line`.

    `tail` is the XXH3 of the last of them, `head` that of the first bytes that were `seen`, read or
    not: SEEN at most.
    """

    device: int
    inode: int
    offset: int = 0
    line: int = 1
    seen: int = 0
    head: str = ""
    tail: str = ""

    @classmethod
    def of(cls, position: Json) -> Bookmark | None:
        """From the position of a reader; None for the beginning."""
        match position:
            case [int(device), int(inode), int(at), int(line), int(seen), str(head), str(tail)]:
                return cls(device, inode, at, line, seen, head, tail)
        return None

    def to_json(self) -> Json:
        place: list[Json] = [self.device, self.inode, self.offset, self.line]
        return [*place, self.seen, self.head, self.tail]

    def is_of(self, other: Bookmark) -> bool:
        """Whether both are in the same file, by its number in the file system."""
        return (self.device, self.inode) == (other.device, other.inode)

    def marks(self, status: os.stat_result) -> bool:
        """Whether this is the file, by its number in the file system."""
        return (self.device, self.inode) == (status.st_dev, status.st_ino)


@dataclass(slots=True)
class OpenFile:
    """A file that is open, whatever name it has by now, and how far it was read.

    A compressed one is unpacked, where nobody else sees it.
    """

    descriptor: int
    path: Path
    device: int
    inode: int
    offset: int = 0
    line: int = 1
    unended: int = -1
    """The size at which no further record was whole."""
    _head: bytes = b""
    _tail: bytes = b""
    _looked: tuple[int, int] = field(default=(-1, -1), repr=False)

    @classmethod
    def at(cls, path: Path) -> OpenFile:
        """Opens the file that has this name now; raises OSError and BadInput."""
        descriptor = open_file(path)
        status = os.fstat(descriptor)
        if compression(path) is not None:
            os.close(descriptor)
            descriptor = _unpacked(path)
        opened = cls(descriptor, path, status.st_dev, status.st_ino)
        opened._head = os.pread(descriptor, SEEN, 0)
        return opened

    @property
    def size(self) -> int:
        return os.fstat(self.descriptor).st_size

    @property
    def bookmark(self) -> Bookmark:
        head, tail = xxhash.xxh3_128_hexdigest(self._head), xxhash.xxh3_128_hexdigest(self._tail)
        seen = len(self._head)
        return Bookmark(self.device, self.inode, self.offset, self.line, seen, head, tail)

    def advance(self, *pieces: bytes, line: int) -> bool:
        """So much more was read, and the next record stands in this line.

        False where the file does not hold that any more: then nothing of it counts.
        """
        tail, offset = self._tail, self.offset
        for data in pieces:
            tail = (tail + data[-SEEN:])[-SEEN:]
            offset += len(data)
        head = os.pread(self.descriptor, SEEN, 0) if len(self._head) < SEEN else self._head
        if not head.startswith(self._head) or not self._holds(head, tail, offset):
            return False
        self._head, self._tail, self.offset, self.line = head, tail, offset, line
        return True

    def _holds(self, head: bytes, tail: bytes, offset: int) -> bool:
        if os.pread(self.descriptor, len(head), 0) != head:
            return False
        return os.pread(self.descriptor, len(tail), offset - len(tail)) == tail

    def go_on(self, mark: Bookmark) -> bool:
        """Goes to a bookmark; False where this is not the file, or not any more."""
        head = os.pread(self.descriptor, mark.seen, 0)
        start = max(0, mark.offset - SEEN)
        tail = os.pread(self.descriptor, mark.offset - start, start)
        if len(tail) < mark.offset - start:
            return False
        found = xxhash.xxh3_128_hexdigest(head), xxhash.xxh3_128_hexdigest(tail)
        if mark.seen and found != (mark.head, mark.tail):
            return False
        self.offset, self.line, self._head, self._tail = mark.offset, mark.line, head, tail
        return True

    def intact(self) -> bool:
        """Whether what was read still stands there, looked at if the file has changed."""
        status = os.fstat(self.descriptor)
        looked = status.st_size, status.st_mtime_ns
        if looked == self._looked:
            return True
        if not self._holds(self._head, self._tail, self.offset):
            return False
        self._looked = looked
        return True

    def read(self, size: int) -> bytes:
        """The next bytes, fewer at the end, which are still to be read; raises OSError."""
        return os.pread(self.descriptor, size, self.offset)

    def close(self) -> None:
        os.close(self.descriptor)


def _unpacked(path: Path) -> int:
    """A descriptor of what is in a compressed file; raises BadInput and OSError."""
    stream = open_stream(DataFile(path, path.name))
    try:
        with TemporaryFile() as file:
            while piece := stream.read(PIECE):
                file.write(piece)
            file.flush()
            return os.dup(file.fileno())
    finally:
        stream.close()
