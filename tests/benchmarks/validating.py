"""Compares `flowctl validate` on many steps with what importing four libraries costs.

Whole processes run by turns, with compiled modules kept as in an installed package. Prints medians
of CPU and wall seconds, and the medians of their ratios; fails where a planted fault is not the one
error that is told, at its very place, or where validating costs more than `--most` times as much.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.benchmarks.documents import FLAVOURS, Flavour
from tests.benchmarks.processes import ENVIRONMENT, Cost, run

IMPORTS = [sys.executable, "-c", "import click, jinja2, jsonschema, ruamel.yaml"]
VALIDATE = [sys.executable, "-m", "flowctl", "validate"]


def main(arguments: Sequence[str]) -> int:
    """The command; 0 where all answers are right and come fast enough."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.validating")
    parser.add_argument("--steps", type=int, default=2000, help="of each workflow (2000)")
    parser.add_argument("--runs", type=int, default=7, help="pairs of runs (7)")
    parser.add_argument("--most", type=float, default=12, help="times the imports' CPU (12)")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kept = {**ENVIRONMENT, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
        print(f"{'':18}{'CPU s':>8}{'wall s':>8}{'CPU ×':>8}{'wall ×':>8}   imports: CPU s, wall s")
        ratios = [_measured(flavour, given.steps, given.runs, folder, kept) for flavour in FLAVOURS]
    return 0 if max(ratios) <= given.most else 1


def _measured(
    flavour: Flavour, steps: int, runs: int, folder: Path, environment: Mapping[str, str]
) -> float:
    """Measures one workflow and prints its line; the median of the CPU ratios."""
    file = folder / "many.yaml"
    _find_the_fault(flavour, steps, file, environment)
    file.write_text(flavour.document(steps), encoding="utf-8")
    commands = IMPORTS, [*VALIDATE, file.name]
    for command in commands:  # the first run compiles the modules, and is not counted
        run(command, folder, environment)
    pairs = [tuple(run(command, folder, environment) for command in commands) for _ in range(runs)]
    imports, ours = zip(*pairs, strict=True)
    cpu = statistics.median(own.cpu / bare.cpu for bare, own in pairs)
    wall = statistics.median(own.wall / bare.wall for bare, own in pairs)
    print(
        f"{flavour.name:18}{_cpu(ours):8.2f}{_wall(ours):8.2f}{cpu:8.1f}{wall:8.1f}"
        f"   {_cpu(imports):.3f} {_wall(imports):.3f}",
        flush=True,
    )
    return cpu


def _find_the_fault(
    flavour: Flavour, steps: int, file: Path, environment: Mapping[str, str]
) -> None:
    """Ends the benchmark unless exactly the planted fault is told as an error."""
    text, line, column = flavour.with_a_fault(steps)
    file.write_text(text, encoding="utf-8")
    told = subprocess.run(
        [*VALIDATE, "--format", "json", file.name],
        cwd=file.parent,
        env=environment,
        stdout=subprocess.PIPE,
    )
    errors = [found for found in json.loads(told.stdout) if found["severity"] == "error"]
    places = [(error["code"], error["line"], error["column"]) for error in errors]
    if told.returncode != 3 or places != [(flavour.code, line, column)]:
        raise SystemExit(f"{flavour.name}: {places[:5]} told, {(flavour.code, line, column)} meant")


def _cpu(costs: Sequence[Cost]) -> float:
    return statistics.median(cost.cpu for cost in costs)


def _wall(costs: Sequence[Cost]) -> float:
    return statistics.median(cost.wall for cost in costs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
