"""The contract between the scheduler and the actions (steps that are no stream) at run time.

An action is given a workplace: it asks there for the values of run-time expressions and has its
commands run there. How output is kept, secrets are hidden and processes are ended is the
workplace's matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault
from flowctl.syntax.node import Json
from flowctl.workers.calls import Call

StreamName: TypeAlias = Literal["stdout", "stderr"]


@dataclass(frozen=True, slots=True)
class Command:
    """A program to start: `argv[0]` is looked up on the `PATH` of `environment`.

    Where that has been done, `program` is the file.
    """

    argv: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str]
    program: str | None = None


@dataclass(frozen=True, slots=True)
class Exited:
    """How a process ended.

    `code` is 128 and the signal's number where a signal ended it; `signal` is then its name.
    `stopped` tells that it was ended because the run is, `timed_out` that its time was over.
    """

    code: int
    signal: str | None = None
    stopped: bool = False
    timed_out: bool = False


@dataclass(frozen=True, slots=True)
class Finished:
    """How an action ended: well, if there are no faults. Their pointers lead into its arguments.

    `causes` are what `retry.on` may call the failure: `timeout`, an exit code, the class of an
    exception or one above it. `outputs` are what it hands on. `stopped` tells that it was
    ended because the run is.
    """

    exit_code: int | None = None
    faults: tuple[Fault, ...] = field(default=())
    stopped: bool = False
    causes: tuple[str, ...] = ()
    outputs: Mapping[str, Json] = field(default_factory=dict)


class ValueFault(Exception):
    """A run-time expression has no value (`1 // 0`, a secret that is not there)."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class OutOfTime(Exception):
    """What was called has taken longer than the step's `timeout`, and was ended."""


class NotStarted(Exception):
    """The system does not start a command; the text says why."""


class Workplace(Protocol):
    """What an action may use of the world."""

    @property
    def base(self) -> Path:
        """The workflow's folder."""
        ...

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that a command begins with; those that hold secrets are not among them."""
        ...

    def text(self, expression: str) -> str:
        """The value of a canonical run-time expression as text; raises ValueFault."""
        ...

    def value(self, expression: str) -> Json:
        """The value of a canonical run-time expression; raises ValueFault."""
        ...

    @property
    def outputs(self) -> Path:
        """An empty file of the attempt's own, in which a command may write its outputs."""
        ...

    def launch(self, command: Command) -> Exited:
        """Runs a command to its end, keeping its output; raises NotStarted."""
        ...

    def call(self, call: Call, root: Path, environment: Mapping[str, str]) -> Json:
        """What a function of the project below `root` returns, which is JSON.

        What it prints is kept. Raises WorkerFailed, and OutOfTime.
        """
        ...
