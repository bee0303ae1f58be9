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

from flowctl.plan import Stream, sinks_of
from flowctl.syntax.node import Json
from tests.crash.faulty import Fault
from tests.crash.flows import FLOWS, Change, ours, outputs, write_inputs

ROOT = Path(__file__).parents[2]
Told = dict[str, Json]


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


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
        return self._ask({"folder": str(folder), "flow": flow, "at": at, "fault": fault})

    def changing(self, folder: Path, flow: str, at: int, change: Change) -> Told:
        """What the run came to, when its input changes at an operation."""
        told = self._ask({"folder": str(folder), "flow": flow, "at": at, "change": change})
        assert told is not None
        return told

    def record(self, folder: Path, flow: str, into: Path, few: int | None) -> Told:
        """Runs to the end; what deaths on the way leave, all or a `few`, are folders in `into`."""
        told = self._ask({"folder": str(folder), "flow": flow, "into": str(into), "few": few})
        assert told is not None
        return told

    def command(self, folder: Path, *arguments: str) -> Finished:
        """Runs `flowctl` in a folder."""
        asked: list[Json] = [*arguments]
        told = self._ask({"folder": str(folder), "command": asked})
        match told:
            case {"code": int(code), "out": str(out), "err": str(err)}:
                return Finished(code, out, err)
        raise AssertionError(told)

    def _ask(self, question: Told) -> Told | None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question) + "\n")
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

    @property
    def replaces(self) -> bool:
        """Whether the flow takes away whatever stands where it writes."""
        modes = (
            sink.arguments.get("mode", "replace")
            for stream in self._streams
            for sink, _ in sinks_of(stream)
        )
        return all(mode == "replace" for mode in modes)

    @property
    def publishes_at_once(self) -> bool:
        """Whether nothing is published before all is."""
        return not any(stream.source.arguments.get("follow") for stream in self._streams)

    @property
    def most_sinks(self) -> int:
        """How many sinks the stream has that has most."""
        return max(len([*sinks_of(stream)]) for stream in self._streams)

    @property
    def _streams(self) -> list[Stream]:
        bodies = (step.body for step in FLOWS[self.flow].steps)
        return [body for body in bodies if isinstance(body, Stream)]

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

    def fresh(self, name: str = "flow") -> Path:
        folder = self.root / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_inputs_once(self.root, folder)
        return folder

    def deaths(self, few: int | None = None) -> Iterator[tuple[str, Path]]:
        """For each moment at which a run could die, the folder as it would be found.

        Or for about so `few` of them, spread over the run, and for the last ones, of publishing.
        """
        folder, into = self.fresh(), self.root / "deaths"
        shutil.rmtree(into, ignore_errors=True)
        into.mkdir()
        told = self.server.record(folder, self.flow, into, few)
        assert told["status"] == "succeeded", told
        for state in sorted(into.iterdir()):
            shutil.rmtree(folder)
            state.rename(folder)
            yield state.name, folder

    def again(self, folder: Path, death: str) -> None:
        """Goes on until the end, which is that of the uninterrupted run."""
        told = self.server.run(folder, self.flow)
        assert told is not None
        assert told["status"] == "succeeded", (death, told)
        found, expected = outputs(folder), self.expected
        if "power" in death:
            found, expected = ours(found), ours(expected)
        assert found == expected, death
        assert told["steps"] == self.steps, death
        assert not left_over(folder), death

    def filled(self, at: int) -> None:
        """Runs on a disk that is full from an operation on, then again with space."""
        folder = self.fresh()
        before = outputs(folder)
        for name in self.expected.keys() - before.keys() if self.replaces else ():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(b"as it was")
            before[name] = b"as it was"
        told = self.server.run(folder, self.flow, at, "full")
        assert told is not None
        if told["status"] != "succeeded":
            assert "no space left on device" in str(told["faults"]).lower(), (at, told)
            for name, data in outputs(folder).items() if self.publishes_at_once else ():
                assert data in (before.get(name), self.expected.get(name)), (at, name)
        self.again(folder, f"full {at}")


def write_inputs_once(root: Path, folder: Path) -> None:
    made = root / "inputs"
    if not made.exists():
        made.mkdir(parents=True)
        write_inputs(made)
    shutil.copytree(made, folder, dirs_exist_ok=True)


def left_over(folder: Path) -> list[str]:
    """What a finished run should have taken away."""
    kept = folder / ".flowctl" / "runs" / "run"
    found = list(folder.rglob(".*.part"))
    found += [path for name in ("steps", "work", "records") for path in (kept / name).rglob("*")]
    return [path.as_posix() for path in found]
