"""Locks that a process holds for as long as it lives: the system lets go of them at its end."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from flowctl.errors import FlowctlError

_LOOKS: Final = 10
_BETWEEN: Final = 0.01
"""Seconds after which a lock is tried again, which somebody may only have looked at."""


class Busy(FlowctlError):
    """Another process works on the run."""


@contextmanager
def locked(path: Path, *, wait: bool, what: str, mend: str = "") -> Iterator[None]:
    """While it lasts, no other process holds the lock; raises Busy unless it is to `wait`."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        if wait:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        elif not _taken(descriptor):
            holder = _holder(descriptor) or "another process"
            raise Busy(f"{what} is at work already, in {holder}{mend}")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Whether a process that lives holds the lock."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _taken(descriptor: int) -> bool:
    for look in range(_LOOKS):
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(_BETWEEN if look < _LOOKS - 1 else 0)
    return False


def _holder(descriptor: int) -> str | None:
    with suppress(OSError):
        if found := os.pread(descriptor, 32, 0).decode(errors="replace").strip():
            return f"process {found}"
    return None
