"""Whole processes and what they cost."""

from __future__ import annotations

import os
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


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str] = ENVIRONMENT) -> Cost:
    """Runs a command to its end; one that fails ends the benchmark with what it said."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[:4]} failed:\n{said.decode()}")
    peak = usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    return Cost(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, peak)
