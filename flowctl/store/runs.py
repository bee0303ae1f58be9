"""The runs of a project: which are unfinished, what each is a run of, and who works on it.

.flowctl/unfinished/RUN      a mark for each run that has not come to its end
.flowctl/runs/RUN/run.json   its identity and its status
.flowctl/runs/RUN/lock       held by the process that works on it
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import field, replace
from pathlib import Path
from typing import Literal, TypeAlias

from flowctl.codec import Malformed, decode, encode
from flowctl.dataclass import dataclass
from flowctl.errors import FlowctlError
from flowctl.plan import canonical
from flowctl.store.disk import REAL, Disk, make_folder, replace_file
from flowctl.syntax.node import Json

End: TypeAlias = Literal["unfinished", "succeeded", "failed", "discarded"]


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes two runs the same one: running it again goes on with it while it is unfinished.

    `document` is the path from the project's folder, `timestamp` the logical time if it was given.
    """

    document: str
    params: dict[str, Json] = field(default_factory=dict)
    profile: str | None = None
    timestamp: str | None = None


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What `run.json` says of a run; `timestamp` is its logical time, `steps` their digests."""

    run: str
    identity: Identity
    timestamp: str
    plan: str
    steps: dict[str, str]
    status: End = "unfinished"


class Busy(FlowctlError):
    """Another process works on the run."""


@dataclass(frozen=True, slots=True)
class Runs:
    """The runs that a state folder (`.flowctl`) holds."""

    state: Path
    disk: Disk = REAL

    def folder(self, run: str) -> Path:
        return self.state / "runs" / run

    def unfinished(self) -> list[RunRecord]:
        """Those that can go on, the oldest first; raises OSError."""
        marks = self.state / "unfinished"
        names = sorted(path.name for path in marks.iterdir()) if marks.is_dir() else []
        found = (self.read(name) for name in names)
        return [record for record in found if record and record.status == "unfinished"]

    def read(self, run: str) -> RunRecord | None:
        """What is known of a run; None where there is none, or nothing that can be read."""
        try:
            text = (self.folder(run) / "run.json").read_text(encoding="utf-8")
            return decode(RunRecord, json.loads(text))
        except (OSError, ValueError, Malformed):
            return None

    def begin(self, record: RunRecord) -> None:
        """Makes a run known; raises OSError."""
        self.write(record)
        marks = self.state / "unfinished"
        make_folder(self.disk, marks)
        replace_file(self.disk, marks / record.run, b"")

    def write(self, record: RunRecord) -> None:
        """Replaces what is known of a run; raises OSError."""
        folder = self.folder(record.run)
        make_folder(self.disk, folder)
        text = canonical(encode(record)) + "\n"
        replace_file(self.disk, folder / "run.json", text.encode())

    def end(self, record: RunRecord, status: End) -> None:
        """The run has come to its end and is never gone on with; raises OSError."""
        self.write(replace(record, status=status))
        self.disk.remove(self.state / "unfinished" / record.run)

    @contextmanager
    def held(self, run: str) -> Iterator[None]:
        """While it lasts, no other process works on the run; raises Busy.

        The system lets go of a lock when its process ends, in whatever way.
        """
        make_folder(self.disk, self.folder(run))
        with _locked(self.folder(run) / "lock", wait=False, what=f"run {run}"):
            yield

    @contextmanager
    def choosing(self) -> Iterator[None]:
        """While it lasts, no other process looks for a run or begins one."""
        make_folder(self.disk, self.state)
        with _locked(self.state / "lock", wait=True, what="the project"):
            yield


@contextmanager
def _locked(path: Path, *, wait: bool, what: str) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            with suppress(OSError):
                holder = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
            by = f"process {holder}" if holder else "another process"
            raise Busy(f"{what} is at work already, in {by}") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
