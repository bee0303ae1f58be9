"""`flowctl.run`: runs a workflow or a plan, or goes on with a run that was interrupted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from flowctl.api.choosing import Wanted, held
from flowctl.api.given import Given
from flowctl.api.params import values_of
from flowctl.api.preparing import Prepared, prepared
from flowctl.api.working import How, work
from flowctl.errors import UsageError
from flowctl.interpreter.cancellation import Cancellation
from flowctl.interpreter.events import Event, OnEvent
from flowctl.interpreter.result import Run
from flowctl.interpreter.runs import utc_now
from flowctl.interpreter.selection import Selection
from flowctl.memory import ALLOWED, LEAST, bytes_of, machine_memory
from flowctl.plan import Plan


def run(
    workflow: str | os.PathLike[str] | Plan,
    *,
    params: Mapping[str, object] | None = None,
    profile: str | None = None,
    timestamp: datetime | None = None,
    base: str | os.PathLike[str] | None = None,
    state_dir: str | os.PathLike[str] | None = None,
    on_event: OnEvent | None = None,
    workers: int | None = None,
    max_memory: int | str | None = None,
    keep_going: bool = False,
    only: Iterable[str] = (),
    since: Iterable[str] = (),
    fresh: bool = False,
    max_cache: int | None = None,
    cancel: Cancellation | None = None,
    stdout: BinaryIO | None = None,
    clock: Callable[[], datetime] = utc_now,
    environment: Mapping[str, str] | None = None,
    entropy: Callable[[int], bytes] = os.urandom,
) -> Run:
    """Runs a workflow to its end, as `flowctl run`; an unfinished run of the same goes on.

    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "flow.yaml")
    >>> _ = path.write_text('''
    ... flowctl: 1
    ... params: {least: {type: integer}}
    ... steps:
    ...   large:
    ...     source: {rows: [{n: 1}, {n: 20}, {n: 30}]}
    ...     transforms: [{filter: n >= params.least}]
    ...     sink: {csv: large.csv}
    ... outputs: {rows: steps.large.written}
    ... ''')
    >>> done = run(path, params={"least": 10})
    >>> done.status, done.steps["large"].counts.filtered, done.outputs
    ('succeeded', 1, {'rows': 2})
    >>> folder.cleanup()

    `workflow` is the path of a workflow (YAML, TOML) or of a plan (`.json`), or a Plan. Data paths
    start at the folder of the file, or for plans at `base` (without it a Plan's at the working
    folder). What is kept of runs stands in `state_dir`, or in `.flowctl` of the project's folder.

    `params`, `profile`, `timestamp` and `environment` are those of `compile`; none of the first two
    goes with a plan. `workers` is how many steps and splits are at work at once, by default the
    number of processors; `max_memory` what the process may take, in bytes or as `"4GiB"` or
    `"25%"`, by default a quarter of the machine's. With `keep_going` a failure ends only what needs
    the step. `only` names steps that are run alone, `since` such as are run with all that need them
    (`--from`); what these stand on is taken from before. `fresh` gives an unfinished run up, begins
    anew, and takes nothing from the cache, which keeps at most `max_cache` bytes on disk (5 GiB).
    Records of `stdout` sinks go to `stdout` (as `sys.stdout.buffer`), and nowhere without it.

    `on_event` is called with each Event: in order, one at a time, on the thread that caused it, and
    with secrets masked. The run waits meanwhile. What it raises ends the run, which can be gone on
    with, and is raised here.

    A step that fails is no exception: see the Run's `status`, or call `check()` on it. Raised are
    InvalidWorkflow (there is no plan; with `diagnostics`), ResumeRefused (the unfinished run cannot
    go on, since a step or what it has read has changed, or what `only` and `since` leave out is not
    there; with `diagnostics`), Busy (another process
    or thread works on the run), UsageError (arguments do not go together), StoreBroken and OSError.

    Blocks until the run has ended. Another thread ends it by `cancel.wind_down()`, which lets
    commands that run end, or by `cancel.ask()`, which ends them as well: then it is `cancelled` and
    can be gone on with, as after a crash; `cancel.give_up()` ends it for good. On the main thread
    SIGINT, SIGTERM and SIGHUP do so meanwhile, as for the command. Different runs may go on at once
    on several threads, each with `workers` and `max_memory` of its own.
    """
    given = Given(
        profile=profile,
        timestamp=timestamp,
        values=values_of(params or {}),
        environment=environment,
    )
    start = Path(base) if base is not None else None

    def prepare(moment: datetime) -> Prepared:
        if isinstance(workflow, Plan):
            return _of_plan(workflow, given, start or Path.cwd())
        return prepared(Path(workflow), given.at(moment), start)

    how = How(
        workers=_workers(workers),
        memory=_memory(max_memory),
        keep_going=keep_going,
        fresh=fresh,
        cache=max_cache,
        stdout=stdout,
        clock=clock,
        entropy=entropy,
    )
    if environment is not None:
        how = replace(how, environment=environment)
    if cancel is not None:
        how = replace(how, cancellation=cancel)
    selection = Selection.of(only, since)
    wanted = Wanted(prepare, profile, timestamp, clock(), entropy, clock, selection)
    state = Path(state_dir) if state_dir is not None else None
    with held(wanted, state, fresh=fresh) as (chosen, runs):
        return work(chosen, runs, on_event or _nobody, how)


def _of_plan(plan: Plan, given: Given, base: Path) -> Prepared:
    if given.fixed_in_plans():
        raise UsageError("a plan is fixed: neither `params` nor `profile` can change it")
    return Prepared(base, f"plan {plan.name}", base, plan)


def _workers(given: int | None) -> int | None:
    if given is not None and given < 1:
        raise UsageError(f"there must be at least one worker, not {given}")
    return given


def _memory(given: int | str | None) -> int | None:
    if given is None:
        return None
    found = bytes_of(given, machine_memory()) if isinstance(given, str) else given
    if found is None or found < LEAST:
        raise UsageError(f"`max_memory` is not {ALLOWED}: {given!r}")
    return found


def _nobody(event: Event) -> None:
    pass
