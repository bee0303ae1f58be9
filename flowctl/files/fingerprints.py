"""What was read of a file, told by digest, and whether the file still holds it.

XXH3 is against accident, not forgery, and costs about 0.04 s a gigabyte.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import xxhash

from flowctl.codes.runs import INPUT_CHANGED
from flowctl.dataclass import dataclass
from flowctl.dataflow import BadInput, Stretch
from flowctl.diagnostics import Fault
from flowctl.files.paths import DataFile
from flowctl.files.streams import ByteStream, compression, open_raw, open_stream, unreadable

_PIECE = 512 * 1024
"""Bytes that stay in a processor's cache between being read and being told."""


def digest_of(*pieces: bytes) -> str:
    """The XXH3 (128 bits) of the pieces as one."""
    digest = xxhash.xxh3_128()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def stretch_of_file(path: Path, name: str, start: int, end: int, line: int) -> Stretch:
    """Bytes of the file itself as they are now; raises BadInput."""
    digest = xxhash.xxh3_128()
    piece = memoryview(bytearray(min(_PIECE, end - start)))
    try:
        with path.open("rb", buffering=0) as file:
            file.seek(start)
            left = end - start
            while left and (read := file.readinto(piece[:left])):
                digest.update(piece[:read])
                left -= read
    except OSError as error:
        raise unreadable(name, error) from error
    return Stretch(name, start, end, line, digest.hexdigest(), raw=True, counted="records")


@dataclass(frozen=True, slots=True)
class Consumed:
    """What a stream has read: the source's files as they were, and the stretches in their order.

    `sizes` are those of the files when reading began.
    """

    files: Sequence[str]
    sizes: Sequence[int]
    stretches: Sequence[Stretch]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the system says of a file's content without reading it."""

    file: DataFile
    size: int
    modified: int
    inode: int


def stamp(file: DataFile) -> Stamp | None:
    """The file as it is now; None where it is gone."""
    try:
        status = file.path.stat()
    except OSError:
        return None
    return Stamp(file, status.st_size, status.st_mtime_ns, status.st_ino)


def meanwhile(then: Iterable[Stamp], stretches: Sequence[Stretch], encoding: str) -> Fault | None:
    """What of the input has changed while it was read: some of it was read as it was before.

    A file whose stamp differs is read again. One that has only grown behind what was read is fine,
    and so is one that was deleted, because an open file stays whole.
    """
    for before in then:
        name, now = before.file.name, stamp(before.file)
        own = [stretch for stretch in stretches if stretch.file == name]
        if now is None or now == before or not own:
            continue
        if now.size < before.size:
            return Fault(INPUT_CHANGED, f"`{name}` has become shorter while it was read")
        if own[0].raw and compression(before.file.path) is None:
            # What is read of such a file is decoded elsewhere than where its digest is taken.
            return Fault(INPUT_CHANGED, f"`{name}` has changed while it was read")
        try:
            fault = _changed(before.file, own, encoding, before.size, whole=False)
        except BadInput as error:
            fault = Fault(INPUT_CHANGED, f"{error.fault.message}, but it was read before")
        if fault is not None:
            return fault
    return None


def changes(
    consumed: Consumed, now: Sequence[DataFile], encoding: str, *, whole: bool = False
) -> list[Fault]:
    """What of the input is not as it was read: a fault for the first file where that is so.

    Reading goes on in the last file of which anything was read, so that one may have grown, and
    files behind it may have come or gone. All others must be as they were, and that one, too, if
    the `whole` input was read.
    """
    if not consumed.stretches and not whole:
        return []
    last = len(consumed.files) - 1
    if not whole:
        name = consumed.stretches[-1].file
        last = max(index for index, other in enumerate(consumed.files) if other == name)
    if fault := _moved(consumed.files[: last + 1], [file.name for file in now]):
        return [fault]
    if whole and len(now) > last + 1:
        return [Fault(INPUT_CHANGED, f"`{now[last + 1].name}` is new since all was read")]
    for index, file in enumerate(now[: last + 1]):
        own = [stretch for stretch in consumed.stretches if stretch.file == file.name]
        try:
            fault = (
                _changed(file, own, encoding, consumed.sizes[index], whole=whole or index < last)
                if own
                else _filled(file, consumed.sizes[index])
            )
        except BadInput as error:
            fault = Fault(INPUT_CHANGED, f"{error.fault.message}, but a part of it was read before")
        if fault:
            return [fault]
    return []


def changes_of(file: DataFile, own: Sequence[Stretch], encoding: str, size: int) -> Fault | None:
    """What of a file is not as it was read, when it had so many bytes."""
    try:
        return _changed(file, own, encoding, size, whole=False)
    except BadInput as error:
        return error.fault


def file_size(file: DataFile) -> int:
    """Bytes of a file as it is now; -1 where it cannot be looked at."""
    try:
        return file.path.stat().st_size
    except OSError:
        return -1


def _moved(then: Sequence[str], now: Sequence[str]) -> Fault | None:
    """Whether the files up to the position are others than they were."""
    for index, name in enumerate(then):
        found = now[index] if index < len(now) else None
        if found == name:
            continue
        if name not in now:
            return Fault(INPUT_CHANGED, f"`{name}` is gone, but it was read before")
        if found not in then:
            message = f"`{found}` is new, and stands before `{then[-1]}`, which was read before"
            return Fault(INPUT_CHANGED, message)
        return Fault(INPUT_CHANGED, f"`{name}` stands at another place among the files now")
    return None


def _filled(file: DataFile, size: int) -> Fault | None:
    """A file without records must have stayed so."""
    try:
        now = file.path.stat().st_size
    except OSError as error:
        raise unreadable(file.name, error) from error
    if now == size:
        return None
    return Fault(INPUT_CHANGED, f"`{file.name}` had no records when it was read, and has changed")


def _changed(
    file: DataFile, own: Sequence[Stretch], encoding: str, size: int, whole: bool
) -> Fault | None:
    """Reads the stretches of a file again, of which `whole` says that there was nothing more."""
    stretches = _needed(own)
    raw = stretches[0].raw
    stream = open_raw(file) if raw else open_stream(file, encoding)
    try:
        if fault := _read_again(file.name, stretches, stream):
            return fault
        # A compressed file may end in bytes of which no record has come.
        stream.skip(max(0, size - max(stretch.end for stretch in stretches)) if raw else 0)
        if not stream.peek(0, 1):
            return None
    finally:
        stream.close()
    if whole:
        return Fault(INPUT_CHANGED, f"`{file.name}` has grown since all of it was read")
    if own[-1].unended:
        message = f"`{file.name}` has grown in its last record, which was read before"
        return Fault(INPUT_CHANGED, message)
    return None


def _needed(own: Iterable[Stretch]) -> list[Stretch]:
    """In the order of their places, and without those that a later one holds.

    Who goes on with a compressed file reads it from the front again, so there are such.
    """
    kept: dict[Stretch, None] = {}
    for stretch in own:
        if not stretch.start:
            kept = {earlier: None for earlier in kept if earlier.end > stretch.end}
        kept[stretch] = None
    return sorted(kept, key=lambda stretch: stretch.start)


def _read_again(name: str, stretches: Sequence[Stretch], stream: ByteStream) -> Fault | None:
    """What is different now from what was read before."""
    position, line = 0, 1
    for stretch in stretches:
        stream.skip(stretch.start - position)
        data = stream.read(stretch.end - stretch.start)
        if len(data) < stretch.end - stretch.start:
            return Fault(INPUT_CHANGED, f"`{name}` is shorter than what was read of it before")
        if digest_of(data) != stretch.digest:
            place = f"{stretch.counted} {line:,} to {max(line, stretch.line - 1):,}"
            return Fault(INPUT_CHANGED, f"`{name}` has changed since it was read, in {place}")
        position, line = stretch.end, stretch.line
    return None
