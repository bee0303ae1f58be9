"""How a single file takes its place where something may stand: `mode: append` and `mode: error`."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from filecmp import cmp
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flowctl.dataclass import dataclass
from flowctl.dataflow import Appending, BadInput, Joining, Part, Writer
from flowctl.files.appending import holds_anything, joint
from flowctl.files.paths import DataFile
from flowctl.interpreter.publish import CannotWrite, StagedFile, stands_already, whole_of
from flowctl.store.folders import held

if TYPE_CHECKING:
    import polars as pl

_NO_LINKS: Final = (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK)


def create(file: StagedFile) -> None:
    """Takes a place at which nothing may stand but the same file; raises CannotWrite, OSError.

    It stands there where an earlier attempt has ended before the staged name was gone.
    """
    if file.path.exists() and not cmp(file.path, file.staged, shallow=False):
        raise stands_already(file.name)
    if not file.path.exists():
        try:
            file.disk.link(file.staged, file.path)
        except FileExistsError:
            raise stands_already(file.name) from None
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            file.disk.rename(file.staged, file.path)
    file.disk.fsync_folder(file.path.parent)
    file.disk.remove(file.staged)


@dataclass(frozen=True, slots=True)
class Append:
    """Puts what is staged behind what the file holds; `head` stands before all, in a new file.

    Both are joined beside the place, so that the file has all or what it had. The joined file takes
    the staged one's name, of which the last bytes are then still what was staged: whatever becomes
    of the process, it can be joined again with what then stands at the place.
    """

    head: bytes
    writer: Writer

    def __call__(self, file: StagedFile) -> None:
        """Raises CannotWrite and OSError."""
        with held(file.path.parent):
            self.judge(file.path, file.name)
            beside = DataFile(file.path, file.name)
            try:
                before = holds_anything(beside)
                between = joint(beside) if before else self.head
            except BadInput as error:
                raise CannotWrite(file.name, error.fault) from error
            whole = whole_of(file.staged)
            self._join(file, whole, between, keep=before)
            file.disk.rename(whole, file.staged)
            file.disk.rename(file.staged, file.path)

    def judge(self, path: Path, name: str) -> None:
        """Raises CannotWrite where the records cannot stand behind what the file holds."""
        if isinstance(self.writer, Appending):
            fault = self.writer.misfit(path, name)
            if fault is not None:
                raise CannotWrite(name, fault)

    @staticmethod
    def _join(file: StagedFile, whole: Path, between: bytes, *, keep: bool) -> None:
        disk = file.disk
        target = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            if keep:
                with file.path.open("rb", buffering=0) as old:
                    size = os.fstat(old.fileno()).st_size
                    with suppress(OSError):
                        os.fchmod(target, os.fstat(old.fileno()).st_mode & 0o777)
                    disk.copy(old.fileno(), target, size)
            if between:
                disk.write(target, between)
            with file.staged.open("rb", buffering=0) as new:
                new.seek(os.fstat(new.fileno()).st_size - file.length)
                disk.copy(new.fileno(), target, file.length)
            disk.fsync(target)
        finally:
            os.close(target)


@dataclass(frozen=True, slots=True)
class Join:
    """Makes one file of what is staged, which is a whole file, and of the one at the place.

    The joined file takes the staged one's name, and is then longer than what was staged: whatever
    becomes of the process, it is joined once.
    """

    writer: Joining

    def __call__(self, file: StagedFile) -> None:
        """Raises CannotWrite and OSError."""
        with held(file.path.parent):
            if file.path.exists() and file.staged.stat().st_size == file.length:
                whole = whole_of(file.staged)
                self._join(file, whole)
                file.disk.rename(whole, file.staged)
            file.disk.rename(file.staged, file.path)

    def judge(self, path: Path, name: str) -> None:
        """Raises CannotWrite where the files cannot become one."""
        fault = self.writer.misfit(path, name) if path.exists() else None
        if fault is not None:
            raise CannotWrite(name, fault)

    def _join(self, file: StagedFile, whole: Path) -> None:
        disk = file.disk
        try:
            made = self.writer.joined(file.path, file.staged)
        except BadInput as error:
            raise CannotWrite(file.name, error.fault) from error
        target = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            with (
                file.path.open("rb", buffering=0) as old,
                file.staged.open("rb", buffering=0) as new,
            ):
                with suppress(OSError):
                    os.fchmod(target, os.fstat(old.fileno()).st_mode & 0o777)
                disk.copy(old.fileno(), target, made.before)
                new.seek(made.start)
                disk.copy(new.fileno(), target, made.end - made.start)
            disk.write(target, made.tail)
            disk.fsync(target)
        finally:
            os.close(target)


@dataclass(frozen=True, slots=True)
class Headless:
    """A writer for what is added to a file: the head is written only where there is no file."""

    writer: Writer

    @property
    def rows(self) -> int:
        return self.writer.rows

    def begin(self) -> bytes:
        return b""

    def encode(self, frame: pl.DataFrame) -> Part:
        return self.writer.encode(frame)

    def finish(self, footers: Sequence[tuple[int, bytes]]) -> bytes:
        return self.writer.finish(footers)
