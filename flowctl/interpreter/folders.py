"""A dataset's folder comes into being beside its place and takes it in one step.

.out.RUN.part              the files that the run writes
.out.RUN.part.whole.part   those, and what the folder keeps of its old ones, by further names
.out.RUN.part.old.part     the old folder, where the system cannot let two names change places
out/.RUN.flowctl           a mark in the folder that has taken the place, until the rest is gone
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import field
from pathlib import Path
from threading import Lock
from typing import Final

from flowctl.codes.environment import NOT_OURS
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault
from flowctl.interpreter.publish import CannotWrite, places, stands_already, whole_of
from flowctl.sinking import Mode
from flowctl.store.disk import REAL, Disk, make_folder
from flowctl.store.folders import held

_NO_EXCHANGE: Final = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM)
_PART: Final = re.compile(r"part-(\d+)\b")


@dataclass(slots=True)
class StagedFolder:
    """A folder of files that are written one after the other; `files` are those that are whole.

    `part` is the file that is being written, from the folder, and `length` its bytes so far. Only
    the thread that commits may touch it, but any may settle it.
    """

    path: Path
    name: str
    staged: Path
    mode: Mode
    disk: Disk = REAL
    files: list[str] = field(default_factory=list)
    part: str | None = None
    length: int = 0
    _descriptor: int = field(default=-1, repr=False)
    _unsettled: set[str] = field(default_factory=set, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @classmethod
    def at(cls, path: Path, name: str, token: str, mode: Mode, disk: Disk = REAL) -> StagedFolder:
        """The folder that will stand at a path; nothing is made yet."""
        target, staged = places(path, token)
        return cls(target, name, staged, mode, disk)

    def begin(self) -> None:
        """Makes the folder; raises CannotWrite."""
        with self._telling():
            make_folder(self.disk, self.path.parent)
            self.judge()
            make_folder(self.disk, self.staged)

    def judge(self) -> None:
        """Raises CannotWrite where the place cannot be taken."""
        if self.path.exists() and not self.path.is_dir():
            raise CannotWrite(self.name, OSError(0, "a file stands there"))
        if _empty(self.path) or self.taken:
            return
        if self.mode == "error":
            raise stands_already(self.name)
        if self.mode == "replace":
            self._refuse_others(self.path)

    def there(self, suffix: str) -> str | None:
        """One of the files with this ending that stand at the place already."""
        names = _files_below(self.path) if self.path.is_dir() else ()
        return next((name for name in names if name.endswith(suffix)), None)

    @property
    def last_number(self) -> int:
        """The highest number of a part that stands there; -1 without any."""
        names = _files_below(self.path) if self.path.is_dir() else ()
        found = (_PART.match(Path(name).name) for name in names)
        return max((int(match[1]) for match in found if match), default=-1)

    def go_on(self, files: Sequence[tuple[str, int]], part: str | None, length: int) -> None:
        """Goes back to where a checkpoint was made: all that came later is deleted.

        Raises CannotWrite, also where something is missing.
        """
        with self._telling():
            make_folder(self.disk, self.staged)
            kept = {*(file for file, _ in files), *([part] if part else [])}
            for path in list(_files_below(self.staged)):
                if path not in kept:
                    self.disk.remove(self.staged / path)
            for file, size in files:
                if (self.staged / file).stat().st_size != size:
                    raise OSError(0, f"`{file}` is not what its checkpoint says")
            self.files = [file for file, _ in files]
            if part is not None:
                self._open(part, os.O_WRONLY)
                if os.fstat(self._descriptor).st_size < length:
                    raise OSError(0, f"`{part}` is shorter than its checkpoint says")
                self.disk.truncate(self._descriptor, length)
                os.lseek(self._descriptor, length, os.SEEK_SET)
                self.length = length

    def begin_file(self, part: str) -> None:
        """Begins a new file; raises CannotWrite."""
        with self._telling(part):
            make_folder(self.disk, (self.staged / part).parent)
            self._open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)

    def _open(self, part: str, flags: int) -> None:
        self._descriptor = os.open(self.staged / part, flags, 0o666)
        self.part, self.length = part, 0

    def write(self, data: bytes) -> None:
        """Adds to the file that was begun; raises CannotWrite."""
        assert self.part is not None
        with self._telling():
            self.disk.write(self._descriptor, data)
        self.length += len(data)
        with self._lock:
            self._unsettled.add(self.part)

    def end_file(self) -> None:
        """The file is whole; raises CannotWrite."""
        assert self.part is not None
        with self._telling():
            self._close()
        self.files.append(self.part)
        self.part, self.length = None, 0

    def settle(self) -> None:
        """Makes what is written outlast a loss of power; raises CannotWrite."""
        with self._lock:
            unsettled, self._unsettled = sorted(self._unsettled), set()
        with self._telling():
            for part in unsettled:
                _sync(self.disk, self.staged / part)
            for folder in sorted({(self.staged / part).parent for part in unsettled}):
                self.disk.fsync_folder(folder)

    def publish(self) -> None:
        """Takes the place, unless that is done already; raises CannotWrite."""
        with self._telling(), held(self.path.parent):
            self._close()
            self._come_back()
            if not self.taken and self.staged.exists():
                self.judge()
                self._take(self._prepared())
            for aside in (whole_of(self.staged), self.staged, self._old):
                self.disk.remove_tree(aside)
            if self.taken:
                self.disk.remove(self.path / self._mark)
            self.disk.fsync_folder(self.path.parent)

    def leave(self) -> None:
        with suppress(OSError):
            self._close()

    def discard(self) -> None:
        self.leave()
        with suppress(OSError):
            self._come_back()
            for aside in (whole_of(self.staged), self.staged, self._old):
                self.disk.remove_tree(aside)

    @property
    def taken(self) -> bool:
        """Whether the folder has taken the place, and the rest is not gone yet."""
        return (self.path / self._mark).exists()

    @property
    def _mark(self) -> str:
        return f".{self.staged.name.strip('.')}.flowctl"

    @property
    def _old(self) -> Path:
        return self.staged.with_name(f"{self.staged.name}.old.part")

    def _come_back(self) -> None:
        """Where the old folder has left its place and nothing has taken it yet."""
        if not self.path.exists() and self._old.exists():
            self.disk.rename(self._old, self.path)

    def _prepared(self) -> Path:
        """The folder that is to take the place, whole."""
        if _empty(self.path) or self.mode in ("replace", "error"):
            return self.staged
        whole = whole_of(self.staged)
        self.disk.remove_tree(whole)
        whole.mkdir()
        new = self._names()
        replaced = {Path(name).parent for name in new.values()}
        if self.mode == "replace_partitions":
            for partition in replaced:
                self._refuse_others(self.path / partition)
        for name in _files_below(self.path):
            if self.mode == "append" or Path(name).parent not in replaced:
                self._link(self.path / name, whole / name)
        for name, other in new.items():
            self._link(self.staged / name, whole / other)
        for folder, _, _ in os.walk(whole):
            self.disk.fsync_folder(Path(folder))
        return whole

    def _names(self) -> dict[str, str]:
        """The staged files with their names in the folder: numbered on where files are added."""
        if self.mode != "append":
            return {name: name for name in self.files}
        last: dict[Path, int] = {}
        found: dict[str, str] = {}
        for name in self.files:
            folder = Path(name).parent
            if folder not in last:
                last[folder] = _last_number(self.path / folder)
            last[folder] += 1
            renamed = _PART.sub(f"part-{last[folder]:05d}", Path(name).name, count=1)
            found[name] = (folder / renamed).as_posix()
        return found

    def _link(self, source: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        self.disk.link(source, target)

    def _take(self, new: Path) -> None:
        """Gives the new folder the place; the old one is then where the new one was."""
        if _empty(self.path):
            self.disk.rename(new, self.path)
            return
        mark = os.open(new / self._mark, os.O_WRONLY | os.O_CREAT, 0o666)
        os.close(mark)
        self.disk.fsync_folder(new)
        try:
            self.disk.exchange(new, self.path)
        except OSError as error:
            if error.errno not in _NO_EXCHANGE:
                raise
            self.disk.rename(self.path, self._old)
            self.disk.rename(new, self.path)
        self.disk.fsync_folder(self.path.parent)

    def _refuse_others(self, folder: Path) -> None:
        """Raises CannotWrite where a folder holds what is no part of a dataset."""
        for name in _others(folder):
            message = f"`{self.name}` would be replaced, but it holds `{name}`"
            help = "give the dataset a folder of its own, or move that away"
            raise CannotWrite(self.name, Fault(NOT_OURS, message, help=help))

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    @contextmanager
    def _telling(self, part: str = "") -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CannotWrite(self.name + part, error) from error


def _empty(folder: Path) -> bool:
    """Whether nothing stands at a place, or a folder with nothing in it."""
    return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))


def _files_below(folder: Path) -> Iterator[str]:
    """All files in a folder and those in it, and links whatever they lead to, sorted."""
    for parent, folders, names in os.walk(folder):
        linked = [name for name in folders if Path(parent, name).is_symlink()]
        folders[:] = sorted(set(folders) - set(linked))
        for name in sorted([*names, *linked]):
            yield Path(parent, name).relative_to(folder).as_posix()


def _others(folder: Path) -> Iterable[str]:
    """What a dataset does not hold: files but `part-…`, folders but `column=value`."""
    for parent, folders, names in os.walk(folder):
        seen = Path(parent).relative_to(folder)
        foreign = [name for name in names if not _hidden(name) and not _PART.match(name)]
        foreign += [name for name in folders if "=" not in name]
        yield from ((seen / name).as_posix() for name in sorted(foreign))


def _hidden(name: str) -> bool:
    return name.startswith((".", "_"))


def _last_number(folder: Path) -> int:
    """The highest number of a part in a folder; -1 without any."""
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return max((int(found[1]) for name in names if (found := _PART.match(name))), default=-1)


def _sync(disk: Disk, path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        disk.fsync(descriptor)
    finally:
        os.close(descriptor)
