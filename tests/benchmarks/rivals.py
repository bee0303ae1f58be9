"""Other engines at the steps of `steps`: each is given the same work, if it is installed.

A script is a whole process: its start, the building of its graph and its end count. It gets the
number of steps and of workers, and leaves what is checked in the folder where it runs.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tests.benchmarks.processes import run


@dataclass(frozen=True)
class Rival:
    """An engine, what its steps do, and a script for it; `module` tells whether it is there."""

    name: str
    module: str
    does: Literal["shell", "python"]
    script: str
    command: Sequence[str] = ("script.py", "{steps}", "{workers}")

    @property
    def installed(self) -> bool:
        return importlib.util.find_spec(self.module) is not None

    def seconds(self, folder: Path, steps: int, workers: int) -> float:
        """How long all steps take, whose work is checked."""
        script = self.script.replace("STEPS", str(steps))
        (folder / self.command[0]).write_text(script)
        words = [word.format(steps=steps, workers=workers) for word in self.command]
        if self.module == "doit":
            words = ["-m", "doit", *words[1:]]
        cost = run([sys.executable, *words], folder)
        check(folder, steps)
        return cost.wall


def check(folder: Path, steps: int) -> None:
    """Each step has written its number down, once."""
    done = sorted(map(int, (folder / "done").read_text().split()))
    assert done == list(range(steps)), f"{len(done)} of {steps} steps were done"


def bare(folder: Path, steps: int) -> float:
    """The same commands one after the other, by nothing but `subprocess`; the seconds."""
    began = time.perf_counter()
    for number in range(steps):
        subprocess.run(["bash", "-c", f"echo {number} >> done"], cwd=folder, check=True)
    seconds = time.perf_counter() - began
    check(folder, steps)
    return seconds


_DOIT: Final = """
def task_all():
    for number in range(STEPS):
        command = "echo {} >> done".format(number)
        yield {"name": str(number), "actions": [ACTION]}
"""
_LUIGI: Final = """
import subprocess, sys
import luigi

class Echo(luigi.Task):
    number = luigi.IntParameter()
    finished = False
    def run(self):
        subprocess.run(["bash", "-c", f"echo {self.number} >> done"], check=True)
        self.finished = True
    def complete(self):
        return self.finished

steps, workers = map(int, sys.argv[1:])
tasks = [Echo(number=number) for number in range(steps)]
if not luigi.build(tasks, local_scheduler=True, workers=1, log_level="ERROR"):
    sys.exit("Luigi has failed")
"""
_DASK: Final = """
import sys
import dask

steps, workers = map(int, sys.argv[1:])
done = dask.compute(
    *[dask.delayed(int, pure=False)(number) for number in range(steps)],
    scheduler="threads", num_workers=workers,
)
with open("done", "w") as file:
    file.write(" ".join(map(str, done)))
"""
_PREFECT: Final = """
import sys
from prefect import flow, task
from prefect.task_runners import ThreadPoolTaskRunner

steps, workers = map(int, sys.argv[1:])

@task
def nothing(number):
    return number

@flow(task_runner=ThreadPoolTaskRunner(max_workers=workers), log_prints=False)
def everything():
    return [future.result() for future in nothing.map(range(steps))]

with open("done", "w") as file:
    file.write(" ".join(map(str, everything())))
"""


def _doit(name: str, action: str) -> Rival:
    command = ("dodo.py", "-n", "{workers}", "-P", "thread", "-v", "0")
    return Rival(name, "doit", "shell", _DOIT.replace("ACTION", action), command)


RIVALS: Final = (
    _doit("doit, threads", "command"),
    _doit("doit, threads, bash", '["bash", "-eo", "pipefail", "-c", command]'),
    Rival("Luigi, one worker", "luigi", "shell", _LUIGI),
    Rival("Dask, threads", "dask", "python", _DASK),
    Rival("Prefect, threads", "prefect", "python", _PREFECT),
)
