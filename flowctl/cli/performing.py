"""Works on a run that was chosen, shows how it goes on, and tells what it came to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from pathlib import Path

from flowctl.cli.progress import display
from flowctl.cli.render import Console
from flowctl.cli.report import Sources
from flowctl.cli.resuming import Chosen
from flowctl.cli.running import start
from flowctl.cli.summary import as_text
from flowctl.dataclass import dataclass
from flowctl.errors import Interrupted, ResumeRefused, RunFailed
from flowctl.interpreter.result import RunResult
from flowctl.interpreter.resume import Refused
from flowctl.interpreter.runs import Runs
from flowctl.plan import Plan, Stream
from flowctl.registry import Registry
from flowctl.store.provenance import Provenance


@dataclass(frozen=True, slots=True)
class How:
    """How a run is worked on and shown; the steps in `again` are done anew.

    `origin` tells where it is done, where somebody has asked before.
    """

    workers: int | None = None
    memory: int | None = None
    keep_going: bool = False
    log_format: str = "text"
    again: frozenset[str] = field(default_factory=frozenset)
    registry: Registry | None = None
    origin: Callable[[], Provenance] | None = None


def perform(chosen: Chosen, runs: Runs, console: Console, how: How) -> RunResult:
    """Works on a run that this process holds; raises ResumeRefused where it cannot go on."""
    shared = console.out.terminal and _writes_to_stdout(chosen.plan)
    try:
        with display(console.err, how.log_format, shared=shared) as shown:
            return start(
                chosen.plan,
                chosen.base,
                runs.state,
                shown.show,
                run_name=chosen.record.run,
                workers=how.workers,
                memory=how.memory,
                keep_going=how.keep_going,
                timestamp=chosen.timestamp,
                stdout=console.out.binary,
                again=how.again,
                registry=how.registry,
                origin=how.origin,
            )
    except Refused as refused:
        console.err.diagnostics(refused.faults, counted=False)
        raise ResumeRefused(f"run {chosen.record.run} cannot go on") from None


def report(result: RunResult, chosen: Chosen, console: Console) -> None:
    """Tells what the run came to."""

    def shown(path: str) -> str:
        return Sources(Path.cwd()).shown((chosen.base.absolute() / path).as_posix())

    faults = [fault for step in result.steps.values() for fault in step.faults]
    faults += result.warnings
    if faults:
        console.err.line()
    console.err.diagnostics(faults, counted=False)
    if not faults:
        console.err.line()
    console.err.write(as_text(result, chosen.plan, shown, console.err.paint))
    if result.unfinished:
        console.err.line("run the same again to go on, with `--fresh` to begin anew")


def judge(results: Sequence[RunResult | None]) -> None:
    """Raises Interrupted where a run can go on, RunFailed where it has not succeeded."""
    done = [result for result in results if result is not None]
    if any(result.status == "cancelled" and result.unfinished for result in done):
        raise Interrupted
    if any(result.status != "succeeded" for result in done):
        raise RunFailed


def _writes_to_stdout(plan: Plan) -> bool:
    streams = [step.body for step in plan.steps if isinstance(step.body, Stream)]
    return any(sink.kind == "stdout" for stream in streams for sink in stream.sinks)
