"""A text file that others write, read as it grows, through rotations and truncations.

Only whole records are taken: those behind which a line's end stands. Where the file has another
name by now and the new one holds something, its writer has gone on there, so what is left of the
old one is read, without a line's end too, and then those that had the name in between. Who goes on
from a bookmark finds the file again by its number and by what stands in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from flowctl.codes.environment import ENDLESS_RECORD
from flowctl.codes.runs import FOLLOWED_LOST, FOLLOWED_ROTATED
from flowctl.dataclass import dataclass
from flowctl.dataflow import BadInput, Examined, Origin, Scan, Split, Stretch
from flowctl.diagnostics import Fault
from flowctl.files.bookmarks import Bookmark, OpenFile
from flowctl.files.cutting import LONGEST_RECORD
from flowctl.files.delimited import Delimited
from flowctl.files.lines import LineFiles
from flowctl.files.origins import Place
from flowctl.files.paths import DataFile
from flowctl.files.rotation import found_again, later, name_of
from flowctl.files.streams import ByteStream, open_until, unreadable
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    from flowctl.files.dialect import Dialect


class _Placed(Split, Protocol):
    """A split that is a chunk of a file."""

    @property
    def place(self) -> Place: ...


@dataclass(slots=True)
class GrowingFile:
    """An opened source of one file, which grows; `reader` reads one that does not."""

    file: DataFile
    reader: Delimited | LineFiles
    beginning: Json = None
    _at: OpenFile | None = None
    _last: Bookmark | None = None
    """The file that was read to its end, until it is known which one comes behind it."""
    _noticed: list[Fault] = field(default_factory=list)

    @property
    def size(self) -> None:
        """Nobody knows how much will come."""

    def splits(self, target: int, start: Json = None) -> Iterator[Split]:
        """What is there now."""
        for split in self.coming(target, start):
            if split is None:
                return
            yield split

    def coming(self, target: int, start: Json = None) -> Iterator[Split | None]:
        mark = Bookmark.of(start)
        if mark is not None:
            self._at = self._again(mark)
        while True:
            at = self._at = self._at or self._opened()
            if at is None:
                yield None
                continue
            self.beginning = self.beginning or at.bookmark.to_json()
            if self._last is not None and at.size and not at.offset:
                last = self._last
                yield from self._between(last, at, target)
                if self._last is not last:
                    # The name may have gone on meanwhile.
                    at.close()
                    self._at = None
                    continue
                self._last = None
            yield from self._whole(at, target)
            if not at.intact():
                yield from self._truncated(at, target)
            elif self._has_successor(at):
                yield from self._rotated(at, target)
            else:
                yield None

    def noticed(self) -> Sequence[Fault]:
        told, self._noticed = self._noticed, []
        return told

    def close(self) -> None:
        if self._at is not None:
            self._at.close()

    def _opened(self) -> OpenFile | None:
        """The file that has the name now, at its beginning; None where there is none."""
        try:
            return OpenFile.at(self.file.path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unreadable(self.file.name, error) from error

    def _again(self, mark: Bookmark) -> OpenFile | None:
        """The file that was read, wherever it is now; else the one that has the name."""
        own = self._opened()
        if own is not None and own.bookmark.is_of(mark) and own.go_on(mark):
            return own
        old = found_again(self.file.path, mark)
        if old is not None:
            if own is not None:
                own.close()
            return old
        if mark.seen and not (own is not None and own.go_on(mark)):
            became = "is gone" if own is None else "is another file by now, or was truncated"
            self._lost(f"`{self.file.name}` {became}", mark.offset)
        return own

    def _has_successor(self, at: OpenFile) -> bool:
        """Whether another file has the name, to which its writer has gone on."""
        try:
            status = self.file.path.stat()
        except OSError:
            return False
        return not at.bookmark.marks(status) and status.st_size > 0

    def _rotated(self, at: OpenFile, target: int) -> Iterator[Split]:
        """Ends with a file that has given its name to another."""
        yield from self._rest(at, target)
        if at.intact():
            old = name_of(self.file.path, at.bookmark)
            known = f", as `{self._beside(old)}`" if old is not None else ""
            message = f"`{self.file.name}` was rotated: the old file was read to its end{known}"
            self._noticed.append(Fault(FOLLOWED_ROTATED, message))
            self._end_with(at)

    def _truncated(self, at: OpenFile, target: int) -> Iterator[Split]:
        """Ends with content that is gone: in a copy, if there is one."""
        mark = at.bookmark
        at.close()
        copy = self._at = found_again(self.file.path, mark)
        if copy is None:
            self._lost(f"`{self.file.name}` was truncated", mark.offset)
            return
        name = self._beside(copy.path)
        message = f"`{self.file.name}` was truncated: what was left of it was read from `{name}`"
        yield from self._rest(copy, target)
        self._noticed.append(Fault(FOLLOWED_ROTATED, message))
        self._end_with(copy)

    def _end_with(self, at: OpenFile) -> None:
        """Lets go of a file that was read to its end."""
        self._last = at.bookmark
        at.close()
        self._at = None

    def _between(self, last: Bookmark, at: OpenFile, target: int) -> Iterator[Split]:
        """What had the name after the last file and before this one, if nobody has looked then."""
        # The names move on while this is read, so each next one is looked for by itself.
        while (path := self._behind(last)) is not None:
            try:
                passing = OpenFile.at(path)
            except FileNotFoundError:
                return
            try:
                if passing.bookmark.is_of(at.bookmark):
                    return
                yield from self._rest(passing, target)
                self._last = last = passing.bookmark
            finally:
                passing.close()

    def _behind(self, last: Bookmark) -> Path | None:
        """What had the name next after a file that has another one by now."""
        old = name_of(self.file.path, last)
        return next(later(self.file.path, old), None) if old is not None else None

    def _lost(self, what: str, offset: int) -> None:
        message = (
            f"{what}: {offset:,} bytes had been read of it, and whether any record stood behind "
            "them cannot be known"
        )
        self._noticed.append(Fault(FOLLOWED_LOST, message))

    def _beside(self, path: Path) -> str:
        return Path(self.file.name).with_name(path.name).as_posix()

    def _whole(self, at: OpenFile, target: int) -> Iterator[Split]:
        """The records that are whole by now."""
        while end := self._end(at, target):
            before = at.offset
            yield from self._cut(at, end, target)
            if at.offset == before:
                return

    def _rest(self, at: OpenFile, target: int) -> Iterator[Split]:
        """All that is left, as it stands."""
        yield from self._whole(at, target)
        while at.intact() and at.size > (before := at.offset):
            yield from self._cut(at, at.size, target)
            if at.offset == before:
                return

    def _cut(self, at: OpenFile, end: int, target: int) -> Iterator[Split]:
        """The records up to a byte at which one ends; none where the content has gone."""
        reader = replace(self.reader, opened=partial(_until, at.descriptor, end))
        start: Json = [0, at.offset, at.line] if at.offset else None
        for split in reader.splits(target, start):
            placed = cast(_Placed, split)
            chunk = placed.place.chunk
            if not at.advance(chunk.before, chunk.data, line=chunk.line + chunk.lines):
                return
            yield FollowedSplit(placed, at.bookmark.to_json())

    def _end(self, at: OpenFile, target: int) -> int:
        """Where about so many bytes end with a record; 0 where none is whole."""
        size, wanted = at.size, target
        while at.offset < size != at.unended:
            data = at.read(wanted)
            begins = self._first_line(data) if not at.offset else 0
            if end := last_end(data[begins:], self._dialect):
                return at.offset + begins + end
            if len(data) < wanted:
                at.unended = size
            elif wanted > LONGEST_RECORD:
                place = f"`{self.file.name}`, line {at.line}"
                message = f"{place}: a record is longer than 64 MiB"
                raise BadInput(Fault(ENDLESS_RECORD, message), self.file.name, at.line)
            wanted *= 2
        return 0

    def _first_line(self, data: bytes) -> int:
        """Where the lines that are skipped end, whose quotes mean nothing."""
        skip = self.reader.layout.skip if isinstance(self.reader, Delimited) else 0
        begins = 0
        for _ in range(skip):
            begins = data.find(b"\n", begins) + 1 or len(data)
        return begins

    @property
    def _dialect(self) -> Dialect | None:
        return self.reader.layout.dialect if isinstance(self.reader, Delimited) else None


def last_end(text: bytes, dialect: Dialect | None) -> int:
    r"""Behind which byte of a text, which starts at a record, the last whole one ends; 0 for none.

    >>> last_end(b"a\nb\nc", None)
    4
    """
    if dialect is not None and dialect.quote is not None and dialect.quote in text:
        from flowctl.files.structure import find_quotes

        quotes = find_quotes(text, dialect)
        if quotes is not None:
            return quotes.last_end(text)
    return text.rfind(b"\n") + 1


def _until(descriptor: int, end: int, file: DataFile, encoding: str) -> ByteStream:
    return open_until(descriptor, file.name, end)


@dataclass(frozen=True, slots=True)
class FollowedSplit:
    """A split of a file that grows, whose position tells which file it is."""

    split: _Placed
    after: Json

    @property
    def size(self) -> int:
        return self.split.size

    def taken(self) -> Sequence[Stretch]:
        return self.split.taken()

    def scan(self, columns: Sequence[str]) -> Scan | None:
        return self.split.scan(columns)

    def examine(self, columns: Sequence[str]) -> Examined:
        return self.split.examine(columns)

    def origins(self, records: Sequence[int]) -> list[Origin]:
        return self.split.origins(records)
