"""The bytes of a data file in order, decompressed where its name says so."""

from __future__ import annotations

import bz2
import codecs
import lzma
import os
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import xxhash

from flowctl.codes.environment import DAMAGED, UNREADABLE
from flowctl.dataclass import dataclass
from flowctl.dataflow import BadInput
from flowctl.diagnostics import Fault
from flowctl.files.paths import SUFFIXES, DataFile
from flowctl.ordinary import open_file

PIECE = 256 * 1024
_RAW_PIECE = 64 * 1024  # a gzip member may unpack to a thousand times as much
_MAGIC = {".gz": b"\x1f\x8b", ".bz2": b"BZh", ".xz": b"\xfd7zXZ\0"}


@dataclass(frozen=True, slots=True)
class Packed:
    """Bytes of a compressed file, from its own `start` to its `end`, with their XXH3."""

    start: int
    end: int
    digest: str


class ByteStream(Protocol):
    """A file that is read once from the front; each method raises BadInput on damage."""

    def peek(self, skip: int, size: int) -> bytes:
        """Up to `size` bytes from `skip` bytes ahead, without taking them."""
        ...

    def read(self, size: int) -> bytes:
        """The next bytes: fewer than `size` only at the end of the file."""
        ...

    def skip(self, size: int) -> None:
        """Passes over that many bytes."""
        ...

    def consumed(self) -> int:
        """How many bytes of the file itself have been taken, for progress."""
        ...

    def packed(self) -> Packed | None:
        """What was read of a compressed file since this was last asked, or since its beginning."""
        ...

    def close(self) -> None: ...


def open_stream(file: DataFile, encoding: str = "utf-8") -> ByteStream:
    """The file's bytes, as UTF-8; raises BadInput where it cannot be opened."""
    descriptor = _opened(file)
    suffix = compression(file.path)
    stream: ByteStream = (
        _Plain(descriptor, file.name)
        if suffix is None
        else _Pieces(_Decompressed(descriptor, file.name, suffix))
    )
    if codecs.lookup(encoding).name == "utf-8":
        return stream
    return _Pieces(_Recoded(stream, file.name, encoding))


def open_raw(file: DataFile) -> ByteStream:
    """The bytes of the file itself; raises BadInput where it cannot be opened."""
    return _Plain(_opened(file), file.name)


def open_until(descriptor: int, name: str, end: int) -> ByteStream:
    """The bytes of an open file as if it ended there; the descriptor stays open."""
    return _Plain(descriptor, name, end)


def _opened(file: DataFile) -> int:
    try:
        return open_file(file.path)
    except OSError as error:
        raise unreadable(file.name, error) from error


def compression(path: Path | str) -> str | None:
    """The suffix that tells how a file is compressed, if it is; that of a folder tells nothing.

    >>> compression("a.csv.gz"), compression("a.csv"), compression("a.gz/")
    ('.gz', None, None)
    """
    if str(path).endswith("/"):
        return None
    suffix = Path(path).suffix.lower()
    return suffix if suffix in SUFFIXES else None


def unreadable(name: str, error: OSError) -> BadInput:
    """The fault that the system does not let us read a file."""
    reason = (error.strerror or str(error)).lower()
    return BadInput(Fault(UNREADABLE, f"cannot read `{name}`: {reason}"), name)


class _Plain:
    """Reads exactly what is asked for, into fresh bytes, without a copy in between.

    With an `end` nothing behind it is read, and the file belongs to others.
    """

    def __init__(self, descriptor: int, name: str, end: int | None = None) -> None:
        self._descriptor = descriptor
        self._name = name
        self._end = end
        self._position = 0

    def peek(self, skip: int, size: int) -> bytes:
        return self._at(self._position + skip, size)

    def read(self, size: int) -> bytes:
        data = self._at(self._position, size)
        self._position += len(data)
        return data

    def skip(self, size: int) -> None:
        self._position += size

    def _at(self, position: int, size: int) -> bytes:
        if self._end is not None:
            size = max(0, min(size, self._end - position))
        try:
            data = os.pread(self._descriptor, size, position)
            while len(data) < size:
                more = os.pread(self._descriptor, size - len(data), position + len(data))
                if not more:
                    break
                data += more
        except OSError as error:
            raise unreadable(self._name, error) from error
        return data

    def consumed(self) -> int:
        return self._position

    def packed(self) -> None:
        return None

    def close(self) -> None:
        if self._end is None:
            os.close(self._descriptor)


class _Member(Protocol):
    """A decompressor of one gzip member, zstd frame, bzip2 or xz stream."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


class _PieceSource(Protocol):
    """Hands out bytes in pieces of its own size; an empty one may come before the end."""

    @property
    def ended(self) -> bool: ...

    def next_piece(self) -> bytes: ...

    def consumed(self) -> int: ...

    def packed(self) -> Packed | None: ...

    def close(self) -> None: ...


def _begins_member(data: bytes, suffix: str) -> bool:
    magic = _MAGIC.get(suffix, b"")
    return data.startswith(magic) or magic.startswith(data)


class _Pieces:
    """A stream of what comes in pieces."""

    def __init__(self, source: _PieceSource) -> None:
        self._source = source
        self._pieces: deque[bytes] = deque()
        self._held = 0

    def peek(self, skip: int, size: int) -> bytes:
        self._hold(skip + size)
        found, start = [], 0
        for piece in self._pieces:
            if start + len(piece) > skip and start < skip + size:
                found.append(piece[max(0, skip - start) : skip + size - start])
            start += len(piece)
        return b"".join(found)

    def read(self, size: int) -> bytes:
        self._hold(size)
        taken: list[bytes] = []
        missing = size
        while missing and self._pieces:
            piece = self._pieces.popleft()
            if len(piece) > missing:
                self._pieces.appendleft(piece[missing:])
                piece = piece[:missing]
            taken.append(piece)
            missing -= len(piece)
        self._held -= size - missing
        return b"".join(taken)

    def skip(self, size: int) -> None:
        while size > 0 and (passed := len(self.read(min(size, PIECE)))):
            size -= passed

    def _hold(self, size: int) -> None:
        while self._held < size and not self._source.ended:
            if piece := self._source.next_piece():
                self._pieces.append(piece)
                self._held += len(piece)

    def consumed(self) -> int:
        return self._source.consumed()

    def packed(self) -> Packed | None:
        return self._source.packed()

    def close(self) -> None:
        self._source.close()


class _Decompressed:
    """Members one behind the other, as `cat a.gz b.gz` makes them, are one file."""

    def __init__(self, descriptor: int, name: str, suffix: str) -> None:
        self._descriptor = descriptor
        self._name = name
        self._suffix = suffix
        self._new_member = _member_factory(suffix)
        self._member: _Member | None = None
        self._rest = b""
        self._position = 0
        self._told = 0
        self._digest = xxhash.xxh3_128()
        self.ended = False

    def next_piece(self) -> bytes:
        data = self._rest or self._raw()
        self._rest = b""
        if not data:
            if self._member is not None or self._position == 0:
                raise self._damaged("it ends in the middle of its data")
            self.ended = True
            return b""
        if self._member is None:
            if self._suffix in (".gz", ".xz") and not data.strip(b"\0"):
                return b""  # padding behind the last member is allowed
            if not _begins_member(data, self._suffix):
                first = self._position == len(data)
                where = "it does not begin" if first else "what follows its data does not begin"
                raise self._damaged(f"{where} as {self._suffix} files do")
            self._member = self._new_member()
        try:
            piece = self._member.decompress(data)
        except Exception as error:
            raise self._damaged(str(error).lower() or "it is not what its name says") from error
        if self._member.eof:
            self._rest, self._member = self._member.unused_data, None
        return piece

    def _raw(self) -> bytes:
        try:
            data = os.read(self._descriptor, _RAW_PIECE)
        except OSError as error:
            raise unreadable(self._name, error) from error
        self._position += len(data)
        self._digest.update(data)
        return data

    def _damaged(self, reason: str) -> BadInput:
        return BadInput(Fault(DAMAGED, f"`{self._name}` is damaged: {reason}"), self._name)

    def consumed(self) -> int:
        return self._position - len(self._rest)

    def packed(self) -> Packed:
        found = Packed(self._told, self._position, self._digest.hexdigest())
        self._told = self._position
        self._digest.reset()
        return found

    def close(self) -> None:
        os.close(self._descriptor)


class _Recoded:
    """Text of another encoding as UTF-8, so that everything behind sees one encoding."""

    def __init__(self, stream: ByteStream, name: str, encoding: str) -> None:
        self._stream = stream
        self._name = name
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self.ended = False

    def next_piece(self) -> bytes:
        data = self._stream.read(PIECE)
        self.ended = not data
        try:
            return self._decoder.decode(data, final=self.ended).encode()
        except UnicodeError as error:
            message = f"`{self._name}` is not encoded in {self._encoding}: {error}"
            raise BadInput(Fault(DAMAGED, message), self._name) from error

    def consumed(self) -> int:
        return self._stream.consumed()

    def packed(self) -> Packed | None:
        return self._stream.packed()

    def close(self) -> None:
        self._stream.close()


def _member_factory(suffix: str) -> Callable[[], _Member]:
    if suffix == ".gz":
        from isal import isal_zlib

        return lambda: isal_zlib.decompressobj(31)
    if suffix == ".zst":
        import zstandard

        context = zstandard.ZstdDecompressor()
        return lambda: context.decompressobj()
    if suffix == ".bz2":
        return bz2.BZ2Decompressor
    return lzma.LZMADecompressor
