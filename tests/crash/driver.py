"""Runs flows in folders on disks that fail, each in a process of its own, and says what came of it.

Checkpoints are made behind each split, and splits are small.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import flowctl
from flowctl.interpreter import RunResult, Setting, run
from flowctl.interpreter.resume import Refused
from flowctl.plan import Plan
from flowctl.registry import Registry, builtin
from flowctl.syntax.node import Json
from tests.crash.faulty import Fault, FaultyDisk
from tests.crash.flows import FLOWS

SPLIT = 1500
MOMENT = datetime(2024, 2, 29, 12, tzinfo=UTC)


def setting_in(base: Path, disk: FaultyDisk) -> Setting:
    return Setting(
        base=base,
        state=base / ".flowctl",
        run="run",
        environment={"PATH": os.environ["PATH"]},
        clock=lambda: datetime.now(UTC),
        timestamp=MOMENT,
        checkpoints=timedelta(0),
        split_bytes=SPLIT,
        disk=disk,
    )


def drive(
    base: Path, plan: Plan, registry: Registry, at: int = 0, fault: Fault = "none"
) -> dict[str, Json]:
    """Runs a plan; does not come back where the disk ends the process."""
    disk = FaultyDisk(at, fault)
    try:
        result = run(plan, setting_in(base, disk), lambda event: None, registry)
    except Refused as refused:
        return {"status": "refused", "faults": [fault.message for fault in refused.faults]}
    except OSError as error:
        return {"status": "failed", "faults": [str(error)], "operations": disk.count}
    return {**_told(result), "operations": disk.count}


def _told(result: RunResult) -> dict[str, Json]:
    told = result.to_json()
    steps = cast("dict[str, dict[str, Json]]", told["steps"])
    for step in steps.values():
        step.pop("duration")
        step.pop("attempts")
    faults: list[Json] = [fault.message for step in result.steps.values() for fault in step.faults]
    return {**told, "faults": faults}


def serve() -> None:
    """Runs what is asked for, a line of JSON each, in a child of its own that may be killed.

    Children begin with everything imported; Polars' threads begin only in them.
    """
    for module in pkgutil.walk_packages(flowctl.__path__, "flowctl."):
        if not module.name.startswith(("flowctl.__main__", "flowctl.cli", "flowctl.schema")):
            importlib.import_module(module.name)
    for name in ("isal.igzip", "zstandard", "polars.io.plugins", "polars.selectors"):
        importlib.import_module(name)
    registry = builtin()
    gc.freeze()
    for line in sys.stdin:
        folder, flow, at, fault = json.loads(line)
        told = _in_a_child(lambda: drive(Path(folder), FLOWS[flow], registry, at, fault))  # noqa: B023
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


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
