"""Which files the runs of a workflow have read, for sources that read each file once.

A step claims its files when all of its output is written aside, publishes, and then keeps the
claim: who ends in between publishes and keeps when the run is gone on with, and until then no other
run may read these files. So none is read twice and none is lost.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeAlias

from flowctl.codec import decode, encode
from flowctl.codes.runs import READ_BEFORE
from flowctl.dataclass import dataclass
from flowctl.dataflow import BadInput, Stretch
from flowctl.diagnostics import Fault
from flowctl.files.fingerprints import Stamp, changes_of, stamp
from flowctl.files.paths import DataFile
from flowctl.interpreter.runs import Runs
from flowctl.interpreter.setting import Setting, file_name
from flowctl.plan import Stream, digest_of
from flowctl.store.disk import Disk, make_folder
from flowctl.store.journal import Journal, read_records

State: TypeAlias = Literal["claimed", "kept"]


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file as it was read. Without `modified` its content tells whether it is the same."""

    name: str
    size: int
    modified: int
    inode: int
    stretches: tuple[Stretch, ...]

    @classmethod
    def of(cls, name: str, size: int, then: Stamp | None, own: Sequence[Stretch]) -> ReadFile:
        if then is None:
            return cls(name, size, 0, 0, tuple(own))
        return cls(name, then.size, then.modified, then.inode, tuple(own))


@dataclass(frozen=True, slots=True)
class Entry:
    """What a run has done with files, which are told with the claim alone; its last one counts."""

    run: str
    state: State
    files: tuple[ReadFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Incremental:
    """What is remembered for one step in the project's `state`; `run` is the one at work."""

    state: Path
    path: Path
    run: str
    disk: Disk

    def left(self, files: Iterable[DataFile], encoding: str) -> tuple[DataFile, ...]:
        """The files that no other run has read.

        Raises BadInput for one that was read and has changed, or is claimed by another run.
        """
        before = self._by_others()
        left: list[DataFile] = []
        for file in files:
            found = before.get(file.name)
            if found is None:
                left.append(file)
            elif fault := self._fault(file, *found, encoding):
                raise BadInput(fault, file.name)
        return tuple(left)

    def claim(self, files: Sequence[ReadFile]) -> None:
        """Raises BadInput where another run has claimed one of them meanwhile, and OSError."""
        with self._held():
            before = self._by_others()
            for file in files:
                if file.name in before:
                    message = f"`{file.name}` was read meanwhile by run {before[file.name][0].run}"
                    raise BadInput(Fault(READ_BEFORE, message), file.name)
            self._append(Entry(self.run, "claimed", tuple(files)))

    def keep(self) -> None:
        """Keeps what this run has claimed; raises OSError."""
        with self._held():
            own = [entry.state for entry in self._entries() if entry.run == self.run]
            if own and own[-1] == "claimed":
                self._append(Entry(self.run, "kept"))

    def _entries(self) -> list[Entry]:
        return [decode(Entry, value) for value in read_records(self.path).values]

    def _by_others(self) -> Mapping[str, tuple[Entry, ReadFile]]:
        """The files that other runs have read, each with the last word of that run."""
        last: dict[str, Entry] = {}
        claims: dict[str, Entry] = {}
        for entry in self._entries():
            last[entry.run] = entry
            if entry.state == "claimed":
                claims[entry.run] = entry
        return {
            file.name: (last[run], file)
            for run, claim in claims.items()
            if run != self.run and (last[run].state == "kept" or not self._given_up(run))
            for file in claim.files
        }

    def _given_up(self, run: str) -> bool:
        """Whether a run will never publish what it has claimed."""
        record = Runs(self.state).read(run)
        return record is not None and not record.open

    def _fault(self, file: DataFile, entry: Entry, then: ReadFile, encoding: str) -> Fault | None:
        """What forbids to pass over a file that was read."""
        if entry.state == "claimed":
            message = f"`{file.name}` is claimed by run {entry.run}, which has not published it yet"
            help = "let that run come to its end: run it again as it was begun, or with `--fresh`"
            return Fault(READ_BEFORE, message, help=help)
        now = stamp(file)
        if now is None:
            return None
        if (now.size, now.modified, now.inode) == (then.size, then.modified, then.inode):
            return None
        if now.size != then.size:
            became = "grown" if now.size > then.size else "become shorter"
            message = f"`{file.name}` has {became} since run {entry.run} has read it"
        elif changes_of(file, then.stretches, encoding, then.size) is None:
            return None
        else:
            message = f"`{file.name}` has changed since run {entry.run} has read it"
        help = (
            "bring what is new in a file of its own; to have all files read again, remove "
            f"`{self.path.parent.relative_to(self.state.parent)}`"
        )
        return Fault(READ_BEFORE, message, help=help)

    def _append(self, entry: Entry) -> None:
        journal = Journal(self.path, self.disk)
        journal.open(read_records(self.path).length)
        try:
            journal.append(encode(entry))
        finally:
            journal.close()

    @contextmanager
    def _held(self) -> Iterator[None]:
        """While it lasts, no other process adds anything."""
        make_folder(self.disk, self.path.parent)
        lock = self.path.with_name(f"{self.path.name}.lock")
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def incremental(step: str, body: Stream, setting: Setting) -> Incremental | None:
    """What is remembered for a step whose source reads each file once; None for any other.

    It belongs to the document, its params and its profile: a run at another logical time reads on
    where the last one has ended. A run without a name remembers nothing.
    """
    if body.source.arguments.get("incremental") is not True:
        return None
    record = Runs(setting.state).read(setting.run)
    if record is None:
        return None
    identity = record.identity
    owner = digest_of([identity.document, identity.params, identity.profile])
    folder = setting.state / "incremental" / owner.removeprefix("sha256:")[:16]
    return Incremental(setting.state, folder / file_name(step), setting.run, setting.disk)


def files_read(
    stretches: Iterable[Stretch], sizes: Mapping[str, int], stamps: Iterable[Stamp]
) -> list[ReadFile]:
    """The files of which anything was read, as they were when reading began."""
    own: dict[str, list[Stretch]] = {}
    for stretch in stretches:
        own.setdefault(stretch.file, []).append(stretch)
    then = {found.file.name: found for found in stamps}
    return [
        ReadFile.of(name, sizes.get(name, -1), then.get(name), found) for name, found in own.items()
    ]
