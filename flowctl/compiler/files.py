"""The data files as they are while a workflow is compiled; each path is looked up once."""

from __future__ import annotations

from dataclasses import field
from pathlib import Path
from typing import Final

from flowctl.dataclass import dataclass
from flowctl.files.paths import DataFiles


@dataclass(frozen=True, slots=True)
class FilesOnce:
    """Remembers what each path, folder or glob stood for when it was first asked for."""

    files: DataFiles
    _known: dict[str, tuple[Path, ...]] = field(default_factory=dict, repr=False)

    def expand(self, pattern: str) -> tuple[Path, ...]:
        """The files that a path, folder or glob stands for, sorted; empty where none exists."""
        if pattern not in self._known:
            self._known[pattern] = self.files.expand(pattern)
        return self._known[pattern]


class _NoFiles:
    """The data files of steps that have not run yet."""

    def expand(self, pattern: str) -> tuple[Path, ...]:
        """Nothing."""
        return ()


NO_FILES: Final = _NoFiles()
