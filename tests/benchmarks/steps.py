"""What a step costs that does nothing: shell steps beside doit's threads, and calls of Python.

Whole runs with the journal on, in one process each; their work is checked. Fails where a shell step
costs more than doit's (if doit is installed), or a call more than `--most` milliseconds.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from flowctl.interpreter import Setting, run
from flowctl.kinds.steps.python import COMPONENT as PYTHON
from flowctl.kinds.steps.run import COMPONENT as RUN
from flowctl.plan import Operation, Plan, Step
from flowctl.registry import Registry

MODULE = "def nothing(number):\n    return {'number': number}\n"
DODO = """
def task_all():
    for number in range({steps}):
        yield {{"name": str(number), "actions": ["echo {{}} >> done".format(number)]}}
"""


def main(arguments: Sequence[str]) -> int:
    """The command; 0 where all work was done, and fast enough."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.steps")
    parser.add_argument("--shell", type=int, default=500, help="shell steps (500)")
    parser.add_argument("--calls", type=int, default=5000, help="calls of Python (5000)")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3, help="of each, by turns (3)")
    parser.add_argument("--most", type=float, default=0.3, help="ms for a call (0.3)")
    given = parser.parse_args(arguments)
    shell, calls, workers = given.shell, given.calls, given.workers
    contenders: dict[str, Callable[[Path], float]] = {
        "flowctl, shell": lambda folder: _shell(folder, shell, workers) / shell,
        "bare subprocess": lambda folder: _bare(folder, shell) / shell,
        "flowctl, python": lambda folder: _calls(folder, calls, workers) / calls,
    }
    if importlib.util.find_spec("doit") is not None:
        contenders["doit, shell"] = lambda folder: _doit(folder, shell, workers) / shell
    costs: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(given.runs):
        for name, measure in contenders.items():
            with tempfile.TemporaryDirectory() as folder:
                costs[name].append(1000 * measure(Path(folder)))
    medians = {name: statistics.median(found) for name, found in costs.items()}
    for name, median in medians.items():
        print(f"{name:18}{median:8.3f} ms a step")
    beaten = medians["flowctl, shell"] <= medians.get("doit, shell", float("inf"))
    return 0 if beaten and medians["flowctl, python"] <= given.most else 1


def _shell(folder: Path, steps: int, workers: int) -> float:
    body = [Operation("run", {"run": f"echo {number} >> done"}) for number in range(steps)]
    seconds = _run(folder, body, workers)
    _check(folder, steps)
    return seconds


def _calls(folder: Path, steps: int, workers: int) -> float:
    (folder / "idle.py").write_text(MODULE)
    place = {"python": "idle:nothing", "root": ".", "file": "idle.py"}
    body = [Operation("python", {**place, "with": {"number": n}}) for n in range(steps)]
    return _run(folder, body, workers)


def _run(folder: Path, body: list[Operation], workers: int) -> float:
    """Runs steps; the seconds that it took. Each call must have returned its own number."""
    plan = Plan("bench", tuple(Step(f"s{n}", one) for n, one in enumerate(body)))
    setting = Setting(
        base=folder,
        state=folder / ".flowctl",
        run="bench",
        environment=dict(os.environ),
        clock=lambda: datetime.now(UTC),
        workers=workers,
    )
    began = time.perf_counter()
    result = run(plan, setting, lambda _: None, Registry.of([RUN, PYTHON]))
    seconds = time.perf_counter() - began
    assert result.status == "succeeded"
    for number, step in enumerate(result.steps.values()):
        assert body[number].kind == "run" or step.outputs == {"number": number}
    return seconds


def _bare(folder: Path, steps: int) -> float:
    began = time.perf_counter()
    for number in range(steps):
        subprocess.run(["bash", "-c", f"echo {number} >> done"], cwd=folder, check=True)
    seconds = time.perf_counter() - began
    _check(folder, steps)
    return seconds


def _doit(folder: Path, steps: int, workers: int) -> float:
    (folder / "dodo.py").write_text(DODO.format(steps=steps))
    command = [sys.executable, "-m", "doit", "-n", str(workers), "-P", "thread", "-v", "0"]
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - began
    _check(folder, steps)
    return seconds


def _check(folder: Path, steps: int) -> None:
    done = sorted(map(int, (folder / "done").read_text().split()))
    assert done == list(range(steps))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
