"""Every change on which a resumed run relies goes through a Disk, one operation at a time.

That is the seam at which tests end the process, before or behind any one of the operations.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from errno import ENOTDIR
from pathlib import Path
from typing import Final, Protocol

from flowctl.store.exchanging import exchange

_PIECE: Final = 4 * 1024 * 1024


class Disk(Protocol):
    """The operations that change files; each raises OSError."""

    def write(self, descriptor: int, data: bytes) -> None:
        """Writes all of the data where the file stands."""
        ...

    def fsync(self, descriptor: int) -> None:
        """Makes what was written outlast a loss of power."""
        ...

    def truncate(self, descriptor: int, length: int) -> None: ...

    def rename(self, source: Path, target: Path) -> None:
        """Gives a file another name, in place of what has that name."""
        ...

    def exchange(self, one: Path, other: Path) -> None:
        """Lets two names change places in one step; not every system can."""
        ...

    def link(self, source: Path, target: Path) -> None:
        """Gives a file a further name, which must be free."""
        ...

    def copy(self, source: int, target: int, length: int) -> None:
        """Writes so many bytes of one file into another, from where each of them stands."""
        ...

    def remove_tree(self, folder: Path) -> None:
        """Deletes a folder with all that is in it, if it is there."""
        ...

    def fsync_folder(self, folder: Path) -> None:
        """Makes names in a folder outlast a loss of power."""
        ...

    def remove(self, path: Path) -> None:
        """Deletes a file, if it is there."""
        ...


class RealDisk:
    """The system's own operations."""

    def write(self, descriptor: int, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]

    def fsync(self, descriptor: int) -> None:
        os.fsync(descriptor)

    def truncate(self, descriptor: int, length: int) -> None:
        os.ftruncate(descriptor, length)

    def rename(self, source: Path, target: Path) -> None:
        source.replace(target)

    def exchange(self, one: Path, other: Path) -> None:
        exchange(one, other)

    def link(self, source: Path, target: Path) -> None:
        os.link(source, target, follow_symlinks=False)

    def copy(self, source: int, target: int, length: int) -> None:
        while length:
            data = os.read(source, min(length, _PIECE))
            if not data:
                raise OSError(0, "it became shorter while it was copied")
            self.write(target, data)
            length -= len(data)

    def remove_tree(self, folder: Path) -> None:
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)

    def fsync_folder(self, folder: Path) -> None:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)


REAL: Disk = RealDisk()


def replace_file(disk: Disk, path: Path, data: bytes) -> None:
    """Gives a file new content in one step, whole or not at all; raises OSError."""
    aside = path.with_name(f".{path.name}.new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        disk.write(descriptor, data)
        disk.fsync(descriptor)
    finally:
        os.close(descriptor)
    disk.rename(aside, path)
    disk.fsync_folder(path.parent)


def give_name(disk: Disk, source: Path, target: Path, token: str) -> None:
    """Gives a file a further name in place of what has that, or a copy of it; raises OSError.

    `token` tells those apart who do so at the same time.
    """
    make_folder(disk, target.parent)
    aside = target.with_name(f".{target.name}.{token}.part")
    disk.remove(aside)
    try:
        disk.link(source, aside)
    except OSError:
        _copy(disk, source, aside)
    disk.rename(aside, target)
    disk.remove(aside)  # to rename a file to what is the same file does nothing
    disk.fsync_folder(target.parent)


def _copy(disk: Disk, source: Path, target: Path) -> None:
    new = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        with source.open("rb", buffering=0) as old:
            disk.copy(old.fileno(), new, os.fstat(old.fileno()).st_size)
        disk.fsync(new)
    finally:
        os.close(new)


def make_folder(disk: Disk, folder: Path) -> None:
    """Makes a folder and those above it that are missing, for good; raises OSError."""
    if folder.is_dir():
        return
    make_folder(disk, folder.parent)
    try:
        folder.mkdir()
    except FileExistsError as error:
        if not folder.is_dir():
            raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR), str(folder)) from error
    disk.fsync_folder(folder.parent)
