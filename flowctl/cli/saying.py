"""What is said of events while a run goes on: a line each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from flowctl.cli.paint import Paint, Role, safe
from flowctl.cli.quantities import amount, plural, seconds
from flowctl.cli.speed import Speed
from flowctl.durations import shown
from flowctl.interpreter.events import (
    Event,
    HookOutput,
    RunStarted,
    RunStopping,
    StepEnded,
    StepFallingBack,
    StepFannedOut,
    StepNoticed,
    StepOutput,
    StepRetrying,
)

STOPPING: Final = "stopping: streams checkpoint, commands finish; Ctrl-C again ends them now"
_ROLES: dict[str, Role] = {
    "succeeded": "good",
    "recovered": "warning",
    "cached": "good",
    "failed": "error",
    "cancelled": "warning",
}


def line(event: Event, paint: Paint) -> Iterator[str]:
    """What is said wherever it is shown: of beginnings, failed attempts, and what is printed."""
    match event:
        case RunStarted():
            yield from beginning(event)
        case RunStopping():
            yield STOPPING
        case StepFannedOut():
            yield f"{event.step}: {plural(len(event.items), 'item')}"
        case StepNoticed():
            yield from noticed(event, paint)
        case StepRetrying():
            yield retrying(event)
        case StepFallingBack():
            yield falling(event)
        case HookOutput():
            yield f"{event.step or 'run'}, {event.hook} | {safe(event.line)}"
        case StepOutput():
            yield f"{event.step} | {safe(event.line)}"


def beginning(event: RunStarted) -> Iterator[str]:
    """What is begun, or from where each step goes on."""
    if event.resumed is None:
        yield f"run {event.run}: {safe(event.workflow)}, {plural(len(event.steps), 'step')}"
        return
    if not event.resumed:
        yield f"resuming run {event.run}"
    going_on = [step for step in event.resumed if not step.ended]
    if ended := len(event.resumed) - len(going_on):
        yield f"resuming run {event.run}: {plural(ended, 'step')} had ended before"
    for step in going_on:
        place = f" at {step.place}" if step.place else ""
        rows = plural(step.rows, "row")
        yield f"resuming run {event.run}: {step.step} goes on{place} ({rows} done)"


def ending(event: StepEnded, began: datetime | None, paint: Paint) -> str:
    """How a step has ended, in one line."""
    status = paint(_ROLES.get(event.status, "quiet"), event.status)
    return ", ".join([f"{event.step}: {status}", *outcome(event, began)])


def outcome(event: StepEnded, began: datetime | None) -> Iterator[str]:
    """What a step came to, in few words: records, exit code, why not, and how long."""
    if event.counts and event.status == "succeeded" and began is not None:
        yield plural(event.counts.written, "row") + " written"
        lost = (("rejected", event.counts.rejected), ("skipped", event.counts.skipped))
        yield from (f"{number:,} {name}" for name, number in lost if number)
    if event.exit_code:
        yield f"exit code {event.exit_code}"
    if event.why:
        yield safe(event.why)
    if began is not None:
        yield seconds((event.at - began).total_seconds())


def noticed(event: StepNoticed, paint: Paint) -> Iterator[str]:
    """What has happened to a step's source, a line each."""
    for fault in event.faults:
        role: Role = "warning" if fault.severity == "warning" else "note"
        head = paint(role, f"{fault.severity}[{fault.code.id}]")
        yield f"{event.step}: {head}: {safe(fault.message)}"


def retrying(event: StepRetrying) -> str:
    """Why an attempt has failed, and when the next one begins."""
    wait = f" in {shown(1000 * event.delay)}" if event.delay else ""
    return f"{event.step}: failed{_why(event)}; attempt {event.attempt + 1} of {event.of}{wait}"


def falling(event: StepFallingBack) -> str:
    """Why a step has failed, so that its fallback begins."""
    return f"{event.step}: failed{_why(event)}; its fallback begins"


def _why(event: StepRetrying | StepFallingBack) -> str:
    fault = next((fault.message for fault in event.faults), "")
    return f", {safe(fault)}" if fault else ""


def progress(step: str, speed: Speed) -> str:
    """How far a stream has come, in one line."""
    rows = speed.last.rows if speed.last is not None else 0
    text = f"{step}: {rows:,} rows, {amount(speed.rows)} rows/s, {speed.bytes / 1e6:.1f} MB/s"
    if speed.share is not None and speed.left is not None:
        text += f", {speed.share:.0%}, {seconds(speed.left)} left"
    return text
