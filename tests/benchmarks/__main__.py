"""Runs each job with flowctl, bare Polars and DuckDB by turns, as whole processes.

Prints medians of wall and CPU seconds and of peak memory, and how many times flowctl's speed the
peers have. Fails where the outputs differ, or where flowctl is slower than `--least` of Polars.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.jobs import JOBS, Job
from tests.benchmarks.processes import Cost, run

CONTENDERS = ("flowctl", "polars", "duckdb")


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
        run(command, folder)
    _helper("tests.benchmarks.compare", str(folder), job.sink, job.output, *CONTENDERS)
    costs: dict[str, list[Cost]] = {name: [] for name in CONTENDERS}
    for _ in range(runs):
        for name in CONTENDERS:
            costs[name].append(run(commands[name], folder))
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
