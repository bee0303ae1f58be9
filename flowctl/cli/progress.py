"""What a run shows while it goes on: a tree on a terminal, lines elsewhere, events for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from flowctl.cli import saying
from flowctl.cli.render import Screen
from flowctl.cli.report import Sources
from flowctl.cli.standing import Standing
from flowctl.codec import diagnostic_to_json
from flowctl.interpreter.eventjson import event_to_json
from flowctl.interpreter.events import Event, StepEnded, StepProgress, StepStarted
from flowctl.plan import Plan

_SELDOM = timedelta(seconds=5)


class Display(Protocol):
    """Shows events as they come; closed at the end of the run, whatever that is."""

    def show(self, event: Event) -> None:
        """Take one event; they come in order, one at a time."""
        ...


@contextmanager
def display(
    screen: Screen, log_format: str, plan: Plan, *, shared: bool = False
) -> Iterator[Display]:
    """The display that suits a screen; a tree cannot stand on one that is `shared` with data."""
    if log_format == "json":
        yield Log(screen)
    elif screen.terminal and not shared:
        from flowctl.cli.live import live

        with live(screen, plan) as shown:
            yield shown
    else:
        yield Lines(screen)


class Lines:
    """A line when a step begins and ends, and every few seconds between."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._standing = Standing()
        self._told: dict[str, datetime] = {}

    def show(self, event: Event) -> None:
        """Write what is worth a line."""
        self._standing.take(event)
        for line in self._worth_a_line(event):
            self._screen.line(line)

    def _worth_a_line(self, event: Event) -> Iterator[str]:
        match event:
            case StepStarted():
                self._told[event.step] = event.at
                again = f" again (attempt {event.attempt})" if event.attempt > 1 else ""
                yield f"{event.step}: started{again}"
            case StepProgress() if event.at - self._told[event.step] >= _SELDOM:
                self._told[event.step] = event.at
                yield saying.progress(event.step, self._standing.at_work[event.step].speed)
            case StepEnded():
                self._told.pop(event.step, None)
                began = self._standing.ended[event.step].began
                yield saying.ending(event, began, self._screen.paint)
            case _:
                yield from saying.line(event, self._screen.paint)


class Log:
    """One JSON object a line for each event."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._sources = Sources(Path.cwd())

    def show(self, event: Event) -> None:
        """Write the event."""
        told = event_to_json(event, lambda fault: diagnostic_to_json(fault, self._sources.shown))
        self._screen.line(json.dumps(told, ensure_ascii=False))
