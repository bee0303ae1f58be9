"""Runs a flow until it is killed, then again, and holds the outcome to an uninterrupted run's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from flowctl.syntax.node import Json
from tests.crash.faulty import Fault
from tests.crash.flows import outputs, write_inputs

ROOT = Path(__file__).parents[2]
Told = dict[str, Json]


@dataclass
class Server:
    """Processes that are quick to begin, because all they need is imported already."""

    process: subprocess.Popen[str]

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Server]:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "POLARS_MAX_THREADS": "2"}
        program = [sys.executable, "-W", "ignore", "-m", "tests.crash.driver"]
        with subprocess.Popen(
            program, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            yield cls(process)
            assert process.stdin is not None
            process.stdin.close()

    def run(self, folder: Path, flow: str, at: int = 0, fault: Fault = "none") -> Told | None:
        """What the run came to; None where it was killed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([str(folder), flow, at, fault]) + "\n")
        self.process.stdin.flush()
        return cast("Told | None", json.loads(self.process.stdout.readline()))


@dataclass
class Place:
    """A fresh folder for each attempt at a flow, and what an uninterrupted run makes there."""

    root: Path
    server: Server
    flow: str
    expected: dict[str, bytes] = field(default_factory=dict)
    steps: Json = None
    operations: int = 0

    def uninterrupted(self) -> None:
        folder = self.fresh()
        told = self.server.run(folder, self.flow)
        assert told is not None
        assert told["status"] == "succeeded", told
        assert told["resumed_from"] is None
        self.expected, self.steps = outputs(folder), told["steps"]
        assert self.expected
        assert not left_over(folder)
        self.operations = cast(int, told["operations"])

    def fresh(self) -> Path:
        folder = self.root / "flow"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_inputs_once(self.root, folder)
        return folder

    def again(self, folder: Path) -> None:
        """Goes on until the end, which is that of the uninterrupted run."""
        told = self.server.run(folder, self.flow)
        assert told is not None
        assert told["status"] == "succeeded", told
        assert outputs(folder) == self.expected
        assert told["steps"] == self.steps
        assert not left_over(folder)


def write_inputs_once(root: Path, folder: Path) -> None:
    made = root / "inputs"
    if not made.exists():
        made.mkdir()
        write_inputs(made)
    shutil.copytree(made, folder, dirs_exist_ok=True)


def left_over(folder: Path) -> list[str]:
    """What a finished run should have taken away."""
    kept = folder / ".flowctl" / "runs" / "run"
    found = list(folder.rglob(".*.part"))
    found += [path for name in ("steps", "work", "records") for path in (kept / name).rglob("*")]
    return [path.as_posix() for path in found]
