"""The records that steps hand to others, kept beyond their run under the names of their content."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from flowctl.dataclass import dataclass
from flowctl.files.contents import Content
from flowctl.store.disk import Disk, give_name
from flowctl.store.successes import Success, Successes

_ENDING: Final = ".parquet"
_YOUNG: Final = 3600
"""Seconds for which a file may stand there that no success names yet."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The files of the cache, in a folder; `run` is the one at work."""

    folder: Path
    run: str
    disk: Disk

    def path(self, file: str) -> Path:
        return self.folder / file

    def hold(self, records: Content, path: Path) -> str:
        """Keeps a step's records, which are not copied where that can be; raises OSError."""
        name = f"{records.digest}{_ENDING}"
        give_name(self.disk, path, self.path(name), self.run)
        return name

    def bring(self, file: str, path: Path) -> None:
        """Has kept records stand where a run's steps look for them; raises OSError."""
        give_name(self.disk, self.path(file), path, self.run)

    def shrink(self, store: Successes, most: int) -> None:
        """Forgets what was not used for longest, until no more than so many bytes are kept."""
        size = store.bytes()
        if size <= most:
            return
        gone = list[Success]()
        for one in sorted(store.all(), key=lambda one: one.used):
            if size <= most:
                break
            if one.bytes:
                gone.append(one)
                size -= one.bytes
        store.drop(one.key for one in gone)
        self.sweep(store)

    def sweep(self, store: Successes, *, young: bool = False) -> None:
        """Deletes the files that no success names any more; those of others at work only if old."""
        named = {one.file for one in store.all()}
        for path in self.files():
            with suppress(OSError):
                old = young or path.stat().st_ctime < time.time() - _YOUNG
                if path.name not in named and old:
                    self.disk.remove(path)

    def files(self) -> Iterator[Path]:
        """All that stands there."""
        with suppress(FileNotFoundError):
            yield from sorted(self.folder.iterdir())
