"""What the world hands to a run; the interpreter looks at nothing else of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from flowctl.dataclass import dataclass
from flowctl.interpreter.cancellation import Cancellation
from flowctl.interpreter.pace import Pace, RealPace
from flowctl.interpreter.pausing import Pause
from flowctl.interpreter.taken import Taken
from flowctl.memory import quarter_of_memory
from flowctl.plan import Step
from flowctl.store.disk import REAL, Disk
from flowctl.store.provenance import Provenance

CACHE_BYTES = 5 * 1024**3
"""What the cache keeps at most where nobody says anything else."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and how a plan is run.

    `base` is the folder at which data paths start, `state` the project's `.flowctl`. `clock` gives
    the time in UTC, `timestamp` is the run's logical time (the time of its start, if it is None).
    Records for `stdout` sinks go to `stdout`. `grace` is how many seconds a process has between
    TERM and KILL. Unless `keep_going`, the first failure keeps what has not begun from beginning.
    `pace` measures and waits, and has the randomness of delays.
    Checkpoints are made every so often; without an interval nothing is kept to go on with. The
    process may take about `memory` bytes. The steps in `again` are done anew, whatever became of
    them in earlier processes, and those in `taken` are not done, but stand as they are. If the run
    is `fresh`, no step is taken from an earlier success; what is kept of these takes at most
    `cache_bytes`.
    """

    base: Path
    state: Path
    run: str
    environment: Mapping[str, str]
    clock: Callable[[], datetime]
    workers: int = 2
    keep_going: bool = False
    grace: float = 5.0
    timestamp: datetime | None = None
    stdout: BinaryIO | None = None
    cancellation: Cancellation = field(default_factory=Cancellation)
    pause: Pause = field(default_factory=Pause)
    provenance: Provenance | None = None
    again: frozenset[str] = frozenset()
    taken: Mapping[str, Taken] = field(default_factory=dict)
    checkpoints: timedelta | None = timedelta(seconds=1)
    split_bytes: int | None = None
    memory: int = field(default_factory=quarter_of_memory)
    fresh: bool = False
    cache_bytes: int = CACHE_BYTES
    disk: Disk = REAL
    pace: Pace = field(default_factory=RealPace)

    def of(self, step: Step) -> Setting:
        """The setting of a step, whose paths start at the folder of its own workflow."""
        if not step.folder:
            return self
        return replace(self, base=Path(os.path.normpath(self.base / step.folder)))

    @property
    def folder(self) -> Path:
        """What is kept of this run."""
        return self.state.joinpath("runs", self.run)

    def log(self, step: str) -> Path:
        """The file that holds what a step's commands printed."""
        return self.folder / "logs" / f"{file_name(step)}.log"

    def outputs(self, step: str) -> Path:
        """The file in which the commands of a step write what they hand on."""
        return self.folder.joinpath("outputs", file_name(step))

    @property
    def at_work(self) -> Path:
        """Where the process groups of the commands at work are on record."""
        return self.folder / "at-work"

    def step_folder(self, step: str) -> Path:
        """Where a stream step keeps its checkpoints."""
        return self.folder / "steps" / file_name(step)

    def records(self, step: str) -> Path:
        """The file in which a step hands its records to others, while the run lasts."""
        return self.folder / "records" / f"{file_name(step)}.parquet"


def file_name(step: str) -> str:
    """A step's id as a file's name: `load[us,2012]` stays, what a path could not hold is escaped.

    >>> file_name("load[a/b]")
    'load[a%2Fb]'
    """
    return quote(step, safe="[], ").lstrip(".")


def run_id(at: datetime, entropy: bytes) -> str:
    """A name for a new run, in UTC; those of later runs come later in the order of text.

    >>> run_id(datetime(2024, 2, 29, 12, 30), b"abc")
    '20240229T123000Z-616263'
    """
    return f"{at:%Y%m%dT%H%M%SZ}-{entropy.hex()}"
