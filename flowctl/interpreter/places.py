"""Leads from a part of the plan back to the line of the author's file."""

from __future__ import annotations

import os
from pathlib import Path

from flowctl.diagnostics import Diagnostic, Fault, Frame, Span
from flowctl.plan import Plan, place_key


def span_of(plan: Plan, base: Path, step: str, pointer: tuple[str | int, ...] = ()) -> Span | None:
    """The place of the nearest part around `pointer` that the plan knows the place of."""
    if place_key(step) not in plan.positions:
        step = step.rpartition("[")[0] or step  # a cell that only the run has made
    for length in range(len(pointer), -1, -1):
        if place := plan.positions.get(place_key(step, *pointer[:length])):
            file = Path(os.path.normpath(base / place.file)).as_posix()
            return Span(file, place.line, place.column, place.end_line, place.end_column)
    return None


def diagnosed(plan: Plan, base: Path, step: str, fault: Fault) -> Diagnostic:
    """A fault of the run, told at the place of the step's part that it is about.

    One of a cell says of which.
    """
    span = span_of(plan, base, step, fault.pointer)
    fan, bracket, _ = step.rpartition("[")
    list = (
        span_of(plan, base, fan, ("foreach",)) if bracket and step not in plan.positions else None
    )
    trace = (Frame("foreach", step, list),) if list is not None else ()
    return Diagnostic(fault.code, fault.message, span, fault.help, trace=trace)
