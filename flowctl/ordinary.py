"""Opening files, and nothing but files: a pipe may never answer, a device never end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path


def open_file(path: Path) -> int:
    """A descriptor to read an ordinary file; raises OSError, for all else too."""
    # Without O_NONBLOCK the opening of a pipe waits for its writer.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "it is a device or a pipe, not a file", str(path))


def read_file(path: Path, most: int = -1) -> bytes:
    """The first `most` bytes of an ordinary file, or all of it; raises OSError."""
    with os.fdopen(open_file(path), "rb") as file:
        return file.read(most)


def new_file(path: Path, mode: int = 0o666) -> None:
    """Makes an empty file, and its folder if need be; raises OSError, where it is there too."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, mode)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, flags, mode)
    os.close(descriptor)
