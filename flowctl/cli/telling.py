"""Shows the diagnostics that come with a plan, and those that an exception carries."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flowctl.api.compiled import Compiled
from flowctl.api.preparing import plan_in
from flowctl.cli.render import Screen
from flowctl.errors import InvalidWorkflow, ResumeRefused
from flowctl.plan import Plan


def plan_of(result: Compiled, screen: Screen) -> Plan:
    """The plan, once all that was found is shown; raises InvalidWorkflow where there is none."""
    with telling(screen):
        plan = plan_in(result.plan, result.diagnostics)
    screen.diagnostics(result.diagnostics)
    return plan


@contextmanager
def telling(screen: Screen) -> Iterator[None]:
    """Shows why there is no plan, or why a run cannot go on; the exception goes on without."""
    try:
        yield
    except InvalidWorkflow as error:
        screen.diagnostics(error.diagnostics)
        told = any(found.severity == "error" for found in error.diagnostics)
        raise InvalidWorkflow("" if told else str(error)) from None
    except ResumeRefused as error:
        screen.diagnostics(error.diagnostics, counted=False)
        raise ResumeRefused(str(error)) from None
