"""The exceptions of flowctl; each class carries the exit code that the command line ends with.

What an author does wrong in a workflow is a Diagnostic, not an exception. Exceptions are for the
world outside (files, processes) and for a run that cannot go on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from flowctl.diagnostics import Diagnostic


class FlowctlError(Exception):
    """The root: a failure whose message is meant for a person.

    `diagnostics` explain it, where there are any: for InvalidWorkflow all that was found in the
    workflow, warnings and notes too, for ResumeRefused what has changed since.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str = "", diagnostics: Iterable[Diagnostic] = ()) -> None:
        super().__init__(message)
        self.diagnostics = tuple(diagnostics)


class RunFailed(FlowctlError):
    """A run has ended without success."""


class UsageError(FlowctlError):
    """What is asked for does not exist or does not fit together."""

    exit_code = 2


class InvalidWorkflow(FlowctlError):
    """A workflow has faults, or no plan is known for it before a value is given."""

    exit_code = 3


class ResumeRefused(FlowctlError):
    """An unfinished run cannot go on, because what it stands on has changed."""

    exit_code = 4


class Interrupted(FlowctlError):
    """A signal has ended the run."""

    exit_code = 130
