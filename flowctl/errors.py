"""The exceptions of flowctl; each class carries the exit code that the command line ends with.

What an author does wrong in a workflow is a Diagnostic, not an exception. Exceptions are for the
world outside (files, processes) and for a run that cannot go on.
"""

from __future__ import annotations

from typing import ClassVar


class FlowctlError(Exception):
    """The root: a failure whose message is meant for a person."""

    exit_code: ClassVar[int] = 1


class RunFailed(FlowctlError):
    """A run has ended without success."""


class UsageError(FlowctlError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_code = 2


class InvalidWorkflow(FlowctlError):
    """A workflow has faults; they are in the report that the caller holds."""

    exit_code = 3


class ResumeRefused(FlowctlError):
    """An unfinished run cannot go on, because what it stands on has changed."""

    exit_code = 4


class Interrupted(FlowctlError):
    """A signal has ended the run."""

    exit_code = 130
