"""An append-only file of JSON records, of which each is there whole or not at all.

A record is a line: its length, the XXH3 of its text, the text. The first line that is not what it
says ends the journal: it is the torn end of a write that a crash has cut, and is taken away before
anything is appended, or else the next record would stick to it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import field
from pathlib import Path
from typing import Final

import xxhash

from flowctl.dataclass import dataclass
from flowctl.plan import canonical
from flowctl.store.disk import Disk, make_folder, replace_file
from flowctl.syntax.node import Json

_HEAD: Final = 8 + 1 + 32 + 1
"""Length in hexadecimal, a space, digest in hexadecimal, a space."""


@dataclass(frozen=True, slots=True)
class Records:
    """The whole records of a journal, and behind which byte each of them ends.

    `torn` bytes follow the last one.
    """

    values: tuple[Json, ...] = ()
    ends: tuple[int, ...] = ()
    torn: int = 0

    @property
    def length(self) -> int:
        return self.ends[-1] if self.ends else 0


def read_records(path: Path) -> Records:
    """The records of a journal; none where there is no file. Raises OSError."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return Records()
    values: list[Json] = []
    ends: list[int] = []
    end = 0
    while (record := _record_at(data, end)) is not None:
        text, end = record
        values.append(json.loads(text))
        ends.append(end)
    return Records(tuple(values), tuple(ends), len(data) - end)


def _record_at(data: bytes, start: int) -> tuple[bytes, int] | None:
    head = data[start : start + _HEAD]
    try:
        length = int(head[:8], 16)
    except ValueError:
        return None
    end = start + _HEAD + length
    text = data[start + _HEAD : end]
    if data[end : end + 1] != b"\n" or head != _head(text):
        return None
    return text, end + 1


def _head(text: bytes) -> bytes:
    return b"%08x %s " % (len(text), xxhash.xxh3_128_hexdigest(text).encode())


def _lines(values: Iterable[Json]) -> bytes:
    texts = (canonical(value).encode() for value in values)
    return b"".join(_head(text) + text + b"\n" for text in texts)


@dataclass(slots=True)
class Journal:
    """A journal that is appended to, by one process."""

    path: Path
    disk: Disk
    length: int = 0
    _descriptor: int = field(default=-1, repr=False)

    def open(self, length: int) -> None:
        """Begins to append behind the first `length` bytes; what follows them is dropped."""
        make_folder(self.disk, self.path.parent)
        new = not self.path.exists()
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        if new:
            self.disk.fsync_folder(self.path.parent)
        if os.fstat(self._descriptor).st_size > length:
            self.disk.truncate(self._descriptor, length)
            self.disk.fsync(self._descriptor)
        self.length = os.lseek(self._descriptor, 0, os.SEEK_END)

    def append(self, *values: Json) -> None:
        """Adds records, for good; raises OSError, after which the end may be torn."""
        data = _lines(values)
        self.disk.write(self._descriptor, data)
        self.disk.fsync(self._descriptor)
        self.length += len(data)

    def begin_again(self, *values: Json) -> None:
        """Has these records in place of all others, in one step; raises OSError."""
        data = _lines(values)
        replace_file(self.disk, self.path, data)
        self.close()
        self.open(len(data))

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
