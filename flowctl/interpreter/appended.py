"""A text file to which a stream adds at each checkpoint.

.out.csv.RUN.part   what was written since the checkpoint before

First this is made durable, then the checkpoint that tells where it goes, and then it is put behind
what the file holds. Whatever becomes of the process, who goes on does that again, from where the
file ended before; what stood there already is the same. Not until the file is durable is what was
staged given up, so where that is not what the checkpoint tells of, the file has it all.
"""

from __future__ import annotations

import os
from dataclasses import field
from typing import Final

import xxhash

from flowctl.codes.runs import OUTPUT_CHANGED
from flowctl.dataclass import dataclass
from flowctl.dataflow import BadInput
from flowctl.diagnostics import Fault
from flowctl.files.appending import holds_anything, joint
from flowctl.files.compressing import compressed
from flowctl.files.paths import DataFile
from flowctl.interpreter.checkpoint import Batch, OutputState
from flowctl.interpreter.modes import Append
from flowctl.interpreter.publish import CannotWrite, StagedFile
from flowctl.store.folders import held

_PIECE: Final = 1024 * 1024


@dataclass(slots=True)
class AppendedFile:
    """What is staged for one file; only the thread that commits may touch it, any may settle it."""

    file: StagedFile
    append: Append
    _digest: xxhash.xxh3_128 = field(default_factory=xxhash.xxh3_128, repr=False)
    _base: int = 0
    _end: int = -1
    """How long the file is by our own account."""

    @property
    def length(self) -> int:
        return self.file.length

    def write(self, data: bytes) -> None:
        self.file.write(data)
        self._digest.update(data)

    def settle(self) -> None:
        self.file.settle()

    def batch(self) -> Batch:
        """What a checkpoint is to tell of all that was written since the last one."""
        try:
            self._base = self.file.path.stat().st_size if self.file.path.exists() else 0
        except OSError as error:
            raise CannotWrite(self.file.name, error) from error
        return Batch(base=self._base, digest=self._digest.hexdigest())

    @classmethod
    def left(cls, file: StagedFile, append: Append, state: OutputState) -> AppendedFile:
        """What the last checkpoint of another process tells of; nothing, if all was published."""
        found = cls(file, append)
        if state.batch is not None and state.length and found._is_staged(state, state.batch):
            found._base = state.batch.base
        else:
            file.length = 0
        return found

    def judge(self) -> None:
        """Raises CannotWrite where it cannot be published any more."""
        if self.file.length:
            self._standing()

    def publish(self) -> None:
        """Puts what is staged behind what the file holds, unless it stands there."""
        if not self.file.length:
            return
        try:
            with held(self.file.path.parent):
                self._place()
            self._end = self.file.path.stat().st_size
        except OSError as error:
            raise CannotWrite(self.file.name, error) from error
        self.file.empty()
        self._digest.reset()

    def leave(self) -> None:
        self.file.leave()

    def discard(self) -> None:
        self.file.discard()

    def _is_staged(self, state: OutputState, batch: Batch) -> bool:
        """Whether what a checkpoint tells of has not been given up."""
        try:
            with self.file.staged.open("rb") as staged:
                data = xxhash.xxh3_128()
                left = state.length
                while piece := staged.read(min(_PIECE, left)):
                    data.update(piece)
                    left -= len(piece)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise CannotWrite(self.file.name, error) from error
        return not left and data.hexdigest() == batch.digest

    def _standing(self) -> bool:
        """Whether all that is staged stands in the file already.

        Raises CannotWrite where the file is shorter than it was, or holds what is not ours.
        """
        try:
            size = self.file.path.stat().st_size if self.file.path.exists() else 0
        except OSError as error:
            raise CannotWrite(self.file.name, error) from error
        if size < self._base:
            raise self._changed(f"lacks {self._base - size:,} bytes that it had")
        if size == self._base:
            return False
        for lead in self._leads():
            ours = self._ours(lead, size - self._base)
            if ours is not None:
                return ours
        raise self._changed("was written to by others")

    def _leads(self) -> tuple[bytes, ...]:
        """What may stand between what the file held and the records."""
        head = self.append.head
        return (head,) if not self._base else (b"", compressed(b"\n", self.file.path.name), head)

    def _ours(self, lead: bytes, size: int) -> bool | None:
        """Whether all of it stands behind the base; None where something else does.

        What a loss of power has kept from being written may be zeros.
        """
        whole = len(lead) + self.file.length
        torn = False
        with self.file.path.open("rb") as file, self.file.staged.open("rb") as staged:
            file.seek(self._base)
            left = min(size, whole)
            expected = lead
            while left:
                expected = expected or staged.read(_PIECE)
                found = file.read(min(left, len(expected)))
                if not found:
                    return None
                if found != expected[: len(found)]:
                    if not _torn(found, expected):
                        return None
                    torn = True
                left -= len(found)
                expected = expected[len(found) :]
        if torn or size < whole:
            return False if size <= whole else None
        return True

    def _place(self) -> None:
        disk, stands = self.file.disk, self._standing()
        target = os.open(self.file.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            if not stands:
                self._add(target)
            disk.fsync(target)
        finally:
            os.close(target)
        disk.fsync_folder(self.file.path.parent)

    def _add(self, target: int) -> None:
        disk = self.file.disk
        if os.fstat(target).st_size > self._base:
            disk.truncate(target, self._base)
        os.lseek(target, self._base, os.SEEK_SET)
        if lead := self._lead():
            disk.write(target, lead)
        with self.file.staged.open("rb", buffering=0) as staged:
            disk.copy(staged.fileno(), target, self.file.length)

    def _lead(self) -> bytes:
        """What must stand before the records, in the file as it is."""
        if self._base and self._base == self._end:
            return b""
        beside = DataFile(self.file.path, self.file.name)
        self.append.judge(beside.path, beside.name)
        try:
            return joint(beside) if holds_anything(beside) else self.append.head
        except BadInput as error:
            raise CannotWrite(self.file.name, error.fault) from error

    def _changed(self, how: str) -> CannotWrite:
        name = self.file.name
        message = f"`{name}` {how}, while a stream that goes on adds to it"
        return CannotWrite(name, Fault(OUTPUT_CHANGED, message))


def _torn(found: bytes, expected: bytes) -> bool:
    """Whether nothing but zeros stands in place of what is expected."""
    return all(one in (0, other) for one, other in zip(found, expected[: len(found)], strict=True))
