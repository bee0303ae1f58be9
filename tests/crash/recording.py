"""A disk that keeps, for each moment at which a process could die, what it would leave behind.

Two things can end a process. A kill leaves all that the system was asked for; a loss of power, at
worst, nothing but what had been synced: a file's content as of its last fsync, and the names in a
folder as of the folder's.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TypeAlias

from flowctl.store.disk import REAL
from tests.crash.faulty import COPIED

Content: TypeAlias = "bytes | _Folder"
"""What a name stands for after a loss of power."""


@dataclass(frozen=True)
class _Folder:
    number: int = 0


@dataclass
class RecordingDisk:
    """The system's operations on the files below `root`, and in `states` what deaths would leave.

    Of moments that leave the same only the first is kept. Syncs count wherever they come from:
    `listen` has those of the spilled files noticed too, which need no other operation.
    """

    root: Path
    count: int = 0
    states: dict[str, dict[str, Content]] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)
    _contents: dict[int, bytes] = field(default_factory=dict)
    _names: dict[int, dict[str, int | _Folder]] = field(default_factory=dict)
    _tokens: dict[int, int] = field(default_factory=dict)
    _fresh: Iterator[int] = field(default_factory=lambda: count())
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """All that is there in the beginning is there for good."""
        for folder in [self.root, *(path for path in self.root.rglob("*") if path.is_dir())]:
            self._sync_names(folder)
        for path in self.root.rglob("*"):
            if path.is_file():
                self._contents[self._token(path.stat().st_ino)] = path.read_bytes()

    def write(self, descriptor: int, data: bytes) -> None:
        with self._lock:
            self._before()
            half = len(data) // 2
            REAL.write(descriptor, data[:half])
            if half:
                self._keep("torn")
            REAL.write(descriptor, data[half:])
            self._after()

    def listen(self) -> None:
        """Has every sync of this process noticed, from now on."""
        sync = os.fsync

        def noticed(descriptor: int) -> None:
            with self._lock:
                self._before()
                sync(descriptor)
                self._synced(os.fstat(descriptor))
                self._after()

        os.fsync = noticed  # type: ignore[assignment]

    def _synced(self, status: os.stat_result) -> None:
        paths = [self.root, *self.root.rglob("*")]
        path = next((path for path in paths if path.stat().st_ino == status.st_ino), None)
        if path is None:
            return
        if path.is_dir():
            self._sync_names(path)
        else:
            self._contents[self._token(status.st_ino)] = path.read_bytes()

    def fsync(self, descriptor: int) -> None:
        REAL.fsync(descriptor)

    def truncate(self, descriptor: int, length: int) -> None:
        with self._lock:
            self._before()
            REAL.truncate(descriptor, length)
            self._after()

    def rename(self, source: Path, target: Path) -> None:
        with self._lock:
            self._before()
            if target.exists():
                self._forget(target)
            REAL.rename(source, target)
            self._after()

    def exchange(self, one: Path, other: Path) -> None:
        with self._lock:
            self._before()
            REAL.exchange(one, other)
            self._after()

    def link(self, source: Path, target: Path) -> None:
        with self._lock:
            self._before()
            REAL.link(source, target)
            self._after()

    def copy(self, source: int, target: int, length: int) -> None:
        while data := os.read(source, min(length, COPIED)):
            self.write(target, data)
            length -= len(data)

    def remove_tree(self, folder: Path) -> None:
        if not folder.exists():
            return
        with self._lock:
            self._before()
            for number, path in enumerate(sorted(folder.rglob("*"), reverse=True)):
                self._forget(path)
                if path.is_dir():
                    path.rmdir()
                else:
                    path.unlink()
                if number % 3 == 0:
                    self._keep("torn")
            self._forget(folder)
            folder.rmdir()
            self._after()

    def fsync_folder(self, folder: Path) -> None:
        REAL.fsync_folder(folder)

    def remove(self, path: Path) -> None:
        with self._lock:
            self._before()
            if path.exists():
                self._forget(path)
            REAL.remove(path)
            self._after()

    def _before(self) -> None:
        self.count += 1
        self._keep("before")

    def _after(self) -> None:
        self._keep("after")

    def _keep(self, moment: str) -> None:
        """Keeps what a kill and what a loss of power would leave now."""
        left = {"kill": _plain(self.root), "power": self._after_power_loss()}
        for death, files in left.items():
            if self._is_new(files):
                self.states[f"{len(self.states):04}-{death}-{moment}-{self.count}"] = files

    def _after_power_loss(self) -> dict[str, Content]:
        return dict(self._left(self._token(self.root.stat().st_ino), "."))

    def _is_new(self, left: dict[str, Content]) -> bool:
        digest = hashlib.sha256()
        for path, content in sorted(left.items()):
            size = -1 if isinstance(content, _Folder) else len(content)
            digest.update(f"{path}\0{size}\0".encode())
            digest.update(b"" if isinstance(content, _Folder) else content)
        new = digest.hexdigest() not in self._seen
        self._seen.add(digest.hexdigest())
        return new

    def _left(self, folder: int, path: str) -> Iterator[tuple[str, Content]]:
        """What is there after a loss of power, a folder before what it holds."""
        yield path, _Folder()
        for name, what in self._names.get(folder, {}).items():
            if isinstance(what, _Folder):
                yield from self._left(what.number, f"{path}/{name}")
            else:
                yield f"{path}/{name}", self._contents.get(what, b"")

    def _sync_names(self, folder: Path) -> None:
        numbers = {path: self._token(path.stat().st_ino) for path in folder.iterdir()}
        self._names[self._token(folder.stat().st_ino)] = {
            path.name: _Folder(number) if path.is_dir() else number
            for path, number in numbers.items()
        }

    def _forget(self, path: Path) -> None:
        """Lets another file have the inode, if this is the last name for it."""
        status = path.stat()
        if path.is_dir() or status.st_nlink == 1:
            self._tokens.pop(status.st_ino, None)

    def _token(self, inode: int) -> int:
        """A number for a file that, unlike an inode's, is never given again."""
        if inode not in self._tokens:
            self._tokens[inode] = next(self._fresh)
        return self._tokens[inode]


def _plain(root: Path) -> dict[str, Content]:
    found: dict[str, Content] = {".": _Folder()}
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        found[name] = _Folder() if path.is_dir() else path.read_bytes()
    return found


def lay_out(files: dict[str, Content], to: Path) -> None:
    """Writes what a death has left into a folder; each folder comes before what it holds."""
    for name, content in files.items():
        if isinstance(content, _Folder):
            (to / name).mkdir(parents=True, exist_ok=True)
        else:
            (to / name).write_bytes(content)
