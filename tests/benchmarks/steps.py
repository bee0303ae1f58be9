"""What a step costs that does nothing: shell steps and calls of Python, beside other engines.

Runs with the journal on, within this process and as the command; their work is checked. Fails
where a shell step costs more than doit's, if doit is installed (of the command, more than doit's
with the same shell), a call more than `--most` milliseconds, or a plan of `--plan` steps more than
`--seconds` or `--megabytes` to compile.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from flowctl.interpreter import Setting, run
from flowctl.kinds.steps.python import COMPONENT as PYTHON
from flowctl.kinds.steps.run import COMPONENT as RUN
from flowctl.plan import Operation, Plan, Step
from flowctl.plan_file import sealed
from flowctl.registry import Registry
from tests.benchmarks import processes
from tests.benchmarks.rivals import RIVALS, bare, check

MODULE = "def nothing(number):\n    return {'number': number}\n"
FLOWCTL = (sys.executable, "-m", "flowctl")


def main(arguments: Sequence[str]) -> int:
    """The command; 0 where all work was done, and fast enough."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.steps")
    parser.add_argument("--shell", type=int, default=500, help="shell steps (500)")
    parser.add_argument("--calls", type=int, default=5000, help="calls of Python (5000)")
    parser.add_argument("--plan", type=int, default=20_000, help="steps to compile (20000)")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3, help="of each, by turns (3)")
    parser.add_argument("--most", type=float, default=0.3, help="ms for a call (0.3)")
    parser.add_argument("--seconds", type=float, default=20, help="for the plan (20)")
    parser.add_argument("--megabytes", type=float, default=400, help="for the plan (400)")
    given = parser.parse_args(arguments)
    gc.freeze()  # as the command does, before it runs a plan
    contenders = dict(_contenders(given.shell, given.calls, given.workers))
    costs: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(given.runs):
        for name, (steps, measure) in contenders.items():
            with tempfile.TemporaryDirectory() as folder:
                costs[name].append(1000 * measure(Path(folder)) / steps)
    medians = {name: statistics.median(found) for name, found in costs.items()}
    for name, median in medians.items():
        print(f"{name:26}{median:8.3f} ms a step")
    beaten = all(
        medians[own] <= medians.get(rival, float("inf"))
        for own, rival in (
            ("shell: flowctl", "shell: doit, threads"),
            ("shell: flowctl, command", "shell: doit, threads, bash"),
        )
    )
    quick = medians["python: flowctl"] <= given.most
    small = _compiles(given.plan, given.seconds, given.megabytes)
    return 0 if beaten and quick and small else 1


def _contenders(
    shell: int, calls: int, workers: int
) -> Iterator[tuple[str, tuple[int, Callable[[Path], float]]]]:
    """Each with its steps and its measure, in seconds."""
    yield "shell: flowctl", (shell, lambda folder: _shell(folder, shell, workers))
    yield "shell: flowctl, command", (shell, lambda folder: _command(folder, shell, workers))
    yield "shell: bare subprocess", (shell, lambda folder: bare(folder, shell))
    yield "python: flowctl", (calls, lambda folder: _calls(folder, calls, workers))
    for rival in RIVALS:
        if rival.installed:
            steps = shell if rival.does == "shell" else calls
            measure = partial(rival.seconds, steps=steps, workers=workers)
            yield f"{rival.does}: {rival.name}", (steps, measure)


def _shell(folder: Path, steps: int, workers: int) -> float:
    body = [Operation("run", {"run": f"echo {number} >> done"}) for number in range(steps)]
    seconds = _run(folder, body, workers)
    check(folder, steps)
    return seconds


def _calls(folder: Path, steps: int, workers: int) -> float:
    (folder / "idle.py").write_text(MODULE)
    place = {"python": "idle:nothing", "root": ".", "file": "idle.py"}
    body = [Operation("python", {**place, "with": {"number": n}}) for n in range(steps)]
    return _run(folder, body, workers)


def _run(folder: Path, body: list[Operation], workers: int) -> float:
    """Runs steps; the seconds that it took. Each call must have returned its own number."""
    plan = sealed(Plan("bench", tuple(Step(f"s{n}", one) for n, one in enumerate(body))))
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


def _command(folder: Path, steps: int, workers: int) -> float:
    """The whole command: it starts, compiles, runs and tells of each step."""
    file = _written(folder, steps, "run: echo {number} >> done")
    cost = processes.run([*FLOWCTL, "run", str(file), "--workers", str(workers)], folder)
    check(folder, steps)
    return cost.wall


def _compiles(steps: int, seconds: float, megabytes: float) -> bool:
    """Whether a plan of many commands, and one of many calls, is made in time and memory."""
    good = True
    for what in (
        "run: echo {number} >> done",
        "python: idle:nothing\n    with: {{number: {number}}}",
    ):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "idle.py").write_text(MODULE)
            file = _written(folder, steps, what)
            cost = processes.run([*FLOWCTL, "plan", str(file), "-o", "plan.json"], folder)
            assert len(json.loads((folder / "plan.json").read_text())["steps"]) == steps
        kind = what.partition(":")[0]
        print(f"{f'plan: {steps:,} {kind}':26}{cost.wall:8.1f} s, {cost.peak:.0f} MB")
        good = good and cost.wall <= seconds and cost.peak <= megabytes
    return good


def _written(folder: Path, steps: int, what: str) -> Path:
    """A workflow of so many steps, each with its number."""
    lines = [f"  s{number}:\n    {what.format(number=number)}\n" for number in range(steps)]
    file = folder / "many.yaml"
    file.write_text("flowctl: 1\nname: many\nsteps:\n" + "".join(lines))
    return file


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
