"""Measures jobs in a folder that holds their inputs, and prints what comes of it."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.jobs import Job
from tests.benchmarks.processes import Cost, run

CONTENDERS = ("flowctl", "polars", "duckdb")
FLOWCTL = (sys.executable, "-m", "flowctl", "run", "bench.yaml")


@dataclass(frozen=True, slots=True)
class Speed:
    """Medians of a job for each contender."""

    job: str
    costs: dict[str, Cost]

    @property
    def ratio(self) -> float:
        """The speed of flowctl as a part of the faster peer's."""
        return min(self.costs[name].wall for name in CONTENDERS[1:]) / self.costs["flowctl"].wall


@dataclass(frozen=True, slots=True)
class Resumed:
    """CPU seconds of a run that was killed at half, and of going on, over those of a whole one."""

    job: str
    ratio: float


@dataclass(frozen=True, slots=True)
class Held:
    """The peak of memory where so many megabytes were allowed."""

    job: str
    limit: int
    peak: float


@dataclass(frozen=True, slots=True)
class Bench:
    """A folder with the inputs for so many megabytes of CSV, and how often each job is run."""

    folder: Path
    megabytes: int
    runs: int

    def prepare(self) -> None:
        """Makes the inputs that are not there."""
        _helper("tests.benchmarks.data", str(self.folder), str(self.megabytes))

    def speed(self, job: Job) -> Speed:
        """Runs a job by turns, and sees that all have written the same."""
        commands = self._commands(job)
        for name in CONTENDERS:  # the first run warms the page cache, and is not counted
            self._run(commands[name])
        names = (",".join(job.by), *CONTENDERS)
        _helper("tests.benchmarks.compare", str(self.folder), job.form, job.output, *names)
        costs: dict[str, list[Cost]] = {name: [] for name in CONTENDERS}
        for _ in range(self.runs):
            for name in CONTENDERS:
                # Who writes beside what is there, to replace it in the end, needs other pages of
                # memory than who writes over it: each begins with nothing there.
                (self.folder / f"{name}.{job.output}").unlink()
                costs[name].append(self._run(commands[name]))
        found = Speed(job.name, {name: _median(costs[name]) for name in CONTENDERS})
        rows = [f"\n{job.name}, medians of {self.runs}"]
        rows.append(f"{'':10}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}{'speed':>9}")
        best = min(found.costs[name].wall for name in CONTENDERS[1:])
        for name, cost in found.costs.items():
            speed = best / cost.wall
            rows.append(f"{name:10}{cost.wall:9.2f}{cost.cpu:9.2f}{cost.peak:9.0f}{speed:9.2f}")
        _say(*rows)
        return found

    def resumed(self, job: Job) -> Resumed:
        """Kills flowctl at half, and lets it go on; its output must be that of a whole run."""
        self._commands(job)
        ratios = []
        for _ in range(self.runs):
            whole = self._run(FLOWCTL)
            output = self.folder / f"flowctl.{job.output}"
            expected = output.read_bytes()
            output.unlink()
            self._forget()
            killed = run(FLOWCTL, self.folder, killed_after=whole.wall / 2)
            rest = run(FLOWCTL, self.folder)
            if output.read_bytes() != expected:
                raise SystemExit(f"{job.name}: a run that was killed has written something else")
            ratios.append((killed.cpu + rest.cpu) / whole.cpu)
        found = Resumed(job.name, statistics.median(ratios))
        _say(f"\n{job.name}: killed at half, it takes {found.ratio:.2f} times the CPU in all")
        return found

    def held(self, job: Job, limit: int) -> Held:
        """Tells flowctl how much memory it may take; the output must be the same."""
        self._commands(job)
        self._run(FLOWCTL)
        output = self.folder / f"flowctl.{job.output}"
        expected = output.read_bytes()
        cost = self._run((*FLOWCTL, "--max-memory", f"{limit}MB"))
        if output.read_bytes() != expected:
            raise SystemExit(f"{job.name}: with less memory it has written something else")
        _say(f"\n{job.name}: at most {cost.peak:.0f} MB with `--max-memory {limit}MB`")
        return Held(job.name, limit, cost.peak * 1024**2 / 1e6)

    def _commands(self, job: Job) -> dict[str, Sequence[str]]:
        (self.folder / "bench.yaml").write_text(job.workflow, encoding="utf-8")
        return {
            "flowctl": FLOWCTL,
            "polars": (sys.executable, "-c", job.polars),
            "duckdb": (sys.executable, "-c", job.duckdb),
        }

    def _run(self, command: Sequence[str]) -> Cost:
        self._forget()
        return run(command, self.folder)

    def _forget(self) -> None:
        shutil.rmtree(self.folder / ".flowctl", ignore_errors=True)


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        statistics.median(cost.peak for cost in costs),
    )


def _helper(module: str, *arguments: str) -> None:
    """Runs a module by itself: a process starts with its parent's peak of memory as its own."""
    subprocess.run([sys.executable, "-m", module, *arguments], check=True)


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
