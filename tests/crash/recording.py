"""A disk that keeps, for each moment at which a process could die, what it would leave behind.

Two things can end a process. A kill leaves all that the system was asked for; a loss of power, at
worst, nothing but what had been synced: a file's content as of its last fsync, and the names in a
folder as of the folder's.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TypeAlias

from flowctl.store.disk import REAL

Content: TypeAlias = "bytes | _Folder"
"""What a name stands for after a loss of power."""


@dataclass
class _Folder:
    path: Path


@dataclass
class RecordingDisk:
    """The system's operations on the files below `root`; what a death leaves goes to `into`.

    Of moments that leave the same only the first is kept. Syncs count wherever they come from:
    `listen` has those of the spilled files noticed too, which need no other operation.
    """

    root: Path
    into: Path
    count: int = 0
    states: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)
    _contents: dict[int, bytes] = field(default_factory=dict)
    _names: dict[Path, dict[str, int | _Folder]] = field(default_factory=dict)
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
                self._tokens.pop(target.stat().st_ino, None)
            REAL.rename(source, target)
            self._after()

    def fsync_folder(self, folder: Path) -> None:
        REAL.fsync_folder(folder)

    def remove(self, path: Path) -> None:
        with self._lock:
            self._before()
            if path.exists():
                self._tokens.pop(path.stat().st_ino, None)
            REAL.remove(path)
            self._after()

    def _before(self) -> None:
        self.count += 1
        self._keep("before")

    def _after(self) -> None:
        self._keep("after")

    def _keep(self, moment: str) -> None:
        """Keeps what a kill and what a loss of power would leave now."""
        if self._is_new(_plain(self.root)):
            self._copy_to(self.into / self._named(f"kill-{moment}"))
        left = dict(self._left(self.root))
        if self._is_new(left):
            to = self.into / self._named(f"power-{moment}")
            for path, content in left.items():
                place = to / path
                if isinstance(content, _Folder):
                    place.mkdir(parents=True, exist_ok=True)
                else:
                    place.write_bytes(content)

    def _named(self, death: str) -> str:
        name = f"{len(self.states):04}-{death}-{self.count}"
        self.states.append(name)
        return name

    def _copy_to(self, to: Path) -> None:
        shutil.copytree(self.root, to)

    def _is_new(self, left: dict[str, Content]) -> bool:
        digest = hashlib.sha256()
        for path, content in sorted(left.items()):
            digest.update(f"{path}\0{content!r}".encode())
        new = digest.hexdigest() not in self._seen
        self._seen.add(digest.hexdigest())
        return new

    def _left(self, folder: Path) -> Iterator[tuple[str, Content]]:
        """What is there after a loss of power, a folder before what it holds."""
        yield folder.relative_to(self.root).as_posix(), _Folder(folder)
        for name, what in self._names.get(folder, {}).items():
            if isinstance(what, _Folder):
                yield from self._left(what.path)
            else:
                path = (folder / name).relative_to(self.root).as_posix()
                yield path, self._contents.get(what, b"")

    def _sync_names(self, folder: Path) -> None:
        self._names[folder] = {
            path.name: _Folder(path) if path.is_dir() else self._token(path.stat().st_ino)
            for path in folder.iterdir()
        }

    def _token(self, inode: int) -> int:
        """A number for a file that, unlike an inode's, is never given again."""
        if inode not in self._tokens:
            self._tokens[inode] = next(self._fresh)
        return self._tokens[inode]


def _plain(root: Path) -> dict[str, Content]:
    return {
        path.relative_to(root).as_posix(): _Folder(path) if path.is_dir() else path.read_bytes()
        for path in root.rglob("*")
    }
