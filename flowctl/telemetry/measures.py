"""A run in figures: records and bytes as they are read, steps and runs as they end."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Final

from opentelemetry.metrics import Meter

from flowctl.interpreter.counts import Counts
from flowctl.interpreter.events import (
    Event,
    RunEnded,
    RunStarted,
    StepEnded,
    StepFallingBack,
    StepFannedOut,
    StepProgress,
    StepRetrying,
    StepStarted,
)

_SECONDS: Final = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 6 * 3600, 24 * 3600]


class Measures:
    """Takes the events of a run; what an earlier process has read is not counted again.

    All cells of a step are counted under its name, so that the series stay few.
    """

    def __init__(self, meter: Meter) -> None:
        self._records = meter.create_counter(
            "flowctl.records", "{record}", "Records of streams, by what became of them"
        )
        self._bytes = meter.create_counter("flowctl.bytes.read", "By", "Input that was read")
        self._steps = meter.create_counter("flowctl.steps", "{step}", "Steps that ended")
        self._failures = meter.create_counter(
            "flowctl.failures", "{attempt}", "Attempts that failed, by the first fault's code"
        )
        self._step_time = meter.create_histogram(
            "flowctl.step.duration",
            "s",
            "From a step's first attempt to its end",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._runs = meter.create_counter("flowctl.runs", "{run}", "Runs that ended")
        self._run_time = meter.create_histogram(
            "flowctl.run.duration",
            "s",
            "From the beginning of this process's work on a run to its end",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self._workflow = ""
        self._began: datetime | None = None
        self._since: dict[str, datetime] = {}
        self._read: dict[str, tuple[int, int | None]] = {}
        self._fans: set[str] = set()

    def take(self, event: Event) -> None:
        """Goes one event on."""
        match event:
            case RunStarted():
                self._workflow, self._began = event.workflow, event.at
                # Where in the input it goes on is known by records, not by bytes.
                self._read = {
                    one.step: (one.rows, None) for one in event.resumed or () if not one.ended
                }
            case StepFannedOut():
                self._fans.add(event.step)
            case StepStarted():
                self._since.setdefault(event.step, event.at)
            case StepProgress():
                self._progress(event.step, event.rows, event.bytes)
            case StepRetrying() | StepFallingBack():
                self._failed(event)
            case StepEnded() if event.step in self._fans:
                self._fans.discard(event.step)  # what it was done for each of has been counted
            case StepEnded():
                self._end(event)
            case RunEnded():
                told = {"flowctl.workflow": self._workflow, "flowctl.run.status": event.status}
                self._runs.add(1, told)
                if self._began is not None:
                    self._run_time.record((event.at - self._began).total_seconds(), told)

    def _progress(self, step: str, rows: int, size: int) -> None:
        before, bytes_before = self._read.get(step, (0, 0))
        # An attempt that begins anew reads anew.
        more = rows - before if rows >= before else rows
        self._records.add(more, {**self._of(step), "outcome": "read"})
        if bytes_before is not None:
            self._bytes.add(size - bytes_before if size >= bytes_before else size, self._of(step))
        self._read[step] = (rows, size)

    def _end(self, event: StepEnded) -> None:
        status = {**self._of(event.step), "flowctl.step.status": event.status}
        self._steps.add(1, status)
        if event.status == "failed":
            self._failed(event)
        since = self._since.pop(event.step, None)
        if since is not None:
            self._step_time.record((event.at - since).total_seconds(), status)
        before, _ = self._read.pop(event.step, (0, 0))
        if event.counts is not None:
            for one in fields(Counts):
                number = getattr(event.counts, one.name)
                number = max(0, number - before) if one.name == "read" else number
                if number:
                    self._records.add(number, {**self._of(event.step), "outcome": one.name})

    def _failed(self, event: StepRetrying | StepFallingBack | StepEnded) -> None:
        code = {"flowctl.fault.code": event.faults[0].code.id} if event.faults else {}
        self._failures.add(1, {**self._of(event.step), **code})

    def _of(self, step: str) -> dict[str, str]:
        return {"flowctl.workflow": self._workflow, "flowctl.step.name": step.partition("[")[0]}
