"""The data files as they are while a workflow is compiled; each path is looked up once."""

from __future__ import annotations

from dataclasses import field
from typing import Final

from flowctl.dataclass import dataclass
from flowctl.files.paths import DataFile, DataFiles


@dataclass(frozen=True, slots=True)
class FilesOnce:
    """Remembers what each path, folder or glob stood for when it was first asked for."""

    files: DataFiles
    _known: dict[tuple[str, tuple[str, ...]], tuple[DataFile, ...]] = field(
        default_factory=dict, repr=False
    )

    def expand(self, pattern: str, endings: tuple[str, ...] = ()) -> tuple[DataFile, ...]:
        """The files that a path, folder or glob stands for, sorted; empty where none exists."""
        asked = pattern, endings
        if asked not in self._known:
            self._known[asked] = self.files.expand(pattern, endings)
        return self._known[asked]


class _NoFiles:
    """The data files of steps that have not run yet."""

    def expand(self, pattern: str, endings: tuple[str, ...] = ()) -> tuple[DataFile, ...]:
        """Nothing."""
        return ()


NO_FILES: Final = _NoFiles()
