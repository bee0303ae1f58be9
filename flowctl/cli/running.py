"""A run as the commands start it: what the world hands to the interpreter."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from flowctl.interpreter import run
from flowctl.interpreter.events import Event
from flowctl.interpreter.memory import quarter_of_memory
from flowctl.interpreter.result import RunResult
from flowctl.interpreter.setting import Setting, run_id
from flowctl.plan import Plan
from flowctl.registry import Registry
from flowctl.store.provenance import Provenance, provenance


def start(
    plan: Plan,
    base: Path,
    state: Path,
    on_event: Callable[[Event], None],
    *,
    run_name: str | None = None,
    workers: int | None = None,
    memory: int | None = None,
    keep_going: bool = False,
    timestamp: datetime | None = None,
    stdout: BinaryIO | None = None,
    registry: Registry | None = None,
    again: frozenset[str] = frozenset(),
    origin: Callable[[], Provenance] | None = None,
) -> RunResult:
    """Run a plan whose data paths start at `base`, and keep what is kept of it in `state`.

    `memory` is what the process may take, in bytes. `timestamp` is the run's logical time; records
    of `stdout` sinks go to `stdout`. Only a run that has a name goes on with what is kept of it,
    apart from the steps in `again`; raises Refused where that cannot be. `origin` tells where it is
    done, perhaps found out beside.
    """
    gc.freeze()
    gc.enable()
    folder = base.absolute()
    found = origin() if origin else provenance(folder, os.environ) if run_name else None
    setting = Setting(
        base=folder,
        state=state.absolute(),
        run=run_name or run_id(datetime.now(UTC), os.urandom(3)),
        environment=dict(os.environ),
        clock=lambda: datetime.now(UTC),
        workers=workers or os.cpu_count() or 1,
        memory=memory or quarter_of_memory(),
        keep_going=keep_going,
        timestamp=timestamp,
        stdout=stdout,
        again=again,
        checkpoints=timedelta(seconds=1) if run_name else None,
        provenance=replace(found, pid=os.getpid()) if found else None,
    )
    return run(plan, setting, on_event, registry)


def run_quietly(plan: Plan, base: Path, state: Path) -> RunResult:
    """Run a plan with nobody watching, as far as it goes."""
    return start(plan, base, state, lambda _: None, keep_going=True)
