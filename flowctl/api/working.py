"""Works on a run: what the world hands to the interpreter, unless the caller hands in its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from flowctl.api.choosing import Chosen
from flowctl.dataclass import dataclass
from flowctl.interpreter import run
from flowctl.interpreter.cancellation import Cancellation
from flowctl.interpreter.events import OnEvent
from flowctl.interpreter.pace import RealPace
from flowctl.interpreter.result import Run
from flowctl.interpreter.runs import Runs, utc_now
from flowctl.interpreter.setting import CACHE_BYTES, Setting, run_id
from flowctl.memory import quarter_of_memory
from flowctl.plan import Plan
from flowctl.registry import Registry
from flowctl.store.provenance import Provenance, provenance


def _environment() -> Mapping[str, str]:
    return dict(os.environ)


@dataclass(frozen=True, slots=True)
class How:
    """How a run is worked on.

    `memory` is what the process may take, in bytes. The steps in `again` are done anew. If it is
    `fresh`, no step is taken from the cache, which keeps at most `cache` bytes. Records of
    `stdout` sinks go to `stdout`. `origin` tells where the run is done, where somebody has asked
    before. `clock` gives the time in UTC, `entropy` so many random bytes.
    """

    workers: int | None = None
    memory: int | None = None
    keep_going: bool = False
    again: frozenset[str] = frozenset()
    fresh: bool = False
    cache: int | None = None
    stdout: BinaryIO | None = None
    registry: Registry | None = None
    origin: Callable[[], Provenance] | None = None
    environment: Mapping[str, str] = field(default_factory=_environment)
    clock: Callable[[], datetime] = utc_now
    entropy: Callable[[int], bytes] = os.urandom
    cancellation: Cancellation = field(default_factory=Cancellation)


def work(chosen: Chosen, runs: Runs, on_event: OnEvent, how: How) -> Run:
    """Works on a run that this process holds; raises ResumeRefused where it cannot go on."""
    base = chosen.base.absolute()
    origin = how.origin() if how.origin else provenance(base, how.environment)
    setting = replace(
        _setting(base, runs.state, chosen.record.run, how),
        timestamp=chosen.timestamp,
        taken=chosen.taken,
        checkpoints=timedelta(seconds=1),
        provenance=replace(origin, pid=os.getpid()),
    )
    return run(chosen.plan, setting, on_event, how.registry)


def work_quietly(plan: Plan, base: Path, state: Path) -> Run:
    """Runs a plan with nobody watching, as far as it goes, and keeps nothing to go on with."""
    how = How(keep_going=True)
    name = run_id(how.clock(), how.entropy(3))
    return run(plan, _setting(base.absolute(), state.absolute(), name, how), lambda _: None)


def _setting(base: Path, state: Path, name: str, how: How) -> Setting:
    return Setting(
        base=base,
        state=state,
        run=name,
        environment=how.environment,
        clock=how.clock,
        workers=how.workers or os.cpu_count() or 1,
        memory=how.memory or quarter_of_memory(),
        keep_going=how.keep_going,
        stdout=how.stdout,
        cancellation=how.cancellation,
        pace=RealPace(how.entropy),
        again=how.again,
        fresh=how.fresh,
        cache_bytes=how.cache or CACHE_BYTES,
        checkpoints=None,
    )
