"""A stream step, from its part of the plan to how it ended."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from flowctl.codes.runs import ENGINE_FAULT, RECORD_FAULT, TOO_MANY_REJECTS
from flowctl.dataclass import dataclass
from flowctl.dataflow import BadInput
from flowctl.diagnostics import Fault
from flowctl.interpreter.assembly import Unfit
from flowctl.interpreter.attempt import OF_THE_DATA, Attempt
from flowctl.interpreter.calling import CallFailed, CallStopped
from flowctl.interpreter.careful import EngineRefused
from flowctl.interpreter.checks import CheckFailed
from flowctl.interpreter.components import Components
from flowctl.interpreter.counts import Counts
from flowctl.interpreter.drive import Cancelled, Misread, RecordFailed
from flowctl.interpreter.publish import CannotWrite
from flowctl.interpreter.streamsetting import StreamSetting
from flowctl.plan import Step, Stream, follows


@dataclass(frozen=True, slots=True)
class StreamResult:
    """How a stream ended; `sinks` are the paths published, as the plan has them.

    `columns` are those of its source, with their types. What it has done is `kept` where a stream
    that never ends has failed, to go on behind that.

    A fault's pointer starts at the step: `("transforms", 0, "derive", "speed")`.
    """

    status: Literal["succeeded", "failed", "cancelled"]
    counts: Counts = field(default_factory=Counts)
    sinks: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    kept: bool = False


def run_stream(step: Step, setting: StreamSetting, components: Components) -> StreamResult:
    """Runs a step whose body is a stream; what goes wrong is in the result, not raised."""
    body = step.body
    if not isinstance(body, Stream):
        raise TypeError(f"step {step.id} is no stream")
    attempt = Attempt(step.id, body, setting, components)
    try:
        attempt.run()
    except (Cancelled, CallStopped):
        return StreamResult("cancelled", attempt.total)
    except _FAILURES as error:
        kept = attempt.kept and follows(body)
        return StreamResult("failed", attempt.total, faults=_faults(error, body), kept=kept)
    return StreamResult("succeeded", attempt.total, attempt.published, columns=attempt.columns)


_FAILURES = (*OF_THE_DATA, CannotWrite, CallFailed)


def _faults(error: Exception, body: Stream) -> tuple[Fault, ...]:
    """What a failure says to the author, and at which part of the step."""
    match error:
        case Unfit(faults=faults) | CheckFailed(faults=faults):
            return faults
        case BadInput(fault=fault):
            return (fault.below("source"),)
        case Misread(fault=fault) | CannotWrite(fault=fault) | CallFailed(fault=fault):
            return (fault,)
        case RecordFailed():
            return (_record_fault(error),)
        case EngineRefused(stage=stage):
            return (Fault(ENGINE_FAULT, str(error), (*stage.pointer, stage.kind)),)
    return (Fault(TOO_MANY_REJECTS, str(error), ("max_rejects",)),)


def _record_fault(error: RecordFailed) -> Fault:
    stage, fault = error.fault.stage, error.fault.fault
    (origin,) = error.split.origins([fault.record])
    place = origin.file if origin.line is None else f"{origin.file}:{origin.line}"
    message = f"{place}: {fault.message}" if place else fault.message
    help = "`on_error: skip` leaves such records out, `on_error: reject` also writes them down"
    return Fault(RECORD_FAULT, message, (*stage.pointer, *fault.pointer), help=help)
