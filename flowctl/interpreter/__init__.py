"""Runs plans: takes a Plan and nothing else of the compiler, and speaks in events.

`scheduler` decides which step is next, `workplace` and `streams` do the work of a step, `events`
says what happens and what it adds up to.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from flowctl.diagnostics import Diagnostic, Fault
from flowctl.interpreter.cancellation import cancelled_by_signals
from flowctl.interpreter.emitter import Emitter, SubscriberFailed
from flowctl.interpreter.events import (
    OnEvent,
    RunEnded,
    RunStarted,
    RunState,
    RunStatus,
    StepEnded,
    StepStarted,
)
from flowctl.interpreter.masking import Mask
from flowctl.interpreter.performer import Performer
from flowctl.interpreter.places import diagnosed
from flowctl.interpreter.result import RunResult, result_of
from flowctl.interpreter.scheduler import Ending, Scheduler, Work
from flowctl.interpreter.setting import Setting
from flowctl.interpreter.vault import read_secrets
from flowctl.plan import Plan, Step
from flowctl.registry import Registry, builtin

__all__ = ["RunResult", "Setting", "run"]


def run(
    plan: Plan, setting: Setting, on_event: OnEvent, registry: Registry | None = None
) -> RunResult:
    """Runs a plan to its end; what goes wrong in a step is in the result, not an exception.

    `on_event` is called with each event in order, by one thread at a time. SIGINT and SIGTERM stop
    the run if the main thread calls this: commands are ended, streams publish nothing, and the
    status is `cancelled`. Raises what `on_event` raises.
    """
    vault = read_secrets(plan.secrets, setting.environment, setting.base)
    mask = Mask(vault.values.values())
    emit = Emitter(mask, on_event)
    performer = Performer(plan, setting, registry or builtin(), vault, mask, emit)

    def began(step: Step) -> None:
        emit(StepStarted(setting.clock(), step.id, attempt=1))

    def ended(step: Step, end: Ending) -> None:
        emit(
            StepEnded(
                setting.clock(),
                step.id,
                end.status,
                end.counts,
                end.sink,
                end.exit_code,
                end.faults,
                end.why,
            )
        )

    def place(step: Step, fault: Fault) -> Diagnostic:
        return diagnosed(plan, setting.base, step.id, fault)

    work = Work(performer.perform, performer.names.holds, began, ended, place)
    scheduler = Scheduler(plan, work, setting.cancellation, keep_going=setting.keep_going)
    steps = tuple(step.id for step in plan.steps)
    try:
        with cancelled_by_signals(setting.cancellation), performer:
            emit(RunStarted(setting.clock(), setting.run, plan.name, plan.digest, steps))
            with ThreadPoolExecutor(setting.workers, "step") as executor:
                scheduler.run(executor, setting.workers)
            emit(RunEnded(setting.clock(), setting.run, _status(emit.state, setting)))
    except SubscriberFailed as failed:
        raise failed.__cause__ or failed from None
    return result_of(emit.state)


def _status(state: RunState, setting: Setting) -> RunStatus:
    statuses = {step.status for step in state.steps.values()}
    if setting.cancellation.asked and "cancelled" in statuses:
        return "cancelled"
    return "failed" if "failed" in statuses else "succeeded"
