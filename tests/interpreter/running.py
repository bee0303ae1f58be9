"""Runs plans that are made by hand, and keeps their events."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar

from flowctl.interpreter import Run, Setting, run
from flowctl.interpreter.events import Event, OnEvent, StepOutput
from flowctl.kinds.steps.run import COMPONENT
from flowctl.plan import Operation, Plan, Secret, Step
from flowctl.registry import Registry
from flowctl.syntax.node import Json

T = TypeVar("T")


def command(id: str, run: Json, *needs: str, condition: str | None = None, **options: Json) -> Step:
    """A step that runs a command; options as in a canonical plan."""
    return Step(id, Operation("run", {"run": run, **options}), needs, condition=condition)


def plan(*steps: Step, secrets: tuple[Secret, ...] = ()) -> Plan:
    return Plan("test", steps, secrets=secrets)


@dataclass
class Runner:
    """Runs plans of commands in one folder; each run has its number."""

    base: Path
    registry: Registry = field(default_factory=lambda: Registry.of([COMPONENT]))
    events: list[Event] = field(default_factory=list)
    runs: int = 0

    def setting(self, **changes: object) -> Setting:
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        setting = Setting(
            base=self.base,
            state=self.base / ".flowctl",
            run=f"r{self.runs}",
            environment=environment,
            clock=lambda: datetime.now(UTC),
            grace=0.2,
        )
        return replace(setting, **changes)  # type: ignore[arg-type]

    def __call__(self, plan: Plan, on_event: OnEvent | None = None, **changes: object) -> Run:
        self.runs += 1
        self.events.clear()

        def keep(event: Event) -> None:
            self.events.append(event)
            if on_event is not None:
                on_event(event)

        return run(plan, self.setting(**changes), keep, self.registry)

    def log(self, step: str) -> bytes:
        """What the step has printed, as the log of the last run holds it."""
        path = self.setting().log(step)
        return path.read_bytes() if path.exists() else b""

    def lines(self, step: str) -> list[str]:
        """What the step has printed, as events told it."""
        return [
            event.line
            for event in self.events
            if isinstance(event, StepOutput) and event.step == step
        ]


def statuses(result: Run) -> Mapping[str, str]:
    return {id: step.status for id, step in result.steps.items()}


@dataclass
class Leaping:
    """A pace at which waiting takes no time: where nothing is at work, the clock leaps forward.

    `chances` are given out in turn.
    """

    time: float = 0.0
    chances: list[float] = field(default_factory=lambda: [0.0])
    drawn: int = 0

    def now(self) -> float:
        return self.time

    def next(self, messages: SimpleQueue[T], seconds: float, *, busy: bool) -> T:
        if busy:
            return messages.get(timeout=seconds)
        try:
            return messages.get_nowait()
        except Empty:
            self.time += seconds
            raise

    def chance(self) -> float:
        self.drawn += 1
        return self.chances[(self.drawn - 1) % len(self.chances)]
