"""Works on a run that was chosen, shows how it goes on, and tells what it came to."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from flowctl.api.choosing import Chosen
from flowctl.api.working import How, work
from flowctl.cli.progress import display
from flowctl.cli.render import Console
from flowctl.cli.report import Sources
from flowctl.cli.summary import as_text
from flowctl.cli.telling import telling
from flowctl.errors import Interrupted, RunFailed
from flowctl.interpreter.result import Run
from flowctl.interpreter.runs import Runs
from flowctl.plan import Plan, Stream, sinks_of


def perform(
    chosen: Chosen, runs: Runs, console: Console, how: How, log_format: str = "text"
) -> Run:
    """Works on a run that this process holds; raises ResumeRefused where it cannot go on."""
    gc.freeze()  # what the process has loaded is no garbage; what the run makes may be
    gc.enable()
    shared = console.out.terminal and _writes_to_stdout(chosen.plan)
    how = replace(how, stdout=console.out.binary)
    shows = display(console.err, log_format, chosen.plan, shared=shared)
    with telling(console.err), shows as shown:
        return work(chosen, runs, shown.show, how)


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
