"""Runs each job with flowctl, bare Polars and DuckDB by turns, as whole processes.

Prints medians of wall and CPU seconds and of peak memory, and how fast flowctl is beside the faster
of the two. Then what it costs to be killed at half and to go on, and how much memory blocking
transforms take where they are told how much they may. Fails where the outputs differ, or where
flowctl is slower than `--least`. `--write-readme` writes the figures into the README.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.gathering import GATHERING
from tests.benchmarks.jobs import STREAMING
from tests.benchmarks.measuring import Bench
from tests.benchmarks.readme import write

JOBS = (*STREAMING, *GATHERING)
RESUMED = ("csv → parquet", "group-by, 2M groups", "sort")
HELD = tuple(job.name for job in GATHERING if not job.name.startswith("join"))


def main(arguments: Sequence[str]) -> int:
    """The command; 0 where all jobs are right and fast enough."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=500, help="size of the CSV (500)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each contender (5)")
    parser.add_argument("--jobs", default="csv → parquet", help="names, `;` between, or `all`")
    parser.add_argument("--least", type=float, default=0.8, help="of the faster's speed (0.8)")
    parser.add_argument("--max-memory", type=int, default=512, help="megabytes to keep to (512)")
    parser.add_argument("--data-dir", type=Path, help="keeps the inputs between calls")
    parser.add_argument("--write-readme", action="store_true", help="needs `--jobs all`")
    given = parser.parse_args(arguments)
    names = [job.name for job in JOBS] if given.jobs == "all" else given.jobs.split(";")
    if unknown := set(names) - {job.name for job in JOBS}:
        parser.error(f"no job {unknown}; there are: {', '.join(job.name for job in JOBS)}")
    base = given.data_dir or Path(tempfile.gettempdir()) / "flowctl-benchmarks"
    bench = Bench(base / f"{given.megabytes}MB", given.megabytes, given.runs)
    bench.prepare()
    wanted = [job for job in JOBS if job.name in names]
    speeds = [bench.speed(job) for job in wanted]
    resumed = [bench.resumed(job) for job in wanted if job.name in RESUMED]
    held = [bench.held(job, given.max_memory) for job in wanted if job.name in HELD]
    if given.write_readme and given.jobs == "all":
        write(given.megabytes, given.runs, speeds, resumed, held)
    return 0 if all(one.ratio >= given.least for one in speeds) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
