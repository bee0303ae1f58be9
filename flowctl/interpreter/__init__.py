"""Runs plans: takes a Plan and nothing else of the compiler, and speaks in events.

`scheduler` decides which step is next, `workplace` and `streams` do the work of a step, `events`
says what happens and what it adds up to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeAlias

from flowctl.diagnostics import Diagnostic, Fault
from flowctl.interpreter.cancellation import cancelled_by_signals
from flowctl.interpreter.emitter import Emitter, SubscriberFailed
from flowctl.interpreter.events import (
    OnEvent,
    Resumed,
    RunEnded,
    RunStarted,
    RunState,
    RunStatus,
    StepEnded,
    StepFallingBack,
    StepRetrying,
    StepStarted,
)
from flowctl.interpreter.history import Ended, History, keep_plan
from flowctl.interpreter.masking import Mask
from flowctl.interpreter.performer import Performer
from flowctl.interpreter.places import diagnosed
from flowctl.interpreter.result import RunResult, result_of
from flowctl.interpreter.resume import Outlook, Refused, forget, look
from flowctl.interpreter.scheduler import Ending, Scheduler, Work
from flowctl.interpreter.setting import Setting
from flowctl.interpreter.vault import read_secrets
from flowctl.plan import Plan, Step
from flowctl.plan_file import sealed
from flowctl.registry import Registry, builtin

__all__ = ["RunResult", "Setting", "run"]


def run(
    plan: Plan, setting: Setting, on_event: OnEvent, registry: Registry | None = None
) -> RunResult:
    """Runs a plan to its end; what goes wrong in a step is in the result, not an exception.

    `on_event` is called with each event in order, by one thread at a time. SIGINT and SIGTERM stop
    the run if the main thread calls this: commands are ended, streams publish nothing, and the
    status is `cancelled`. What the setting's folder keeps of a run is gone on with; raises Refused
    where that cannot be, and what `on_event` raises.
    """
    registry = registry or builtin()
    plan = plan if plan.digest else sealed(plan)
    outlook = look(plan, setting, registry) if setting.checkpoints is not None else Outlook({})
    if outlook.faults:
        raise Refused(outlook.faults)
    vault = read_secrets(plan.secrets, setting.environment, setting.base)
    mask = Mask(vault.values.values())
    emit = Emitter(mask, on_event)
    performer = Performer(plan, setting, registry, vault, mask, emit)
    with _remembering(plan, setting) as remember:
        work = _work(plan, setting, performer, emit, outlook, remember, mask)
        scheduler = Scheduler(
            plan, work, setting.cancellation, setting.pace, keep_going=setting.keep_going
        )
        steps = tuple(step.id for step in plan.steps)
        began = RunStarted(
            setting.clock(), setting.run, plan.name, plan.digest, steps, _resumed(outlook)
        )
        try:
            with cancelled_by_signals(setting.cancellation):
                emit(began)
                with ThreadPoolExecutor(setting.workers, "step") as executor:
                    scheduler.run(executor, setting.workers)
                emit(RunEnded(setting.clock(), setting.run, _status(emit.state, setting)))
        except SubscriberFailed as failed:
            raise failed.__cause__ or failed from None
        finally:
            performer.close()
    result = result_of(emit.state)
    if not result.unfinished:
        forget(setting.folder)
    return result


Remember: TypeAlias = Callable[[Ended], None]


@contextmanager
def _remembering(plan: Plan, setting: Setting) -> Iterator[Remember]:
    """While it lasts, steps that succeed can be remembered for the processes to come."""
    if setting.checkpoints is None:
        yield lambda ended: None
        return
    keep_plan(setting.folder, plan, setting.disk)
    history = History.open(setting.folder, setting.disk)
    try:
        yield history.keep
    finally:
        history.close()


def _work(
    plan: Plan,
    setting: Setting,
    performer: Performer,
    emit: Emitter,
    outlook: Outlook,
    remember: Remember,
    mask: Mask,
) -> Work:
    """What the scheduler has done; a step that an earlier process has ended stays as it is."""
    before = {id: step.ended for id, step in outlook.steps.items() if step.ended is not None}

    def perform(step: Step) -> Ending:
        done = before.get(step.id)
        if done is None:
            return performer.perform(step)
        why = "it had ended before"
        return Ending(
            "succeeded",
            done.counts,
            done.sink,
            exit_code=done.exit_code,
            why=why,
            outputs=done.outputs,
        )

    def began(step: Step, attempt: int) -> None:
        if step.id not in before:
            emit(StepStarted(setting.clock(), step.id, attempt))

    def retrying(step: Step, attempt: int, delay: float, end: Ending) -> None:
        of = step.retry.attempts if step.retry is not None else attempt
        now, code = setting.clock(), end.exit_code
        emit(StepRetrying(now, step.id, attempt, of, delay, code, end.faults))

    def falling(step: Step, end: Ending) -> None:
        emit(StepFallingBack(setting.clock(), step.id, end.exit_code, end.faults))

    def ended(step: Step, end: Ending) -> None:
        if end.status == "succeeded" and step.id not in before:
            outputs = {name: mask.json(value) for name, value in end.outputs.items()}
            remember(Ended(step.id, step.digest, end.counts, end.sink, end.exit_code, outputs))
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
                end.outputs,
                step.continue_on_error and end.status == "failed",
            )
        )

    def place(step: Step, fault: Fault) -> Diagnostic:
        return diagnosed(plan, setting.base, step.id, fault)

    return Work(
        perform=perform,
        recover=performer.recover,
        holds=performer.names.holds,
        began=began,
        retrying=retrying,
        falling=falling,
        ended=ended,
        place=place,
    )


def _resumed(outlook: Outlook) -> tuple[Resumed, ...] | None:
    if not outlook.resumes:
        return None
    return tuple(
        Resumed(step.step, step.rows, step.place, ended=step.action == "done")
        for step in outlook.steps.values()
        if step.action != "run"
    )


def _status(state: RunState, setting: Setting) -> RunStatus:
    statuses = {step.status for step in state.steps.values()}
    if setting.cancellation.asked and "cancelled" in statuses:
        return "cancelled"
    return "failed" if any(step.spoils for step in state.steps.values()) else "succeeded"
