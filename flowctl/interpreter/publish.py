"""A file comes into being beside its place and takes it in one step, or leaves no trace."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from flowctl.codes.environment import UNWRITABLE
from flowctl.diagnostics import Fault


class CannotWrite(Exception):
    """The system refuses an output; the fault says which and why."""

    def __init__(self, path: str, error: OSError) -> None:
        reason = (error.strerror or str(error)).lower()
        self.fault = Fault(UNWRITABLE, f"cannot write `{path}`: {reason}")
        super().__init__(self.fault.message)


class Target(Protocol):
    """Where encoded bytes go; each method raises CannotWrite."""

    @property
    def length(self) -> int:
        """Bytes written so far."""
        ...

    def write(self, data: bytes) -> None: ...

    def discard(self) -> None:
        """Forget what was written; never raises."""
        ...


@dataclass(slots=True)
class StagedFile:
    """A file that is written under another name in the folder of its final path.

    `name` is how the workflow names the path. A link at the path stays, what it leads to is
    replaced. Folders that are missing are made.
    """

    path: Path
    name: str
    token: str
    length: int = 0
    _descriptor: int = field(default=-1, repr=False)
    _staged: Path = field(default=Path(), repr=False)

    @classmethod
    def create(cls, path: Path, name: str, token: str) -> StagedFile:
        """Begins a file; raises CannotWrite."""
        target = Path(os.path.realpath(path))
        staged = target.with_name(f".{target.name}.{token}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_dir():
                raise IsADirectoryError(0, "a folder stands there")
            descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        except OSError as error:
            raise CannotWrite(name, error) from error
        return cls(target, name, token, 0, descriptor, staged)

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            raise CannotWrite(self.name, error) from error
        self.length += len(data)

    def settle(self) -> None:
        """Makes what is written outlast a loss of power; raises CannotWrite."""
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise CannotWrite(self.name, error) from error

    def publish(self) -> None:
        """Gives the file its final name; raises CannotWrite."""
        try:
            self._close()
            self._staged.replace(self.path)
            _fsync_folder(self.path.parent)
        except OSError as error:
            raise CannotWrite(self.name, error) from error

    def discard(self) -> None:
        with suppress(OSError):
            self._close()
        with suppress(OSError):
            self._staged.unlink(missing_ok=True)

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


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

    def discard(self) -> None:
        pass


def publish_all(files: Iterable[StagedFile]) -> None:
    """Publishes finished files, none before all of them are safe on disk; raises CannotWrite."""
    finished = list(files)
    for file in finished:
        file.settle()
    for file in finished:
        file.publish()


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
