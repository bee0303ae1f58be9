"""Whole processes and what they cost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Compiled modules are kept, as they are for whoever has installed flowctl.
ENVIRONMENT: Mapping[str, str] = {
    name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took: seconds, and megabytes at its peak."""

    wall: float
    cpu: float
    peak: float


def run(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str] = ENVIRONMENT,
    *,
    killed_after: float | None = None,
) -> Cost:
    """Runs a command to its end; one that fails ends the benchmark with what it said.

    Or it is killed after so many seconds, and must not have come to its end before.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    if killed_after is not None:
        time.sleep(killed_after)
        process.kill()
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != (0 if killed_after is None else -signal.SIGKILL):
        raise SystemExit(f"{command[:4]} failed:\n{said.decode()}")
    peak = usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    return Cost(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, peak)
