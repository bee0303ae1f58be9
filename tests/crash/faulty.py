"""A disk that fails at a chosen operation: the process ends there, or the system refuses."""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from flowctl.store.disk import REAL

Fault: TypeAlias = Literal["before", "after", "torn", "full", "meanwhile", "none"]
COPIED = 512


def kill_myself() -> None:
    """The process ends as if its power were cut: no handler runs, nothing is flushed."""
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class FaultyDisk:
    """The system's operations, until the operation with the number `at` (from 1) is asked for.

    `before` and `after`: the process ends before or behind it. `torn`: of a write only the first
    half happens. `full`: that write and all later ones find no space. `meanwhile`: something else
    is done then, and the process goes on.
    """

    at: int
    fault: Fault
    meanwhile: Callable[[], None] = lambda: None
    count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, descriptor: int, data: bytes) -> None:
        due = self._due()
        if due and self.fault == "torn":
            REAL.write(descriptor, data[: len(data) // 2])
            kill_myself()
        if self.fault == "full" and self.count >= self.at:
            REAL.write(descriptor, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        REAL.write(descriptor, data)
        self._behind(due)

    def fsync(self, descriptor: int) -> None:
        due = self._due()
        REAL.fsync(descriptor)
        self._behind(due)

    def truncate(self, descriptor: int, length: int) -> None:
        due = self._due()
        REAL.truncate(descriptor, length)
        self._behind(due)

    def rename(self, source: Path, target: Path) -> None:
        due = self._due()
        REAL.rename(source, target)
        self._behind(due)

    def exchange(self, one: Path, other: Path) -> None:
        due = self._due()
        REAL.exchange(one, other)
        self._behind(due)

    def link(self, source: Path, target: Path) -> None:
        due = self._due()
        REAL.link(source, target)
        self._behind(due)

    def copy(self, source: int, target: int, length: int) -> None:
        while data := os.read(source, min(length, COPIED)):
            self.write(target, data)
            length -= len(data)

    def remove_tree(self, folder: Path) -> None:
        due = self._due()
        if due and self.fault == "torn":
            for path in sorted(folder.rglob("*"))[::2]:
                if path.is_file():
                    path.unlink()
            kill_myself()
        REAL.remove_tree(folder)
        self._behind(due)

    def fsync_folder(self, folder: Path) -> None:
        due = self._due()
        REAL.fsync_folder(folder)
        self._behind(due)

    def remove(self, path: Path) -> None:
        due = self._due()
        REAL.remove(path)
        self._behind(due)

    def _due(self) -> bool:
        with self._lock:
            self.count += 1
            due = self.count == self.at
            if due and self.fault == "meanwhile":
                self.meanwhile()
        if due and self.fault == "before":
            kill_myself()
        return due

    def _behind(self, due: bool) -> None:
        if due and self.fault in ("after", "torn"):
            kill_myself()
