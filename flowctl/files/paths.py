"""Which data files a path, a glob, a list or a folder stands for."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from flowctl.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file to read; `name` is how the workflow sees it, from its folder where it can be."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class DataFiles:
    """The files below a workflow's folder, as `component.Files` asks for them."""

    base: Path

    def expand(self, pattern: str) -> tuple[Path, ...]:
        """The files that a path, folder or glob stands for now, sorted; empty where none exists."""
        return tuple(file.path for file in expand(self.base, [pattern]))


def expand(base: Path, patterns: Iterable[str]) -> tuple[DataFile, ...]:
    """The files of all patterns: in the order of the patterns, within one by name.

    A name that exists is never taken for a glob. Folders stand for all files below them; names
    that begin with `.` or `_` are left out there, and by globs.
    """
    return tuple(
        DataFile(base / found, found) for pattern in patterns for found in _matches(base, pattern)
    )


def _matches(base: Path, pattern: str) -> Iterator[str]:
    path = base / pattern
    mode = _mode(path)
    if stat.S_ISDIR(mode):
        yield from sorted(_below(base, path))
    elif mode:
        yield pattern
    elif glob.has_magic(pattern):
        # Path.glob takes no absolute patterns.
        found = glob.glob(pattern, root_dir=base, recursive=True)  # noqa: PTH207
        yield from sorted(name for name in found if (base / name).is_file() and not _hidden(name))


def _mode(path: Path) -> int:
    """What is there, by one look; 0 for nothing."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


def _below(base: Path, folder: Path) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not _hidden(name)]
        for name in names:
            if not _hidden(name):
                yield _seen_from(base, Path(parent, name))


def _seen_from(base: Path, path: Path) -> str:
    return (path.relative_to(base) if path.is_relative_to(base) else path).as_posix()


def _hidden(name: str) -> bool:
    return Path(name).name.startswith((".", "_"))
