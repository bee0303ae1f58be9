"""Which data files a path, a glob, a list or a folder stands for."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from flowctl.dataclass import dataclass

SUFFIXES: Final = (".gz", ".zst", ".bz2", ".xz")
"""The endings of compressed files."""
_NULL: Final = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file to read; `name` is how the workflow sees it, from its folder where it can be.

    `parts` are the folders `key=value` that it lies in, below the folder that the workflow names.
    """

    path: Path
    name: str
    parts: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class DataFiles:
    """The files below a workflow's folder, as `component.Files` asks for them."""

    base: Path

    def expand(self, pattern: str, endings: tuple[str, ...] = ()) -> tuple[DataFile, ...]:
        """The files that a path, folder or glob stands for now, sorted; empty where none exists."""
        return expand(self.base, [pattern], endings)


def expand(
    base: Path, patterns: Iterable[str], endings: tuple[str, ...] = ()
) -> tuple[DataFile, ...]:
    """The files of all patterns: in the order of the patterns, within one by name.

    A name that exists is never taken for a glob. Folders stand for all files below them that have
    one of the endings, compressed perhaps, or for all without any. Names that begin with `.` or
    `_` are left out there, and by globs.
    """
    return tuple(file for pattern in patterns for file in _matches(base, pattern, endings))


def _matches(base: Path, pattern: str, endings: tuple[str, ...]) -> Iterator[DataFile]:
    path = base / pattern
    mode = _mode(path)
    if stat.S_ISDIR(mode):
        for name in sorted(_below(base, path)):
            if _ends(name, endings):
                yield DataFile(base / name, name, _parts((base / name).relative_to(path)))
    elif mode:
        yield DataFile(path, pattern)
    elif glob.has_magic(pattern):
        # Path.glob takes no absolute patterns.
        found = glob.glob(pattern, root_dir=base, recursive=True)  # noqa: PTH207
        for name in sorted(found):
            if (base / name).is_file() and not _hidden(name):
                yield DataFile(base / name, name)


def _ends(name: str, endings: tuple[str, ...]) -> bool:
    lower = name.lower()
    for suffix in SUFFIXES:
        lower = lower.removesuffix(suffix)
    return not endings or lower.endswith(endings)


def _parts(below: Path) -> tuple[tuple[str, str | None], ...]:
    """The folders that are named as Hive names them, which says null in its own way.

    >>> _parts(Path("year=2024/town=S%C3%A3o/part.csv"))
    (('year', '2024'), ('town', 'São'))
    """
    pairs = (folder.split("=", 1) for folder in below.parts[:-1] if "=" in folder)
    return tuple((unquote(key), None if value == _NULL else unquote(value)) for key, value in pairs)


def _mode(path: Path) -> int:
    """What is there, by one look; 0 for nothing."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


def _below(base: Path, folder: Path) -> Iterator[str]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if "=" in name or not _hidden(name)]
        for name in names:
            if not _hidden(name):
                yield _seen_from(base, Path(parent, name))


def _seen_from(base: Path, path: Path) -> str:
    return (path.relative_to(base) if path.is_relative_to(base) else path).as_posix()


def _hidden(name: str) -> bool:
    return Path(name).name.startswith((".", "_"))
