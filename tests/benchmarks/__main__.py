"""Runs each job with flowctl, bare Polars and DuckDB by turns, as whole processes.

Prints medians of wall and CPU seconds and of peak memory, and how many times flowctl's speed the
peers have. Fails where the outputs differ, or where flowctl is slower than `--least` of Polars.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.jobs import JOBS, Job

CONTENDERS = ("flowctl", "polars", "duckdb")
# Compiled modules are kept, as they are for whoever has installed flowctl.
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took: seconds, and megabytes at its peak."""

    wall: float
    cpu: float
    peak: float


def main(arguments: Sequence[str]) -> int:
    """The command; 0 where all jobs are right and fast enough."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=500, help="size of the CSV (500)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each contender (5)")
    parser.add_argument("--jobs", default="csv → parquet", help="names, comma-separated, or `all`")
    parser.add_argument("--least", type=float, default=0.9, help="of Polars' speed (0.9)")
    parser.add_argument("--data-dir", type=Path, help="keeps the inputs between calls")
    given = parser.parse_args(arguments)
    names = given.jobs.split(",")
    jobs = [job for job in JOBS if given.jobs == "all" or job.name in names]
    base = given.data_dir or Path(tempfile.gettempdir()) / "flowctl-benchmarks"
    folder = base / f"{given.megabytes}MB"
    _helper("tests.benchmarks.data", str(folder), str(given.megabytes))
    fast_enough = [_measured(job, folder, given.runs) >= given.least for job in jobs]
    return 0 if all(fast_enough) else 1


def _measured(job: Job, folder: Path, runs: int) -> float:
    """Measures a job and prints its table; the speed of flowctl as a part of bare Polars'."""
    shutil.rmtree(folder / ".flowctl", ignore_errors=True)
    (folder / "bench.yaml").write_text(job.workflow(), encoding="utf-8")
    commands = {
        "flowctl": [sys.executable, "-m", "flowctl", "run", "bench.yaml"],
        "polars": [sys.executable, "-c", job.polars()],
        "duckdb": [sys.executable, "-c", job.duckdb()],
    }
    for command in commands.values():  # the first run warms the page cache, and is not counted
        _run(command, folder)
    _helper("tests.benchmarks.compare", str(folder), job.sink, job.output, *CONTENDERS)
    costs: dict[str, list[Cost]] = {name: [] for name in CONTENDERS}
    for _ in range(runs):
        for name in CONTENDERS:
            costs[name].append(_run(commands[name], folder))
    rows = [f"\n{job.name}, medians of {runs}"]
    rows.append(f"{'':10}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'speed':>9}")
    walls = {name: statistics.median(cost.wall for cost in costs[name]) for name in CONTENDERS}
    for name in CONTENDERS:
        cpu = statistics.median(cost.cpu for cost in costs[name])
        peak = statistics.median(cost.peak for cost in costs[name])
        speed = walls["polars"] / walls[name]
        rows.append(f"{name:10}{walls[name]:9.2f}{cpu:9.2f}{peak:9.0f}{speed:9.2f}")
    sys.stdout.write("\n".join(rows) + "\n")
    sys.stdout.flush()
    return walls["polars"] / walls["flowctl"]


def _helper(module: str, *arguments: str) -> None:
    """Runs a module by itself: a process starts with its parent's peak of memory as its own."""
    subprocess.run([sys.executable, "-m", module, *arguments], check=True)


def _run(command: list[str], folder: Path) -> Cost:
    began = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command[:4]} failed:\n{said.decode()}")
    peak = usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    return Cost(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, peak)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
