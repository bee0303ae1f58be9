"""Traces and metrics of a run, sent by OpenTelemetry to where the standard variables say.

`spans` and `measures` make them of the run's events, `exporting` sends them. All of it is loaded
only where a variable asks for it, and stays within a bound of time when a collector does not
answer: what is told of a run must not harm it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
PROTOCOL: Final = "http/protobuf"
SIGNALS: Final = {
    "traces": ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER"),
    "metrics": ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_METRICS_EXPORTER"),
}
"""Of each signal the variable with an endpoint of its own, and the one that can turn it off."""


def signals(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Which signals the variables ask for.

    >>> signals({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"})
    ('traces', 'metrics')
    >>> signals({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_METRICS_EXPORTER": "none"})
    ('traces',)
    >>> signals({})
    ()
    """
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ()
    return tuple(
        signal
        for signal, (own, exporter) in SIGNALS.items()
        if (environment.get(ENDPOINT) or environment.get(own))
        and environment.get(exporter, "otlp") != "none"
    )


def not_spoken(environment: Mapping[str, str]) -> str | None:
    """The protocol that a variable asks for, if it is not the one that is spoken."""
    found = environment.get("OTEL_EXPORTER_OTLP_PROTOCOL", PROTOCOL)
    return found if found != PROTOCOL else None
