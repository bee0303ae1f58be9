"""A run as a trace: a span for it, below that one for each step, and below these the attempts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import TypeAlias

from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Span, Status, StatusCode, Tracer, set_span_in_context

from flowctl.diagnostics import Diagnostic
from flowctl.interpreter.counts import Counts
from flowctl.interpreter.events import (
    Event,
    HookEnded,
    RunEnded,
    RunStarted,
    StepEnded,
    StepFallingBack,
    StepFannedOut,
    StepNoticed,
    StepProgress,
    StepRetrying,
    StepStarted,
)

Attributes: TypeAlias = dict[str, str | int | bool]


class RunIds(RandomIdGenerator):
    """Gives all processes that work on a run one trace; `run` is its id."""

    run = ""

    def generate_trace_id(self) -> int:
        return int.from_bytes(hashlib.sha256(self.run.encode()).digest()[:16])


class Spans:
    """Takes the events of a run; a span is ended when what it tells of has ended.

    Steps that an earlier process has ended have no span here: it has sent them. `parent` is what
    the run is a part of.
    """

    def __init__(self, tracer: Tracer, ids: RunIds, parent: Context) -> None:
        self._tracer = tracer
        self._ids = ids
        self._parent = parent
        self._run: Span | None = None
        self._steps: dict[str, Span] = {}
        self._attempts: dict[str, Span] = {}
        self._bytes: dict[str, int] = {}
        self._last: datetime | None = None

    def take(self, event: Event) -> None:
        """Goes one event on."""
        self._last = event.at
        match event:
            case RunStarted():
                self._begin(event)
            case StepStarted():
                self._start(event)
            case StepFannedOut():
                fan = self._step(event.step, event.at)
                fan.set_attribute("flowctl.foreach.items", len(event.items))
            case StepProgress():
                self._bytes[event.step] = event.bytes
            case StepRetrying() | StepFallingBack():
                self._end_attempt(event.step, event.at, "failed", event.exit_code, event.faults)
                if isinstance(event, StepFallingBack):
                    self._step(event.step, event.at).add_event("fallback", {}, _time(event.at))
            case StepNoticed():
                _tell(self._step(event.step, event.at), event.at, event.faults)
            case StepEnded():
                self._end(event)
            case HookEnded():
                self._hook(event)
            case RunEnded():
                self._finish(event.at, event.status)

    def close(self) -> None:
        """Ends what is still open, as where the process had to give up."""
        if self._run is not None and self._last is not None:
            self._finish(self._last, "interrupted")

    def _begin(self, event: RunStarted) -> None:
        self._ids.run = event.run
        attributes: Attributes = {
            "flowctl.run.id": event.run,
            "flowctl.workflow": event.workflow,
            "flowctl.plan.digest": event.digest,
            "flowctl.session": event.session,
            "flowctl.steps": len(event.steps),
            "flowctl.resumed": event.resumed is not None,
        }
        if event.provenance is not None and event.provenance.commit is not None:
            attributes["vcs.ref.head.revision"] = event.provenance.commit
        self._run = self._tracer.start_span(
            f"run {event.workflow}", self._parent, attributes=attributes, start_time=_time(event.at)
        )

    def _step(self, step: str, at: datetime) -> Span:
        """The span of a step, which begins now unless it has begun before.

        What a step is done for each of stands below it.
        """
        if step not in self._steps:
            attributes: Attributes = {"flowctl.step.id": step}
            name = step.partition("[")[0]
            if name != step:
                attributes["flowctl.step.name"] = name
            above = self._steps.get(step.rpartition("[")[0], self._run)
            self._steps[step] = self._below(above, f"step {step}", at, attributes)
        return self._steps[step]

    def _below(self, above: Span | None, name: str, at: datetime, attributes: Attributes) -> Span:
        context = set_span_in_context(above) if above is not None else self._parent
        return self._tracer.start_span(name, context, attributes=attributes, start_time=_time(at))

    def _start(self, event: StepStarted) -> None:
        step = self._step(event.step, event.at)
        attributes: Attributes = {
            "flowctl.step.id": event.step,
            "flowctl.step.digest": event.digest,
            "flowctl.attempt": event.attempt,
        }
        name = f"attempt {event.attempt} of {event.step}"
        self._attempts[event.step] = self._below(step, name, event.at, attributes)
        step.set_attribute("flowctl.step.attempts", event.attempt)

    def _end_attempt(
        self,
        step: str,
        at: datetime,
        status: str,
        exit_code: int | None,
        faults: tuple[Diagnostic, ...],
    ) -> None:
        attempt = self._attempts.pop(step, None)
        if attempt is not None:
            _close(attempt, at, status, exit_code, faults)

    def _end(self, event: StepEnded) -> None:
        self._end_attempt(event.step, event.at, event.status, event.exit_code, event.faults)
        step = self._step(event.step, event.at)
        if event.counts is not None:
            step.set_attributes(_counted(event.counts))
        if event.step in self._bytes:
            step.set_attribute("flowctl.bytes.read", self._bytes.pop(event.step))
        if event.forgiven:
            step.set_attribute("flowctl.step.forgiven", True)
        _close(step, event.at, event.status, event.exit_code, event.faults, event.why)
        del self._steps[event.step]

    def _hook(self, event: HookEnded) -> None:
        span = self._steps.get(event.step) if event.step is not None else None
        span = span or self._run
        if span is not None:
            told: Attributes = {"flowctl.hook": event.hook}
            if event.step is not None:
                told["flowctl.step.id"] = event.step
            if event.exit_code is not None:
                told["process.exit.code"] = event.exit_code
            span.add_event("hook", told, _time(event.at))
            _tell(span, event.at, event.faults)

    def _finish(self, at: datetime, status: str) -> None:
        open_status = "cancelled" if status == "cancelled" else "interrupted"
        for span in (*self._attempts.values(), *self._steps.values()):
            _close(span, at, open_status, None, ())
        self._attempts.clear()
        self._steps.clear()
        if self._run is not None:
            _close(self._run, at, status, None, (), key="flowctl.run.status")
        self._run = None


def _close(
    span: Span,
    at: datetime,
    status: str,
    exit_code: int | None,
    faults: tuple[Diagnostic, ...],
    why: str | None = None,
    key: str = "flowctl.step.status",
) -> None:
    span.set_attribute(key, status)
    if exit_code is not None:
        span.set_attribute("process.exit.code", exit_code)
    if why is not None:
        span.set_attribute("flowctl.step.why", why)
    _tell(span, at, faults)
    if status in ("failed", "interrupted"):
        span.set_status(Status(StatusCode.ERROR, faults[0].message if faults else status))
    elif status in ("succeeded", "recovered"):
        span.set_status(Status(StatusCode.OK))
    span.end(_time(at))


def _tell(span: Span, at: datetime, faults: tuple[Diagnostic, ...]) -> None:
    for fault in faults:
        told: Attributes = {
            "flowctl.fault.code": fault.code.id,
            "flowctl.fault.severity": fault.severity,
            "flowctl.fault.message": fault.message,
        }
        if fault.span is not None:
            told["code.file.path"] = fault.span.file
            told["code.line.number"] = fault.span.line
        span.add_event("fault", told, _time(at))


def _counted(counts: Counts) -> Mapping[str, int]:
    return {f"flowctl.records.{one.name}": getattr(counts, one.name) for one in fields(Counts)}


def _time(at: datetime) -> int:
    """Nanoseconds since 1970."""
    return int(at.timestamp() * 1_000_000) * 1_000
