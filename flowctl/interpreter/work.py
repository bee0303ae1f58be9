"""What the scheduler has others do, and how that ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field

from flowctl.dataclass import dataclass
from flowctl.diagnostics import Diagnostic, Fault
from flowctl.interpreter.counts import Counts
from flowctl.interpreter.events import StepStatus
from flowctl.interpreter.verdicts import Below
from flowctl.plan import Step
from flowctl.syntax.node import Json


@dataclass(frozen=True, slots=True)
class Ending:
    """How a step has ended; the fields are those of `StepEnded`.

    `causes` are what `retry.on` may call a failure.
    """

    status: StepStatus
    counts: Counts | None = None
    sink: tuple[str, ...] = ()
    exit_code: int | None = None
    faults: tuple[Diagnostic, ...] = ()
    why: str | None = None
    outputs: Mapping[str, Json] = field(default_factory=dict)
    causes: tuple[str, ...] = ()
    resumable: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """What the scheduler has others do.

    `perform` does an attempt at a step's work and `recover` its fallback, on one of the executor's
    threads; `conclude` ends one that uses a workflow, once that has come to a good end. `holds`
    decides on a step's condition; `began`, `retrying` (with the attempt that failed and the seconds
    until the next one), `falling` (back, after the last one) and `ended` tell the world; `before`
    and `after` give what is still to be done when a workflow within a step begins, and once a step
    has ended; `place` says where a fault was written. `fan_out` gives the cells of a step with a
    `foreach`, and `together` what they have come to once all have ended. Nothing begins while
    `may_begin` says no. `known` is how a step with a `cache` has ended before, if it need not run;
    it is asked on one of the executor's threads. What has come to its end before is in `finished`,
    as others see it, and nobody is told again; what is in `fanned` has its cells from before;
    `spent` are the attempts that have failed before.
    """

    perform: Callable[[Step], Ending]
    recover: Callable[[Step, Ending], Ending]
    conclude: Callable[[Step], Ending]
    holds: Callable[[Step, str, Below], bool]
    began: Callable[[Step], None]
    retrying: Callable[[Step, int, float, Ending], None]
    falling: Callable[[Step, Ending], None]
    ended: Callable[[Step, Ending], None]
    before: Callable[[Step], Callable[[], None] | None]
    after: Callable[[Step, StepStatus], Callable[[], None] | None]
    place: Callable[[Step, Fault], Diagnostic]
    fan_out: Callable[[Step], Sequence[Step] | Fault]
    together: Callable[[Step], Ending]
    may_begin: Callable[[], bool] = lambda: True
    known: Callable[[Step], Ending | None] = lambda step: None
    finished: Mapping[str, StepStatus] = field(default_factory=dict)
    fanned: frozenset[str] = frozenset()
    spent: Mapping[str, int] = field(default_factory=dict)
