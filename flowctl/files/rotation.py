"""Where a file went that was rotated: the names that logrotate and the like give to old files.

`x.log` becomes `x.log.1`, and that `x.log.2` (the higher, the older), or `x.log-20240131` (the
later, the newer); both may be compressed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from flowctl.dataclass import dataclass
from flowctl.dataflow import BadInput
from flowctl.files.bookmarks import Bookmark, OpenFile
from flowctl.files.streams import compression

_OLD: Final = re.compile(r"[.\-_](\d[\d.\-_T:Z]*?)(?:\.(?:gz|zst|bz2|xz))?")
_DATE: Final = 6
"""So many digits make a date, not a number."""


@dataclass(frozen=True, slots=True, order=True)
class Rotated:
    """A file that had the name before; an older one is less."""

    age: tuple[int, str]
    packed: bool
    path: Path


def rotated(path: Path) -> list[Rotated]:
    """The files that had this name before, the oldest first.

    >>> [_age(path) for path in ("x.log", ".2.gz", "-20240131", ".bak")]
    [None, (-2, ''), (0, '20240131'), None]
    """
    found: list[Rotated] = []
    for other in _siblings(path):
        age = _age(other.name.removeprefix(path.name)) if other.name.startswith(path.name) else None
        if age is not None:
            found.append(Rotated(age, compression(other) is not None, other))
    return sorted(found)


def _siblings(path: Path) -> list[Path]:
    """All that lies beside a file, in no order."""
    try:
        return [other for other in path.parent.iterdir() if other.name != path.name]
    except OSError:
        return []


def _age(ending: str) -> tuple[int, str] | None:
    match = _OLD.fullmatch(ending)
    if match is None:
        return None
    text = match[1]
    if text.isdigit() and len(text) < _DATE:
        return -int(text), ""
    return 0, text


def later(path: Path, old: Path) -> Iterator[Path]:
    """The files that had a name after the one that is called `old` by now, the oldest first.

    One that stands there plain and compressed is told once.
    """
    known = rotated(path)
    age = next((one.age for one in known if one.path == old), None)
    ages: set[tuple[int, str]] = set()
    for one in known:
        if age is not None and one.age > age and one.age not in ages:
            ages.add(one.age)
            yield one.path


def found_again(path: Path, mark: Bookmark) -> OpenFile | None:
    """The file of a bookmark under any name beside its own, or a copy under that of an old file.

    It is open, and has been read up to there.
    """
    own = [found] if (found := name_of(path, mark)) is not None else []
    copies = [one.path for one in rotated(path)] if mark.seen else []
    for other in (*own, *copies):
        with suppress(OSError, BadInput):
            opened = OpenFile.at(other)
            if opened.go_on(mark):
                return opened
            opened.close()
    return None


def name_of(path: Path, mark: Bookmark) -> Path | None:
    """The name that the file of a bookmark has by now, beside the one that it had."""
    for other in _siblings(path):
        with suppress(OSError):
            if mark.marks(other.stat()):
                return other
    return None
