"""What a run shows while it goes on: a bar on a terminal, lines elsewhere, events for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from flowctl.cli.paint import Role, safe
from flowctl.cli.quantities import amount, plural, seconds
from flowctl.cli.render import Screen
from flowctl.cli.report import Sources
from flowctl.codec import diagnostic_to_json
from flowctl.durations import shown
from flowctl.interpreter.eventjson import event_to_json
from flowctl.interpreter.events import (
    Event,
    HookOutput,
    RunStarted,
    RunStopping,
    StepEnded,
    StepFallingBack,
    StepNoticed,
    StepOutput,
    StepProgress,
    StepRetrying,
    StepStarted,
)

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

STOPPING = (
    "stopping: nothing new begins, streams stop at a checkpoint, and commands that run go on to"
    " their end; Ctrl-C again ends them now"
)
_SELDOM = timedelta(seconds=5)
_ROLES: dict[str, Role] = {
    "succeeded": "good",
    "recovered": "warning",
    "failed": "error",
    "cancelled": "warning",
}


class Display(Protocol):
    """Shows events as they come; closed at the end of the run, whatever that is."""

    def show(self, event: Event) -> None:
        """Take one event; they come in order, one at a time."""
        ...


@contextmanager
def display(screen: Screen, log_format: str, *, shared: bool = False) -> Iterator[Display]:
    """The display that suits a screen; bars cannot stand on one that is `shared` with data."""
    if log_format == "json":
        yield Log(screen)
    elif screen.terminal and not shared:
        with bars(screen) as progress:
            yield Bars(progress, screen)
    else:
        yield Lines(screen)


class Lines:
    """A line when a step begins and ends, and every few seconds between."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._began: dict[str, datetime] = {}
        self._told: dict[str, datetime] = {}

    def show(self, event: Event) -> None:
        """Write what is worth a line."""
        match event:
            case RunStarted():
                for line in beginning(event):
                    self._screen.line(line)
            case RunStopping():
                self._screen.line(STOPPING)
            case StepStarted():
                self._began[event.step] = self._told[event.step] = event.at
                again = f" again (attempt {event.attempt})" if event.attempt > 1 else ""
                self._screen.line(f"{event.step}: started{again}")
            case StepRetrying():
                self._screen.line(retrying(event))
            case StepFallingBack():
                self._screen.line(falling(event))
            case HookOutput():
                self._screen.line(hooked(event))
            case StepProgress() if event.at - self._told[event.step] >= _SELDOM:
                self._told[event.step] = event.at
                elapsed = (event.at - self._began[event.step]).total_seconds()
                self._screen.line(f"{event.step}: {_so_far(event, elapsed)}")
            case StepNoticed():
                for line in noticed(event, self._screen):
                    self._screen.line(line)
            case StepOutput():
                self._screen.line(f"{event.step} | {safe(event.line)}")
            case StepEnded():
                self._screen.line(ending(event, self._began.get(event.step), self._screen))


class Bars:
    """A bar for each step that runs, and lines above for what is said and done."""

    def __init__(self, progress: Progress, screen: Screen) -> None:
        self._progress = progress
        self._screen = screen
        self._tasks: dict[str, TaskID] = {}
        self._began: dict[str, datetime] = {}

    def show(self, event: Event) -> None:
        """Move the bars."""
        match event:
            case RunStarted() if event.resumed is not None:
                for line in beginning(event):
                    self._say(line)
            case RunStopping():
                self._say(STOPPING)
            case StepStarted():
                self._began[event.step] = event.at
                if event.step not in self._tasks:
                    self._tasks[event.step] = self._progress.add_task(
                        event.step, total=None, said="", speed=""
                    )
            case StepRetrying():
                self._say(retrying(event))
            case StepFallingBack():
                self._say(falling(event))
            case HookOutput():
                self._say(hooked(event))
            case StepProgress():
                elapsed = max((event.at - self._began[event.step]).total_seconds(), 1e-3)
                self._progress.update(
                    self._tasks[event.step],
                    completed=event.bytes,
                    total=event.total_bytes,
                    said=f"{amount(event.rows)} rows, {amount(event.rows / elapsed)} rows/s",
                    speed=f"{event.bytes / elapsed / 1e6:.1f} MB/s",
                )
            case StepNoticed():
                for line in noticed(event, self._screen):
                    self._say(line)
            case StepOutput():
                self._say(f"{event.step} | {safe(event.line)}")
            case StepEnded():
                task = self._tasks.pop(event.step, None)
                if task is not None:
                    self._progress.remove_task(task)
                self._say(ending(event, self._began.get(event.step), self._screen))

    def _say(self, line: str) -> None:
        from rich.text import Text

        self._progress.console.print(Text.from_ansi(line), soft_wrap=True)


class Log:
    """One JSON object a line for each event."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._sources = Sources(Path.cwd())

    def show(self, event: Event) -> None:
        """Write the event."""
        told = event_to_json(event, lambda fault: diagnostic_to_json(fault, self._sources.shown))
        self._screen.line(json.dumps(told, ensure_ascii=False))


def beginning(event: RunStarted) -> Iterator[str]:
    """What is begun, or from where each step goes on."""
    if event.resumed is None:
        yield f"run {event.run}: {safe(event.workflow)}, {plural(len(event.steps), 'step')}"
        return
    going_on = [step for step in event.resumed if not step.ended]
    if ended := len(event.resumed) - len(going_on):
        yield f"resuming run {event.run}: {plural(ended, 'step')} had ended before"
    for step in going_on:
        place = f" at {step.place}" if step.place else ""
        rows = plural(step.rows, "row")
        yield f"resuming run {event.run}: {step.step} goes on{place} ({rows} done)"


def ending(event: StepEnded, began: datetime | None, screen: Screen) -> str:
    """How a step has ended, in one line."""
    parts = []
    if event.counts and event.status == "succeeded":
        parts.append(plural(event.counts.written, "row") + " written")
        lost = (("rejected", event.counts.rejected), ("skipped", event.counts.skipped))
        parts += [f"{number:,} {name}" for name, number in lost if number]
    if event.exit_code:
        parts.append(f"exit code {event.exit_code}")
    if event.why:
        parts.append(safe(event.why))
    if began is not None:
        parts.append(seconds((event.at - began).total_seconds()))
    role = _ROLES.get(event.status, "quiet")
    return f"{event.step}: {screen.paint(role, event.status)}" + "".join(f", {x}" for x in parts)


def noticed(event: StepNoticed, screen: Screen) -> Iterator[str]:
    """What has happened to a step's source, a line each."""
    for fault in event.faults:
        role: Role = "warning" if fault.severity == "warning" else "note"
        head = screen.paint(role, f"{fault.severity}[{fault.code.id}]")
        yield f"{event.step}: {head}: {safe(fault.message)}"


def retrying(event: StepRetrying) -> str:
    """Why an attempt has failed, and when the next one begins."""
    wait = f" in {shown(1000 * event.delay)}" if event.delay else ""
    return f"{event.step}: failed{_why(event)}; attempt {event.attempt + 1} of {event.of}{wait}"


def falling(event: StepFallingBack) -> str:
    """Why a step has failed, so that its fallback begins."""
    return f"{event.step}: failed{_why(event)}; its fallback begins"


def hooked(event: HookOutput) -> str:
    """A line that a hook has printed."""
    return f"{event.step or 'run'}, {event.hook} | {safe(event.line)}"


def _why(event: StepRetrying | StepFallingBack) -> str:
    fault = next((fault.message for fault in event.faults), "")
    return f", {safe(fault)}" if fault else ""


def _so_far(event: StepProgress, elapsed: float) -> str:
    elapsed = max(elapsed, 1e-3)
    rate = f"{event.bytes / elapsed / 1e6:.1f} MB/s"
    text = f"{event.rows:,} rows, {amount(event.rows / elapsed)} rows/s, {rate}"
    if event.total_bytes and event.bytes:
        left = elapsed * (event.total_bytes / event.bytes - 1)
        text += f", {event.bytes / event.total_bytes:.0%}, {seconds(max(left, 0))} left"
    return text


def bars(screen: Screen) -> Progress:
    """The bars of a terminal; they are gone once they are closed."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(file=screen.stream, no_color=not screen.paint.on, highlight=False)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[said]}"),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        console=console,
        transient=True,
        expand=True,
    )
