"""A file comes into being beside its place and takes it in one step, or leaves no trace."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias

from flowctl.codes.environment import STANDS_ALREADY, UNWRITABLE
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault
from flowctl.store.disk import REAL, Disk, make_folder


class CannotWrite(Exception):
    """The system, or what stands at its place, refuses an output; the fault says which and why."""

    def __init__(self, path: str, error: OSError | Fault) -> None:
        if isinstance(error, Fault):
            self.fault = error
        else:
            reason = (error.strerror or str(error)).lower()
            self.fault = Fault(UNWRITABLE, f"cannot write `{path}`: {reason}")
        super().__init__(self.fault.message)


def stands_already(name: str) -> CannotWrite:
    """The fault of `mode: error`."""
    help = "move it away, or say `mode: replace`"
    return CannotWrite(name, Fault(STANDS_ALREADY, f"`{name}` stands there already", help=help))


class Target(Protocol):
    """Where encoded bytes go; each method raises CannotWrite."""

    @property
    def length(self) -> int:
        """Bytes written so far."""
        ...

    def write(self, data: bytes) -> None: ...

    def settle(self) -> None:
        """Makes what is written outlast a loss of power."""
        ...

    def discard(self) -> None:
        """Forget what was written; never raises."""
        ...


Taking: TypeAlias = "Callable[[StagedFile], None]"
"""How a staged file takes its place; what it does may be cut short and done again."""


def replace(file: StagedFile) -> None:
    """What stood at the place is gone."""
    file.disk.rename(file.staged, file.path)


@dataclass(slots=True)
class StagedFile:
    """A file that is written under another name in the folder of its final path.

    `name` is how the workflow names the path. A link at the path stays, what it leads to is
    replaced. Folders that are missing are made. The name beside is the same for all processes that
    work on a run, whose `token` it holds.
    """

    path: Path
    name: str
    staged: Path
    disk: Disk = REAL
    length: int = 0
    taking: Taking = replace
    _descriptor: int = field(default=-1, repr=False)
    _named: bool = False

    @classmethod
    def create(
        cls,
        path: Path,
        name: str,
        token: str,
        disk: Disk = REAL,
        length: int = 0,
        taking: Taking = replace,
    ) -> StagedFile:
        """Begins a file, or goes on behind the first `length` bytes; raises CannotWrite."""
        target, staged = places(path, token)
        begins = os.O_CREAT | os.O_TRUNC if not length else 0
        try:
            make_folder(disk, target.parent)
            if target.is_dir():
                raise IsADirectoryError(0, "a folder stands there")
            if target.exists() and not target.is_file():
                raise OSError(0, "a device or a pipe stands there")
            descriptor = os.open(staged, os.O_WRONLY | begins, 0o666)
        except OSError as error:
            raise CannotWrite(name, error) from error
        file = cls(target, name, staged, disk, length, taking, descriptor)
        file._go_on()
        return file

    @classmethod
    def written(
        cls, path: Path, name: str, token: str, disk: Disk, length: int, taking: Taking = replace
    ) -> StagedFile:
        """A file of which a checkpoint says that all is written, published perhaps."""
        target, staged = places(path, token)
        return cls(target, name, staged, disk, length, taking)

    def _go_on(self) -> None:
        try:
            size = os.fstat(self._descriptor).st_size
            if size < self.length:
                raise OSError(0, "it is shorter than its checkpoint says")
            if size > self.length:
                self.disk.truncate(self._descriptor, self.length)
            os.lseek(self._descriptor, self.length, os.SEEK_SET)
        except OSError as error:
            self._close()
            raise CannotWrite(self.name, error) from error

    def write(self, data: bytes) -> None:
        try:
            self.disk.write(self._descriptor, data)
        except OSError as error:
            raise CannotWrite(self.name, error) from error
        self.length += len(data)

    def settle(self) -> None:
        """Makes what is written outlast a loss of power; raises CannotWrite."""
        if self._descriptor < 0:
            return
        try:
            self.disk.fsync(self._descriptor)
            if not self._named:
                self.disk.fsync_folder(self.staged.parent)
                self._named = True
        except OSError as error:
            raise CannotWrite(self.name, error) from error

    def publish(self) -> None:
        """Gives the file its final name, which it may have already; raises CannotWrite."""
        try:
            self._close()
            if self.staged.exists():
                self.taking(self)
            self.disk.fsync_folder(self.path.parent)
        except OSError as error:
            raise CannotWrite(self.name, error) from error

    def empty(self) -> None:
        """Begins anew with nothing; raises CannotWrite."""
        try:
            if self._descriptor >= 0:
                self.disk.truncate(self._descriptor, 0)
                os.lseek(self._descriptor, 0, os.SEEK_SET)
        except OSError as error:
            raise CannotWrite(self.name, error) from error
        self.length = 0

    def leave(self) -> None:
        """Lets the file stand beside its place, for another process to go on."""
        with suppress(OSError):
            self._close()

    def discard(self) -> None:
        self.leave()
        for path in (self.staged, whole_of(self.staged)):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def places(path: Path, token: str) -> tuple[Path, Path]:
    """Where a file will stand, and where it stands until then."""
    target = Path(os.path.realpath(path))
    return target, target.with_name(f".{target.name}.{token}.part")


def whole_of(staged: Path) -> Path:
    """Where what is staged is put together with what stands at its place."""
    return staged.with_name(f"{staged.name}.whole.part")


@dataclass(slots=True)
class Tap:
    """An open stream, such as standard output: what is written there cannot be taken back."""

    stream: BinaryIO | None
    length: int = 0

    def write(self, data: bytes) -> None:
        try:
            if self.stream is not None:
                self.stream.write(data)
                self.stream.flush()
        except OSError as error:
            raise CannotWrite("standard output", error) from error
        self.length += len(data)

    def settle(self) -> None:
        pass

    def discard(self) -> None:
        pass


class Staged(Protocol):
    """An output that stands beside its place; each method raises CannotWrite unless it says so."""

    def settle(self) -> None: ...

    def publish(self) -> None:
        """Gives it its final name, which it may have already."""
        ...

    def leave(self) -> None:
        """Lets it stand beside its place, for another process to go on; never raises."""
        ...

    def discard(self) -> None:
        """Forget what was written; never raises."""
        ...


def publish_all(files: Iterable[Staged]) -> None:
    """Publishes finished files, none before all of them are safe on disk; raises CannotWrite."""
    finished = list(files)
    for file in finished:
        file.settle()
    for file in finished:
        file.publish()
