"""Who writes and who reads which path: found lexically, without a look at the disk.

Each path is looked up in time that grows with its own length, or with the number of paths that
share a glob's fixed beginning; never by comparing every reader with every writer.
"""

from __future__ import annotations

import fnmatch
import posixpath
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from functools import cache, cached_property

from flowctl.compiler.anatomy import Part
from flowctl.dataclass import dataclass
from flowctl.syntax.node import Node

_WILDCARD = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Use:
    """A step's use of a path, by its source or by a sink.

    `path` is absolute and normal, `text` is as written at `node`.
    """

    step: str
    part: Part
    path: str
    text: str
    node: Node

    @property
    def folder(self) -> bool:
        """Whether a sink writes a dataset folder here."""
        return self.text.endswith("/")


def normal(path: str, base: str) -> str:
    """One spelling for a path: absolute from `base`, without `.`, `..` and doubled slashes.

    >>> normal("./out/../data/a.csv", "/project")
    '/project/data/a.csv'
    """
    return posixpath.normpath(posixpath.join(base, path))


@dataclass(frozen=True)
class PathIndex:
    """The paths that the steps of a plan write, each by the first step that does."""

    writers: dict[str, Use]

    @classmethod
    def of(cls, uses: Iterable[Use]) -> PathIndex:
        writers: dict[str, Use] = {}
        for use in uses:
            writers.setdefault(use.path, use)
        return cls(writers)

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self.writers)

    def conflicts(self, uses: Iterable[Use]) -> Iterator[tuple[Use, Use]]:
        """Pairs of an earlier and a later use that write the same path, or one inside another."""
        for use in uses:
            first = self.writers[use.path]
            above = self._above(use.path)
            if first is not use:
                yield first, use
            elif above is not None:
                yield above, use

    def feeding(self, path: str) -> list[Use]:
        """The writers of what a path, folder or glob stands for, in the order of their paths."""
        start = _WILDCARD.search(path)
        if start is not None:
            reaches = _glob(path)
            below = map(self.writers.__getitem__, self._beginning(path[: start.start()]))
            found = [writer for writer in below if reaches(writer)]
            above = self._above(path[: start.start()] + "x")
            return found if above is None else [above, *found]
        exact = self.writers.get(path) or self._above(path)
        inside = [self.writers[name] for name in self._beginning(path + "/")]
        return inside if exact is None else [exact, *inside]

    def _above(self, path: str) -> Use | None:
        folder = posixpath.dirname(path)
        while folder not in ("/", ""):
            if folder in self.writers:
                return self.writers[folder]
            folder = posixpath.dirname(folder)
        return None

    def _beginning(self, prefix: str) -> Iterator[str]:
        names = self._sorted
        for position in range(bisect_left(names, prefix), len(names)):
            if not names[position].startswith(prefix):
                return
            yield names[position]


def _glob(pattern: str) -> Callable[[Use], bool]:
    """Tells whether what is written matches a glob, or is a folder below which the glob looks."""
    parts = tuple(pattern.split("/"))
    return lambda use: _reaches(parts, tuple(use.path.split("/")), use.folder)


def _reaches(pattern: tuple[str, ...], path: tuple[str, ...], folder: bool) -> bool:
    if not path:
        return folder or not pattern
    if not pattern:
        return False
    rest = pattern[1:]
    if pattern[0] == "**":
        return _reaches(rest, path, folder) or _reaches(pattern, path[1:], folder)
    matches = _segment(pattern[0]).fullmatch(path[0]) is not None
    return matches and _reaches(rest, path[1:], folder)


@cache
def _segment(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern))
