"""What a file holds, told by a digest, which is computed anew only where it must be.

What the system says of a file (size, times, inode) stands for its content as long as it was settled
when the content was read: a file that is changed again within the tick of the clock that stamped it
looks as it did before. So a stamp proves nothing unless it was older by a margin than the moment at
which reading began, as git's index has it.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from flowctl.dataclass import dataclass
from flowctl.files.paths import DataFile

MARGIN: Final = 2_000_000_000
"""Nanoseconds; FAT's clock, the coarsest that is common, has a tick of two seconds."""
_LOOKS: Final = 3


class Unsteady(Exception):
    """A file has no content that could be told: it changes while it is read, or is a pipe."""


@dataclass(frozen=True, slots=True)
class Content:
    """A file's SHA-256, and its stamp then: size in bytes, times in nanoseconds, inode.

    `settled` tells that whoever finds the same stamp finds the same content.
    """

    name: str
    digest: str
    size: int
    modified: int
    changed: int
    inode: int
    settled: bool = False

    def stands_for(self, status: os.stat_result) -> bool:
        """Whether a file with this status holds this content for sure."""
        return self.settled and _stamp(status) == self.stamp

    @property
    def stamp(self) -> tuple[int, int, int, int]:
        return self.size, self.modified, self.changed, self.inode


def content_of(file: DataFile, known: Mapping[str, Content], now: Callable[[], int]) -> Content:
    """What a file holds; `known` are contents by the files' names, `now` is a clock.

    Raises OSError and Unsteady.
    """
    before = known.get(file.name)
    if before is not None and before.stands_for(file.path.stat()):
        return before
    for _ in range(_LOOKS):
        if (found := _read(file, now)) is not None:
            return found
    raise Unsteady(f"`{file.name}` changes while it is read")


def _read(file: DataFile, now: Callable[[], int]) -> Content | None:
    if not stat.S_ISREG(file.path.stat().st_mode):
        raise Unsteady(f"`{file.name}` is no plain file")
    with file.path.open("rb", buffering=0) as opened:
        began = now()
        status = os.fstat(opened.fileno())
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
        if _stamp(os.fstat(opened.fileno())) != _stamp(status):
            return None
    return Content(file.name, digest, *_stamp(status), settled=is_settled(status, began))


def is_settled(status: os.stat_result, began: int) -> bool:
    """Whether a change behind the moment `began` must have changed the times in a status."""
    return max(status.st_mtime_ns, status.st_ctime_ns) + MARGIN < began


def _stamp(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def clock_beside(folder: Path) -> Callable[[], int]:
    """A clock that is never ahead of that of the file system which holds a folder.

    The times of files come from a clock that may be another machine's.
    """
    probe = folder / f".clock.{os.getpid()}"

    def now() -> int:
        here = time.time_ns()
        try:
            probe.touch()
            there = probe.stat().st_mtime_ns
            probe.unlink(missing_ok=True)
        except OSError:
            return here
        return min(here, there)

    return now
