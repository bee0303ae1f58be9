"""Runs flows in folders on disks that fail, and commands, each in a process of its own.

Checkpoints of the flows are made behind each split, and splits are small.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import sys
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import cast

import flowctl
from flowctl.errors import ResumeRefused
from flowctl.interpreter import Run, Setting, run
from flowctl.plan import Plan
from flowctl.registry import Registry, builtin
from flowctl.store.disk import Disk
from flowctl.syntax.node import Json
from tests.crash.faulty import Fault, FaultyDisk
from tests.crash.flows import FLOWS, INPUT, LITTLE, Change, changed
from tests.crash.recording import RecordingDisk, lay_out

LAST = 6
SPLIT = 1500
FINE = 400
"""Much of the input is still to be read while the first splits are written."""
MOMENT = datetime(2024, 2, 29, 12, tzinfo=UTC)


def setting_in(base: Path, disk: Disk, split: int = SPLIT) -> Setting:
    return Setting(
        base=base,
        state=base / ".flowctl",
        run="run",
        environment={"PATH": os.environ["PATH"]},
        clock=lambda: datetime.now(UTC),
        timestamp=MOMENT,
        checkpoints=timedelta(0),
        split_bytes=split,
        disk=disk,
    )


def drive(
    base: Path,
    plan: Plan,
    registry: Registry,
    disk: FaultyDisk | RecordingDisk,
    split: int = SPLIT,
) -> dict[str, Json]:
    """Runs a plan; does not come back where the disk ends the process."""
    try:
        setting = setting_in(base, disk, split)
        if plan.name == LITTLE:
            setting = replace(setting, memory=1)
        result = run(plan, setting, lambda event: None, registry)
    except ResumeRefused as refused:
        return {"status": "refused", "faults": [fault.message for fault in refused.diagnostics]}
    except OSError as error:
        return {"status": "failed", "faults": [str(error)], "operations": disk.count}
    return {**_told(result), "operations": disk.count}


def _told(result: Run) -> dict[str, Json]:
    told = result.to_json()
    steps = cast("dict[str, dict[str, Json]]", told["steps"])
    for step in steps.values():
        step.pop("duration")
        step.pop("attempts")
    faults: list[Json] = [fault.message for step in result.steps.values() for fault in step.faults]
    return {**told, "faults": faults}


def record(
    base: Path, plan: Plan, registry: Registry, into: Path, few: int | None
) -> dict[str, Json]:
    """Runs a plan to its end; what deaths on the way would have left are folders in `into`.

    All of them, or about so `few`, spread over the run, and the last ones, of publishing.
    """
    disk = RecordingDisk(base)
    disk.listen()
    told = drive(base, plan, registry, disk)
    names = [*disk.states]
    step = max(1, len(names) // few) if few is not None else 1
    for name in {*names[::step], *names[-LAST:]}:
        lay_out(disk.states[name], into / name)
    return told


def command(folder: Path, arguments: list[str]) -> dict[str, Json]:
    """Runs `flowctl` with these arguments as in a shell, and tells what it printed."""
    from flowctl.cli.main import main

    os.chdir(folder)
    os.environ["NO_COLOR"] = "1"
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        code = main(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode())
    return {"code": code, "out": texts[0], "err": texts[1]}


def serve() -> None:
    """Does what is asked for, a line of JSON each, in a child of its own that may be killed.

    Children begin with everything imported; Polars' threads begin only in them.
    """
    for module in pkgutil.walk_packages(flowctl.__path__, "flowctl."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in (
        "deflate",
        "isal.isal_zlib",
        "zstandard",
        "polars.io.plugins",
        "polars.selectors",
        "rich.live",
    ):
        importlib.import_module(name)
    registry = builtin()
    gc.freeze()
    for line in sys.stdin:
        told = _in_a_child(partial(_answer, json.loads(line), registry))
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


def _answer(asked: dict[str, Json], registry: Registry) -> dict[str, Json]:
    match asked:
        case {"folder": str(folder), "command": [*arguments]}:
            return command(Path(folder), [str(argument) for argument in arguments])
        case {"folder": str(folder), "flow": str(flow), "into": str(into), "few": few}:
            few = few if isinstance(few, int) else None
            return record(Path(folder), FLOWS[flow], registry, Path(into), few)
        case {"folder": str(folder), "flow": str(flow), "at": int(at), "change": str(change)}:
            path = Path(folder) / INPUT[flow]
            disk = FaultyDisk(at, "meanwhile", lambda: changed(path, cast(Change, change)))
            return drive(Path(folder), FLOWS[flow], registry, disk, FINE)
        case {"folder": str(folder), "flow": str(flow), "at": int(at), "fault": str(fault)}:
            disk = FaultyDisk(at, cast(Fault, fault))
            return drive(Path(folder), FLOWS[flow], registry, disk)
    raise ValueError(f"nobody knows what this asks for: {asked}")


def _in_a_child(action: Callable[[], dict[str, Json]]) -> dict[str, Json] | None:
    """What an action comes to in a process of its own; None where that was killed."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        try:
            told = action()
        except BaseException:
            told = {"status": "broken", "faults": [traceback.format_exc()]}
        with os.fdopen(write, "w") as pipe:
            json.dump(told, pipe)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    return None if os.WIFSIGNALED(status) else cast("dict[str, Json]", json.loads(text))


if __name__ == "__main__":
    serve()
