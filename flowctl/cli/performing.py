"""Works on a run that was chosen, shows how it goes on, and tells what it came to."""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

from flowctl.api.choosing import Chosen
from flowctl.api.working import How, work
from flowctl.cli.progress import display
from flowctl.cli.render import Console, Screen
from flowctl.cli.report import Sources
from flowctl.cli.summary import as_text
from flowctl.cli.telling import telling
from flowctl.errors import Interrupted, RunFailed
from flowctl.interpreter.events import Event, OnEvent
from flowctl.interpreter.result import Run
from flowctl.interpreter.runs import Runs
from flowctl.plan import Plan, Stream, sinks_of
from flowctl.telemetry import PROTOCOL, not_spoken, signals


def perform(
    chosen: Chosen, runs: Runs, console: Console, how: How, log_format: str = "text"
) -> Run:
    """Works on a run that this process holds; raises ResumeRefused where it cannot go on."""
    gc.freeze()  # what the process has loaded is no garbage; what the run makes may be
    gc.enable()
    shared = console.out.terminal and _writes_to_stdout(chosen.plan)
    how = replace(how, stdout=console.out.binary)
    shows = display(console.err, log_format, chosen.plan, shared=shared)
    with telling(console.err), _telemetry(console.err) as tell, shows as shown:

        def on_event(event: Event) -> None:
            shown.show(event)
            if tell is not None:
                tell(event)

        return work(chosen, runs, on_event, how)


def _telemetry(screen: Screen) -> AbstractContextManager[OnEvent | None]:
    """Who else is told of events, where the variables of OpenTelemetry ask for it."""
    asked = signals(os.environ)
    if not asked:
        return nullcontext()

    def warn(message: str) -> None:
        screen.line(f"{screen.paint('warning', 'warning')}: {message}")

    if other := not_spoken(os.environ):
        warn(f"no telemetry is sent: {PROTOCOL} is spoken here, not {other}")
        return nullcontext()
    try:
        from flowctl.telemetry.exporting import exporting
    except ImportError:
        warn("no telemetry is sent: it needs `pip install 'flowctl[otel]'`")
        return nullcontext()
    return exporting(asked, os.environ, warn)


def report(result: Run, chosen: Chosen, console: Console) -> None:
    """Tells what the run came to."""

    def shown(path: str) -> str:
        return Sources(Path.cwd()).shown((chosen.base.absolute() / path).as_posix())

    faults = [*result.faults, *result.warnings]
    if faults:
        console.err.line()
    console.err.diagnostics(faults, counted=False)
    if not faults:
        console.err.line()
    console.err.write(as_text(result, chosen.plan, shown, console.err.paint))
    if result.unfinished:
        console.err.line("run the same again to go on, with `--fresh` to begin anew")


def judge(results: Sequence[Run | None]) -> None:
    """Raises Interrupted where a run can go on, RunFailed where it has not succeeded."""
    done = [result for result in results if result is not None]
    if any(result.status == "cancelled" and result.unfinished for result in done):
        raise Interrupted
    if any(result.status != "succeeded" for result in done):
        raise RunFailed


def _writes_to_stdout(plan: Plan) -> bool:
    streams = [step.body for step in plan.steps if isinstance(step.body, Stream)]
    return any(sink.kind == "stdout" for stream in streams for sink, _ in sinks_of(stream))
