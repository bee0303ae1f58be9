"""`flowctl checkpoint show|verify|rewind`: where an unfinished run stands, and going back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowctl.cli import options, render
from flowctl.cli.quantities import plural
from flowctl.cli.render import table
from flowctl.errors import ResumeRefused, UsageError

if TYPE_CHECKING:
    from flowctl.interpreter.checkpoint import Checkpoint, Kept
    from flowctl.interpreter.runs import RunRecord, Runs
    from flowctl.interpreter.setting import Setting
    from flowctl.plan import Plan, Step
    from flowctl.syntax.node import Pointer


@click.group(short_help="Show, verify or rewind an unfinished run.")
def checkpoint() -> None:
    """Look at the checkpoints of a run that has not come to its end, or go back to an earlier one.

    FILE is the workflow or plan that was run.
    """


def _finding(command: Callable[..., None]) -> Callable[..., None]:
    """The options by which each of the commands finds its run."""
    command = click.argument("file", type=click.Path(path_type=Path))(command)
    command = click.option("--run", "run_name", metavar="RUN", help="Which of several runs.")(
        command
    )
    return options.colour(options.state_dir(command))


@checkpoint.command(short_help="Say how far each step has come.")
@click.option("--all", "every", is_flag=True, help="All checkpoints, not just the last.")
@_finding
def show(
    file: Path, run_name: str | None, state_dir: Path | None, colour: str, every: bool
) -> None:
    """Say how far each step of the unfinished run of FILE has come, in files, lines and rows."""
    out = render.console(colour).out
    runs, record = _run(file, run_name, state_dir)
    plan = _plan(runs, record)
    ended = [
        id for id, step in runs.history(record.run).steps.items() if step.status == "succeeded"
    ]
    out.line(f"run {record.run}: unfinished, its time is {record.timestamp.isoformat()}")
    rows: list[tuple[str, ...]] = [("step", "checkpoint", "goes on at", "read", "written", "at")]
    for step in plan.steps:
        kept = _kept(runs, record, step.id)
        if step.id in ended:
            rows.append((step.id, "", "has ended", "", "", ""))
        elif kept is None:
            rows.append((step.id, "", "has not begun", "", "", ""))
        else:
            first = 1 if every else len(kept.checkpoints)
            rows += [
                (step.id, *_told(kept.until(count), step))
                for count in range(first, len(kept.checkpoints) + 1)
            ]
    out.line(table(rows, right=(1, 3, 4)))


def _told(kept: Kept, step: Step) -> tuple[str, ...]:
    last = kept.last
    place = "all is written" if last.ended else kept.place or "the beginning"
    return str(last.number), place, f"{last.rows:,}", f"{_written(last, step):,}", last.at[:19]


def _written(last: Checkpoint, step: Step) -> int:
    """Records that have reached a sink, of which each branch of a stream may have several."""
    from flowctl.plan import Stream, sinks_of

    if not isinstance(step.body, Stream) or not step.body.parts:
        return sum(output.records for output in last.outputs[:1])
    found: dict[Pointer, int] = {}
    for (_, pointer), output in zip(sinks_of(step.body), last.outputs, strict=False):
        found.setdefault(pointer[: -2 if isinstance(pointer[-1], int) else -1], output.records)
    return sum(found.values())


@checkpoint.command(short_help="Check that the run could go on.")
@_finding
def verify(file: Path, run_name: str | None, state_dir: Path | None, colour: str) -> None:
    """Read again what the unfinished run of FILE has read, and look at what it has written.

    Exits with 4 where the run could not go on. The workflow as it is now is not looked at.
    """
    from flowctl.interpreter.resume import look
    from flowctl.registry import builtin

    console = render.console(colour)
    runs, record = _run(file, run_name, state_dir)
    plan = _plan(runs, record)
    found = look(plan, _setting(file, runs, record), builtin())
    if found.faults:
        console.err.diagnostics(found.faults, counted=False)
        raise ResumeRefused(f"run {record.run} cannot go on")
    begun = [step for step in found.steps.values() if step.action in ("resume", "publish")]
    for step in begun:
        at = f" at {step.place}" if step.place else ""
        console.out.line(f"{step.step}: can go on{at}, {plural(step.rows, 'row')} are as they were")
    if not begun:
        console.out.line("no step is in the midst of its work")


@checkpoint.command(short_help="Go back to an earlier checkpoint.")
@click.option("--step", "step_name", metavar="STEP", help="Which step, if several have begun.")
@click.option(
    "--to",
    required=True,
    metavar="FILE:LINE|NUMBER",
    help="The last checkpoint that has not read beyond this line, or the one with this number.",
)
@_finding
def rewind(
    file: Path,
    run_name: str | None,
    state_dir: Path | None,
    colour: str,
    step_name: str | None,
    to: str,
) -> None:
    """Forget the later checkpoints of a step: the next run cuts its outputs and goes on earlier.

    `--to 0` begins the step anew.
    """
    from flowctl.interpreter import rewinding
    from flowctl.plan import endless

    out = render.console(colour).out
    runs, record = _run(file, run_name, state_dir)
    with runs.held(record.run):
        plan = _plan(runs, record)
        begun = {step.id: kept for step in plan.steps if (kept := _kept(runs, record, step.id))}
        name = step_name or (next(iter(begun)) if len(begun) == 1 else None)
        if name is None or name not in begun:
            raise UsageError(_which(step_name, list(begun)))
        if any(step.id == name and endless(step) for step in plan.steps):
            message = f"`{name}` follows its source: what it has published cannot be taken back"
            raise UsageError(message)
        kept = begun[name]
        setting = _setting(file, runs, record)
        folder = setting.step_folder(name)
        points = rewinding.points(folder, kept, _staged(setting, plan, name))
        count = _count(points, kept, to)
        rewinding.rewind(folder, kept, count, runs.disk)
    at = kept.until(count).place if count else "the beginning"
    out.line(f"{name} goes on at {at}: run the same again")


def _which(said: str | None, begun: list[str]) -> str:
    if not begun:
        return "no step is in the midst of its work, so there is nothing to go back from"
    from flowctl.arguments import listed

    known = listed(begun)
    if said is None:
        return f"say which step with `--step`; those in their work: {known}"
    return f"step `{said}` is not in its work; those that are: {known}"


def _count(points: list[int], kept: Kept, to: str) -> int:
    """To how many checkpoints the journal is cut; raises UsageError."""
    from flowctl.interpreter.rewinding import before_line

    path, _, line = to.rpartition(":")
    if path and line.replace(",", "").isdigit():
        count = before_line(points, kept, path, int(line.replace(",", "")))
        if count is None:
            raise UsageError(f"there is no checkpoint before `{to}` to go back to")
        return count
    numbers = {str(kept.checkpoints[count - 1].number) if count else "0": count for count in points}
    if to not in numbers:
        known = ", ".join(numbers)
        raise UsageError(f"there is no checkpoint `{to}` to go back to; there are {known}")
    return numbers[to]


def _run(file: Path, run_name: str | None, state: Path | None) -> tuple[Runs, RunRecord]:
    """The unfinished run of a document; raises UsageError."""
    from flowctl.api.preparing import project_of
    from flowctl.interpreter.runs import Runs

    project = project_of(file)
    runs = Runs((state or project / ".flowctl").absolute())
    document = file.absolute().relative_to(project).as_posix()
    found = [record for record in runs.unfinished() if record.identity.document == document]
    if run_name is not None:
        found = [record for record in found if record.run == run_name]
    if not found and not file.exists():
        raise UsageError(f"there is no file `{file}`")
    if not found:
        raise UsageError(f"`{file}` has no unfinished run")
    if len(found) > 1:
        names = ", ".join(record.run for record in found)
        raise UsageError(f"`{file}` has several unfinished runs, say which with `--run`: {names}")
    return runs, found[0]


def _plan(runs: Runs, record: RunRecord) -> Plan:
    from flowctl.interpreter.history import read_plan
    from flowctl.plan import Plan

    plan = read_plan(runs.folder(record.run))
    if not isinstance(plan, Plan):
        raise ResumeRefused(f"what run {record.run} keeps of its plan cannot be read")
    return plan


def _setting(file: Path, runs: Runs, record: RunRecord) -> Setting:
    from flowctl.interpreter.setting import Setting

    return Setting(
        base=file.absolute().parent,
        state=runs.state,
        run=record.run,
        environment={},
        clock=lambda: datetime.now(UTC),
    )


def _kept(runs: Runs, record: RunRecord, step: str) -> Kept | None:
    """The checkpoints of a step that has not ended; raises ResumeRefused."""
    from flowctl.codec import Malformed
    from flowctl.interpreter.checkpoint import read_kept
    from flowctl.interpreter.setting import file_name

    try:
        return read_kept(runs.folder(record.run) / "steps" / file_name(step))
    except Malformed as error:
        message = f"the checkpoints of step `{step}` cannot be read: {error.message}"
        raise ResumeRefused(message) from error


def _staged(setting: Setting, plan: Plan, name: str) -> list[Path]:
    """The files in which the outputs of a step wait."""
    from flowctl.interpreter.handing import handing
    from flowctl.interpreter.publish import places
    from flowctl.interpreter.targets import outputs_of
    from flowctl.plan import Stream
    from flowctl.registry import builtin

    (step,) = (step for step in plan.steps if step.id == name)
    if not isinstance(step.body, Stream):
        return []
    found = outputs_of(handing(plan, setting).giving(name, step.body), builtin())
    base = setting.of(step).base
    return [places(base / where.path, setting.run)[1] for _, where in found]
