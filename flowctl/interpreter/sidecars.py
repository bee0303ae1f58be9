"""What does not fit into a record of the journal: files beside it, with a checksum."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import field
from pathlib import Path
from typing import Final

import polars as pl

from flowctl.dataclass import dataclass
from flowctl.files.fingerprints import digest_of
from flowctl.interpreter.checkpoint import OutputState, Pending
from flowctl.interpreter.outputs import Durable, Mark
from flowctl.store.disk import REAL, Disk, make_folder
from flowctl.store.journal import Journal, read_records
from flowctl.syntax.node import Json

REMEMBERED: Final = 16
"""Checkpoints to which an output with records pending can be taken back."""


class DamagedSidecar(OSError):
    """A file does not hold what its checkpoint says."""


def damage(folder: Path, output: int, state: OutputState) -> str | None:
    """What keeps the files of an output from being gone on with."""
    sidecars = Sidecars(folder, output, REAL)
    try:
        sidecars.pending(state)
        sidecars.read_footers(state)
    except (OSError, pl.exceptions.PolarsError) as error:
        return str(error)
    return None


@dataclass(slots=True)
class Sidecars:
    """The files of one output in the folder of its step; `output` is its number."""

    folder: Path
    output: int
    disk: Disk
    _footers: Journal | None = field(default=None, repr=False)
    _kept: int = 0
    _old: list[Path] = field(default_factory=list, repr=False)

    def keep(self, checkpoint: int, output: Durable, mark: Mark) -> OutputState:
        """Makes durable what an output was at its mark; raises CannotWrite and OSError."""
        output.target.settle()
        footers = self._keep_footers(output.entries(self._kept, mark.footers))
        self._kept = mark.footers
        pending = self._keep_pending(checkpoint, mark.gathered)
        return OutputState(
            begun=mark.begun,
            length=mark.length,
            records=mark.records,
            footers=footers,
            pending=pending,
            part=mark.part,
            folder=mark.folder,
            columns=mark.columns,
            batch=mark.batch,
        )

    def _keep_pending(self, checkpoint: int, frames: Sequence[pl.DataFrame]) -> Pending | None:
        """Writes records that wait to be encoded."""
        while len(self._old) >= REMEMBERED:
            self.disk.remove(self._old.pop(0))
        if not frames:
            return None
        frame = pl.concat(frames)
        buffer = io.BytesIO()
        frame.write_ipc(buffer)
        data = buffer.getvalue()
        path = self.folder / f"pending-{self.output}-{checkpoint}"
        make_folder(self.disk, self.folder)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        try:
            self.disk.write(descriptor, data)
            self.disk.fsync(descriptor)
        finally:
            os.close(descriptor)
        self.disk.fsync_folder(self.folder)
        self._old.append(path)
        return Pending(path.name, frame.height, digest_of(data))

    def pending(self, state: OutputState) -> list[pl.DataFrame]:
        """The records again; raises OSError."""
        if state.pending is None:
            return []
        path = self.folder / state.pending.file
        data = path.read_bytes()
        if digest_of(data) != state.pending.digest:
            raise DamagedSidecar(0, "it is not what the checkpoint says", str(path))
        return [pl.read_ipc(io.BytesIO(data))]

    def _keep_footers(self, entries: Sequence[Json]) -> int:
        """Adds what has come, and says how long the journal of footers is."""
        if self._footers is None:
            if not entries:
                return 0
            self._footers = self._opened(0)
        if entries:
            self._footers.append(*entries)
        return self._footers.length

    def footers(self, state: OutputState) -> Sequence[Json]:
        """The footers up to a checkpoint, behind which further ones are added; raises OSError."""
        found = self.read_footers(state)
        if state.footers:
            self._footers = self._opened(state.footers)
        self._kept = len(found)
        return found

    def read_footers(self, state: OutputState) -> Sequence[Json]:
        """The footers up to a checkpoint; raises OSError."""
        if not state.footers:
            return []
        records = read_records(self.folder / self._name)
        if state.footers not in records.ends:
            raise DamagedSidecar(
                0, "it is not what the checkpoint says", str(self.folder / self._name)
            )
        count = records.ends.index(state.footers) + 1
        return records.values[:count]

    def close(self) -> None:
        if self._footers is not None:
            self._footers.close()

    @property
    def _name(self) -> str:
        return f"footers-{self.output}"

    def _opened(self, length: int) -> Journal:
        journal = Journal(self.folder / self._name, self.disk)
        journal.open(length)
        return journal
