"""Sends what the events of a run tell to a collector, by OTLP over HTTP, and never harms the run.

The standard variables hold, as OpenTelemetry's SDK reads them: endpoints, headers, timeouts,
certificates, `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, samplers, sizes of batches. With
`TRACEPARENT` the run is a part of what has started it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from textwrap import shorten
from typing import Final

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from flowctl import __version__
from flowctl.interpreter.events import Event, OnEvent
from flowctl.telemetry.measures import Measures
from flowctl.telemetry.spans import RunIds, Spans

PATIENCE: Final = 3.0
"""Seconds after a run's end for which a collector is waited for."""
_SENDERS: Final = ("opentelemetry", "urllib3")


class _Complaints(logging.Handler):
    """Keeps the first thing that was lost; what the libraries log must not write into a display.

    `tried` is the last warning, as of an attempt that failed: it is made again, and what that
    comes to is told as an error, if there is time for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.first: str | None = None
        self.tried: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        lost = record.levelno >= logging.ERROR or str(record.msg).startswith("Queue full")
        message = shorten(record.getMessage(), 200, placeholder=" …")
        if lost:
            self.first = self.first or message
        else:
            self.tried = message


class _Telling:
    """Hands events on to those who tell of them; whoever stumbles is heard no more."""

    def __init__(self, complaints: _Complaints) -> None:
        self.takers: list[OnEvent] = []
        self.ends: list[Callable[[], object]] = []
        self._complaints = complaints

    def take(self, event: Event) -> None:
        for taker in tuple(self.takers):
            try:
                taker(event)
            except Exception as error:
                self.takers.remove(taker)
                self._complaints.first = self._complaints.first or repr(error)


@contextmanager
def exporting(
    asked: Sequence[str], environment: Mapping[str, str], warn: Callable[[str], None]
) -> Iterator[OnEvent]:
    """While it lasts, events that are handed in are told of; at the end all is sent.

    `asked` are the signals. Waits at its end for PATIENCE seconds at most, and warns in a line
    where not all was received.
    """
    complaints = _Complaints()
    telling = _Telling(complaints)
    with _heard(complaints) as let_go:
        try:
            _set_up(telling, asked, environment)
        except Exception as error:  # a certificate that is not there, an endpoint that is none
            complaints.first = str(error) or repr(error)
        try:
            yield telling.take
        finally:
            answered = _in_time(telling.ends)
            if answered:
                let_go()
            if not answered or complaints.first is not None:
                late = f"the collector has not answered in {PATIENCE:.0f} s"
                tried = f"{late}: {complaints.tried}" if complaints.tried else late
                why = complaints.first or tried
                warn(f"telemetry is not complete: {why}")


def _set_up(telling: _Telling, asked: Sequence[str], environment: Mapping[str, str]) -> None:
    resource = Resource.create(_resource(environment))
    if "traces" in asked:
        ids = RunIds()
        tracers = TracerProvider(resource=resource, id_generator=ids, shutdown_on_exit=False)
        tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        parent = TraceContextTextMapPropagator().extract(_carrier(environment))
        spans = Spans(tracers.get_tracer("flowctl", __version__), ids, parent)

        def end() -> None:
            spans.close()
            tracers.shutdown()

        telling.takers.append(spans.take)
        telling.ends.append(end)
    if "metrics" in asked:
        reader = PeriodicExportingMetricReader(OTLPMetricExporter())
        meters = MeterProvider([reader], resource, shutdown_on_exit=False)
        telling.takers.append(Measures(meters.get_meter("flowctl", __version__)).take)
        telling.ends.append(meters.shutdown)


@contextmanager
def _heard(complaints: _Complaints) -> Iterator[Callable[[], None]]:
    """What the libraries log goes to the handler alone, until they are let go.

    Threads that were given up may log later still, so they are not let go.
    """
    loggers = [logging.getLogger(name) for name in _SENDERS]
    before = [logger.propagate for logger in loggers]

    def let_go() -> None:
        for logger, propagate in zip(loggers, before, strict=True):
            logger.removeHandler(complaints)
            logger.propagate = propagate

    for logger in loggers:
        logger.addHandler(complaints)
        logger.propagate = False
    yield let_go


def _in_time(ends: Sequence[Callable[[], object]]) -> bool:
    """Ends the senders side by side; tells whether all have ended in time."""
    threads = [threading.Thread(target=end, name="telemetry", daemon=True) for end in ends]
    over = threading.Event()

    def wait() -> None:
        for thread in threads:
            thread.join()
        over.set()

    for thread in (*threads, threading.Thread(target=wait, daemon=True)):
        thread.start()
    return over.wait(PATIENCE)


def _resource(environment: Mapping[str, str]) -> dict[str, str]:
    """What is said of this service, unless the variables say otherwise."""
    found = {"service.version": __version__}
    named = environment.get("OTEL_RESOURCE_ATTRIBUTES", "")
    if not environment.get("OTEL_SERVICE_NAME") and "service.name=" not in named:
        found["service.name"] = "flowctl"
    return found


def _carrier(environment: Mapping[str, str]) -> dict[str, str]:
    names = {"TRACEPARENT": "traceparent", "TRACESTATE": "tracestate"}
    return {name: environment[one] for one, name in names.items() if one in environment}
