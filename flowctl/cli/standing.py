"""How a run stands, for who watches it: what each step is at, and all cells of a step together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import field
from datetime import datetime, timedelta
from typing import Final

from flowctl.cli.speed import Speed
from flowctl.dataclass import dataclass
from flowctl.interpreter.events import (
    Event,
    RunEnded,
    RunPaused,
    RunStarted,
    RunStopping,
    RunUnpaused,
    StepEnded,
    StepFallingBack,
    StepFannedOut,
    StepProgress,
    StepRetrying,
    StepStarted,
    StepStatus,
)

_LOOK_AHEAD: Final = 1000


@dataclass(slots=True)
class AtWork:
    """A step that has begun and not ended; `of` attempts at most, as far as that is known.

    While it waits for the next attempt, that begins at `until`. `falling` tells that its fallback
    is at work.
    """

    attempt: int
    began: datetime
    since: datetime
    speed: Speed
    of: int = 0
    until: datetime | None = None
    falling: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """How a step has ended; `began` is None for one that has not run here."""

    event: StepEnded | None
    began: datetime | None


@dataclass(slots=True)
class Unit:
    """A step, or all cells of one; `counts` are how many of them are in which status.

    `number` is its place in the plan.
    """

    name: str
    number: int
    steps: list[str] = field(default_factory=list)
    counts: Counter[StepStatus] = field(default_factory=Counter)

    @property
    def many(self) -> bool:
        """Whether it is one of cells."""
        return self.steps != [self.name]


def unit_of(step: str) -> str:
    """The step that a cell is one of.

    >>> unit_of("load[us,2012]"), unit_of("clean")
    ('load', 'clean')
    """
    return step.partition("[")[0]


@dataclass(slots=True)
class Standing:
    """What the events so far add up to; each takes the same time, however many steps there are."""

    units: dict[str, Unit] = field(default_factory=dict)
    status: dict[str, StepStatus] = field(default_factory=dict)
    counts: Counter[StepStatus] = field(default_factory=Counter)
    at_work: dict[str, AtWork] = field(default_factory=dict)
    ended: dict[str, Ended] = field(default_factory=dict)
    failed: dict[str, None] = field(default_factory=dict)
    began: datetime | None = None
    mood: str = ""
    _order: list[Unit] = field(default_factory=list)
    _going_on: frozenset[str] = frozenset()
    _fans: dict[str, datetime] = field(default_factory=dict)
    _first: int = 0

    def take(self, event: Event) -> None:
        """Goes one event on."""
        match event:
            case RunStarted():
                self._begin(event)
            case RunPaused():
                self.mood = "paused"
            case RunStopping():
                self.mood = "stopping"
            case RunUnpaused() | RunEnded():
                self.mood = ""
            case StepStarted():
                self._start(event)
            case StepProgress() if event.step in self.at_work:
                self.at_work[event.step].speed.take(event)
            case StepRetrying() if event.step in self.at_work:
                work = self.at_work[event.step]
                work.of, work.until = event.of, event.at + timedelta(seconds=event.delay)
                self._become(event.step, "waiting")
            case StepFallingBack() if event.step in self.at_work:
                self.at_work[event.step].falling = True
            case StepFannedOut():
                self._fans[event.step] = event.at
                for index in range(len(event.items)):
                    self._become(f"{event.step}[{index}]", "pending")
            case StepEnded():
                self._end(event)

    def coming(self) -> Iterator[Unit]:
        """The next units of which something has not begun, in the plan's order."""
        while self._first < len(self._order) and not self._order[self._first].counts["pending"]:
            self._first += 1
        for unit in self._order[self._first : self._first + _LOOK_AHEAD]:
            if unit.counts["pending"]:
                yield unit

    def _begin(self, event: RunStarted) -> None:
        self.began = event.at
        for step in event.steps:
            self._become(step, "pending")
        for one in event.resumed or ():
            if one.ended:
                self.ended[one.step] = Ended(None, None)
                self._become(one.step, "succeeded")
        going_on = (one.step for one in event.resumed or () if one.rows and not one.ended)
        self._going_on = frozenset(going_on)

    def _end(self, event: StepEnded) -> None:
        work_done = self.at_work.pop(event.step, None)
        began = work_done.began if work_done else self._fans.get(event.step)
        self.ended[event.step] = Ended(event, began)
        unit = self.units.get(event.step)
        if unit is None or event.step in unit.steps:
            self._become(event.step, event.status)

    def _start(self, event: StepStarted) -> None:
        before = self.at_work.get(event.step)
        speed = Speed(event.at, anew=event.step not in self._going_on)
        self.at_work[event.step] = AtWork(
            event.attempt,
            before.began if before is not None else event.at,
            event.at,
            speed,
            before.of if before is not None else 0,
        )
        self._become(event.step, "running")

    def _unfold(self, unit: Unit) -> None:
        """A step turns out to be one of cells, which stand in its place from now on."""
        before = self.status.pop(unit.name)
        unit.counts[before] -= 1
        self.counts[before] -= 1
        unit.steps.clear()

    def _become(self, step: str, status: StepStatus) -> None:
        unit = self.units.get(unit_of(step))
        if unit is None:
            unit = self.units[unit_of(step)] = Unit(unit_of(step), len(self.units))
            self._order.append(unit)
        before = self.status.get(step)
        if before is None:
            if unit.steps == [unit.name]:
                self._unfold(unit)
            unit.steps.append(step)
        else:
            unit.counts[before] -= 1
            self.counts[before] -= 1
        self.status[step] = status
        unit.counts[status] += 1
        self.counts[status] += 1
        if status == "failed":
            self.failed[step] = None
