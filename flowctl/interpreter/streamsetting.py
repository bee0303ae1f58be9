"""What a stream step is given by its run, and how its memory is shared out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import BinaryIO

from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.interpreter.calling import Callers, Heard
from flowctl.interpreter.drive import AHEAD, Progress
from flowctl.interpreter.incremental import Incremental
from flowctl.interpreter.keeper import Keeping
from flowctl.memory import quarter_of_memory
from flowctl.workers.calls import Stop

PROGRAM_BYTES = 100 * 1024 * 1024
"""What Python and the libraries take before any record is read."""
SPLIT_BYTES = 16 * 1024 * 1024
"""Measured best: smaller splits cost more queries, larger ones leave the processor's caches."""

REST = 0.1
"""Seconds between two looks at a file that is followed."""


@dataclass(frozen=True, slots=True)
class StreamSetting:
    """What a stream step needs to know of its run.

    `scope` has the constants and the run's time; `token` marks the files that are being written;
    records for `stdout` sinks go to `stdout` as they come. `memory` is what the process may take,
    in bytes; what blocking transforms cannot hold goes to files in the folder `work`. There are no
    checkpoints without `keeping`. Functions of the project see the variables in `environment`, and
    what they print is told to `heard`. With `once` only files are read that no other run has read.
    A call that is at work is ended where `stop` asks for it. `carried` is NDJSON of earlier rejects
    that stay rejects. What happens to a source that is followed is told to `on_notice`; it is
    `paused` before it stands still, and has a `rest` between two looks at it.
    """

    base: Path
    scope: Scope
    token: str
    workers: int = 2
    stdout: BinaryIO | None = None
    cancelled: Callable[[], bool] = lambda: False
    stop: Stop | None = None
    on_progress: Callable[[Progress], None] = lambda progress: None
    split_bytes: int = SPLIT_BYTES
    memory: int = field(default_factory=quarter_of_memory)
    work: Path | None = None
    keeping: Keeping | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    once: Incremental | None = None
    heard: Heard = lambda stream, piece: None
    carried: Path | None = None
    on_notice: Callable[[Fault], None] = lambda fault: None
    paused: Callable[[], bool] = lambda: False
    rest: Callable[[], None] = lambda: time.sleep(REST)

    @property
    def callers(self) -> Callers:
        return Callers(self.base, self.environment, self.heard, self.stop, self.cancelled)


def memory_to_gather(setting: StreamSetting) -> int:
    """What is left of the memory for a blocking transform, beside the splits that are under way.

    A split takes about six times its size on its way from bytes to what is condensed.
    """
    under_way = PROGRAM_BYTES + 6 * (setting.workers + AHEAD) * setting.split_bytes
    return max(setting.memory // 8, setting.memory - under_way)
