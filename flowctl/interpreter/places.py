"""Leads from a part of the plan back to the line of the author's file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from flowctl.diagnostics import Diagnostic, Fault, Frame, Span
from flowctl.plan import Plan, place_key


def span_of(plan: Plan, base: Path, step: str, pointer: tuple[str | int, ...] = ()) -> Span | None:
    """The place of the nearest part around `pointer` that the plan knows the place of."""
    step = _written(plan, step)
    for length in range(len(pointer), -1, -1):
        if place := plan.positions.get(place_key(step, *pointer[:length])):
            file = Path(os.path.normpath(base / place.file)).as_posix()
            return Span(file, place.line, place.column, place.end_line, place.end_column)
    return None


def diagnosed(plan: Plan, base: Path, step: str, fault: Fault) -> Diagnostic:
    """A fault of the run, told at the place of the step's part that it is about.

    It says of which cell, and by way of which steps that use a workflow.
    """
    span = span_of(plan, base, step, fault.pointer)
    trace = tuple(_way(plan, base, step))
    return Diagnostic(fault.code, fault.message, span, fault.help, trace=trace)


def _way(plan: Plan, base: Path, step: str) -> Iterator[Frame]:
    """The cells and the used workflows in which a step is, from the outermost."""
    outer = [step[:end] for end, letter in enumerate(step) if letter == "/"]
    for id, within in pairwise([*outer, step, ""]):
        known = place_key(id) in plan.positions
        if id.endswith("]"):
            kind, part = ("matrix", ()) if known else ("foreach", ("foreach",))
            cell = span_of(plan, base, id, part)
            if cell is not None:
                yield Frame(kind, id, cell)
        if within and place_key(id, "uses") in plan.positions:
            use = span_of(plan, base, id, ("uses",))
            used = plan.positions.get(place_key(_written(plan, within)))
            if use is not None and used is not None:
                yield Frame("uses", used.file, use)


def _written(plan: Plan, step: str) -> str:
    """The step, or that of which it is a cell that only the run has made."""
    return step if place_key(step) in plan.positions else step.rpartition("[")[0] or step
