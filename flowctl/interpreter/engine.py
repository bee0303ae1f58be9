"""Has Polars loaded by the time a run listens to signals."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Final

from flowctl.files.allocation import settled
from flowctl.interpolation import expressions_in
from flowctl.plan import Operation, Plan, Step, Stream

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*(\(\))?")


def load_engine(plan: Plan, memory: int) -> None:
    """Loads Polars where the plan moves records or computes a value, within `memory` bytes.

    When it is loaded, it handles SIGINT before whoever did so until then, in a way that wakes
    nobody who waits for a lock, and ends its own queries by an exception. Handlers that are set
    afterwards replace that one, so a run must not come to load it under its own.
    """
    if any(isinstance(step.body, Stream) for step in plan.steps) or any(map(_computes, _all(plan))):
        with settled(memory):
            import_module("polars")


def _all(plan: Plan) -> Iterator[str]:
    """The run-time expressions of a plan without records."""
    for _, expression in plan.outputs:
        yield expression
    for _, hook in plan.hooks:
        yield from expressions_in(hook.arguments)
    for step in plan.steps:
        yield from filter(None, (step.condition, step.foreach))
        for operation in _operations(step):
            yield from expressions_in(operation.arguments)


def _operations(step: Step) -> Iterator[Operation]:
    if isinstance(step.body, Operation):
        yield step.body
    if step.fallback is not None:
        yield step.fallback
    for _, hook in step.hooks:
        yield hook


def _computes(expression: str) -> bool:
    """A name or a question for the status is only looked up."""
    return _NAME.fullmatch(expression) is None
