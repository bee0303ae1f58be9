"""Runs plans: takes a Plan and nothing else of the compiler, and speaks in events.

`scheduler` decides which step is next, `workplace` and `stream` do the work of a step, `events` say
what happens and `state` what it adds up to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from flowctl.action import ValueFault
from flowctl.diagnostics import Diagnostic, Fault
from flowctl.errors import ResumeRefused
from flowctl.interpreter.cancellation import cancelled_by_signals
from flowctl.interpreter.emitter import Emitter, SubscriberFailed
from flowctl.interpreter.engine import load_engine
from flowctl.interpreter.events import (
    ENDED,
    OnEvent,
    Resumed,
    RunEnded,
    RunPaused,
    RunStarted,
    RunStatus,
    RunStopping,
    RunUnpaused,
    StepEnded,
    StepFallingBack,
    StepFannedOut,
    StepRetrying,
    StepStarted,
    StepStatus,
)
from flowctl.interpreter.fanning import cell_id, cell_steps, states_of, together
from flowctl.interpreter.forgetting import discard, forget, forget_step
from flowctl.interpreter.handing import handing
from flowctl.interpreter.history import Recorder, keep_plan, recording
from flowctl.interpreter.leftovers import end_leftovers
from flowctl.interpreter.masking import Mask
from flowctl.interpreter.nesting import Nest
from flowctl.interpreter.performer import HandedOn, Performer
from flowctl.interpreter.places import diagnosed
from flowctl.interpreter.result import Run, can_go_on, result_of
from flowctl.interpreter.resume import Outlook, look
from flowctl.interpreter.scheduler import Scheduler
from flowctl.interpreter.setting import Setting
from flowctl.interpreter.state import RunState, StepState
from flowctl.interpreter.taken import Taken
from flowctl.interpreter.vault import read_secrets
from flowctl.interpreter.work import Ending, Work
from flowctl.plan import Moment, Operation, Plan, Step, endless
from flowctl.plan_file import sealed
from flowctl.registry import Registry, builtin
from flowctl.store.disk import give_name
from flowctl.store.ledger import Verb

__all__ = ["Run", "Setting", "run"]


def run(plan: Plan, setting: Setting, on_event: OnEvent, registry: Registry | None = None) -> Run:
    """Runs a plan to its end; what goes wrong in a step is in the result, not an exception.

    `on_event` is called with each event in order, by one thread at a time. If the main thread calls
    this, a first SIGINT keeps what is new from beginning and lets commands end by themselves, a
    second one and SIGTERM end them; streams publish nothing, and the status is `cancelled`. What is
    stored of a run is gone on with; raises ResumeRefused where that cannot be, StoreBroken where
    the store cannot be used, and what `on_event` raises. A run that has succeeded is left as it is.
    """
    registry = registry or builtin()
    plan = plan if plan.digest else sealed(plan)
    vault = read_secrets(plan.secrets, setting.environment, setting.base)
    mask = Mask(vault.values.values())
    load_engine(plan, setting.memory)
    with _recorded(setting, mask) as recorder:
        outlook = _outlook(plan, setting, registry, recorder)
        if recorder is not None and recorder.state.status == "succeeded" and not setting.again:
            return result_of(recorder.state)
        emit = Emitter(mask, on_event, recorder.state if recorder is not None else None)
        if recorder is not None:
            emit.record = recorder.take
        performer = Performer(plan, setting, registry, vault, mask, emit)
        work = _work(plan, setting, performer, emit, outlook, recorder)
        scheduler = Scheduler(
            plan, work, setting.cancellation, setting.pace, keep_going=setting.keep_going
        )
        setting.pause.listen(scheduler.wake)
        try:
            with setting.cancellation.heard(), cancelled_by_signals(setting.cancellation):
                emit(_beginning(plan, setting, emit.state, outlook))
                _take(plan, setting, emit)
                if "start" not in emit.state.hooks:
                    performer.hook(None, "retry" if emit.state.resumed else "start")
                threads = setting.workers + sum(map(endless, plan.steps))
                with ThreadPoolExecutor(threads, "step") as executor:
                    scheduler.run(executor, setting.workers)
                handed_on = performer.handed_on() if _good(emit.state, setting) else HandedOn()
                end = _end(emit.state, setting, handed_on)
                if end.status != "cancelled":
                    performer.hook(None, "success" if end.status == "succeeded" else "failure")
                    performer.hook(None, "finish")
                emit(_end(emit.state, setting, handed_on))
        except SubscriberFailed as failed:
            raise failed.__cause__ or failed from None
        finally:
            performer.close()
    result = result_of(emit.state)
    if result.status == "succeeded":
        forget(setting.folder)
    elif setting.cancellation.final:
        discard(setting, registry)
    return result


@contextmanager
def _recorded(setting: Setting, mask: Mask) -> Iterator[Recorder | None]:
    """While it lasts, events are stored, if anything is kept of the run."""
    if setting.checkpoints is None:
        yield None
        return

    def obey(verb: Verb) -> None:
        match verb:
            case "cancel":
                setting.cancellation.give_up()
            case "pause":
                setting.pause.ask()
            case "resume":
                setting.pause.lift()

    with recording(setting.state, setting.run, mask, obey, setting.disk) as recorder:
        yield recorder


def _outlook(
    plan: Plan, setting: Setting, registry: Registry, recorder: Recorder | None
) -> Outlook:
    """What is done before; raises ResumeRefused. From now on the plan is the run's."""
    if recorder is None:
        return Outlook({})
    end_leftovers(setting)
    for id in setting.again:
        forget_step(setting, id)
    outlook = look(plan, setting, registry, recorder.state)
    if outlook.faults:
        raise ResumeRefused(f"run {setting.run} cannot go on", outlook.faults)
    keep_plan(setting.folder, plan, setting.disk)
    return outlook


def _beginning(plan: Plan, setting: Setting, state: RunState, outlook: Outlook) -> RunStarted:
    return RunStarted(
        setting.clock(),
        setting.run,
        plan.name,
        plan.digest,
        tuple(step.id for step in plan.steps),
        _resumed(outlook),
        len(state.sessions) + 1,
        tuple(step.id for step in plan.steps if step.id in setting.again),
        setting.provenance,
    )


def _take(plan: Plan, setting: Setting, emit: Emitter) -> None:
    """Has the steps that are not asked for be as they stand; raises OSError."""
    moved = handing(plan, setting) if setting.taken else None
    for step in plan.steps:
        taken = setting.taken.get(step.id)
        if taken is None or moved is None or emit.state.steps[step.id].status in ENDED:
            continue
        path = moved.extra(step.id)
        if path is not None and taken.records is not None and taken.records != Path(path):
            give_name(setting.disk, taken.records, Path(path), setting.run)
        known = taken.state or StepState("skipped")
        if known.items is not None:
            emit(StepFannedOut(setting.clock(), step.id, known.items, step.digest))
        for number, cell in enumerate(taken.cells):
            emit(_as_it_stands(cell, cell_id(step.id, number), step, taken, setting))
        emit(_as_it_stands(known, step.id, step, taken, setting))


def _as_it_stands(
    known: StepState, id: str, step: Step, taken: Taken, setting: Setting
) -> StepEnded:
    return StepEnded(
        setting.clock(),
        id,
        known.status,
        known.counts,
        known.sink,
        known.exit_code,
        why=taken.why,
        outputs=known.outputs,
        digest=step.digest,
    )


def _good(state: RunState, setting: Setting) -> bool:
    return _status(state, setting) == "succeeded"


def _end(state: RunState, setting: Setting, handed_on: HandedOn) -> RunEnded:
    status = "failed" if handed_on.faults else _status(state, setting)
    resumable = can_go_on(state.steps, status) and not setting.cancellation.final
    now, outputs, faults = setting.clock(), handed_on.values, handed_on.faults
    return RunEnded(now, setting.run, status, resumable, outputs, faults)


def _work(
    plan: Plan,
    setting: Setting,
    performer: Performer,
    emit: Emitter,
    outlook: Outlook,
    recorder: Recorder | None,
) -> Work:
    """What the scheduler has done; a step that an earlier process has ended stays as it is."""
    nest = Nest.of(plan)

    def perform(step: Step) -> Ending:
        if recorder is not None:
            # No kill has anything done twice that was known to be done; nor has a loss of power,
            # but for what ended a moment ago and leads to nothing that has begun.
            if isinstance(step.body, Operation):
                recorder.written(nest.behind(step))
            else:
                recorder.safe()
        state = emit.state.steps[step.id]
        if state.attempts > 1:
            performer.hook(step, "retry")
        elif "start" not in state.hooks:
            performer.hook(step, "start")
        return performer.perform(step)

    def after(step: Step, status: StepStatus) -> Callable[[], None] | None:
        moments: dict[StepStatus, Moment] = {
            "succeeded": "success",
            "recovered": "success",
            "failed": "failure",
        }
        if status not in moments or not emit.state.steps[step.id].attempts:
            return None  # what was taken from before has nothing left to do
        if step.foreach is not None:
            return None  # each of its cells has had its own
        done, wanted = emit.state.steps[step.id].hooks, dict(step.hooks)
        due = [moment for moment in (moments[status], "finish") if moment in wanted]
        left = [moment for moment in due if moment not in done]

        def act() -> None:
            for moment in left:
                performer.hook(step, moment)

        return act if left else None

    def began(step: Step) -> None:
        attempt = emit.state.steps[step.id].attempts + 1
        emit(StepStarted(setting.clock(), step.id, attempt, step.digest))

    def retrying(step: Step, attempt: int, delay: float, end: Ending) -> None:
        of = step.retry.attempts if step.retry is not None else attempt
        now, code = setting.clock(), end.exit_code
        emit(StepRetrying(now, step.id, attempt, of, delay, code, end.faults))

    def falling(step: Step, end: Ending) -> None:
        emit(StepFallingBack(setting.clock(), step.id, end.exit_code, end.faults))

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
                end.outputs,
                end.status == "failed" and nest.forgives(step),
                end.resumable,
                step.digest if end.status == "cached" else "",
            )
        )

    def place(step: Step, fault: Fault) -> Diagnostic:
        return diagnosed(plan, setting.base, step.id, fault)

    done: dict[str, StepStatus] = {
        id: "succeeded" for id, step in outlook.steps.items() if step.ended is not None
    }
    done |= dict.fromkeys(setting.taken, "succeeded")
    spent = {id: step.failures for id, step in emit.state.steps.items() if step.failures}
    return Work(
        perform=perform,
        recover=performer.recover,
        conclude=performer.conclude,
        holds=performer.holds,
        known=performer.known,
        began=began,
        retrying=retrying,
        falling=falling,
        ended=ended,
        before=performer.beginning,
        after=after,
        place=place,
        fan_out=partial(_fan_out, setting, performer, emit, recorder),
        together=partial(_together, emit),
        may_begin=partial(_may_begin, setting, emit),
        finished=done,
        fanned=_fanned(emit.state, setting),
        spent=spent,
    )


def _may_begin(setting: Setting, emit: Emitter) -> bool:
    """Whether anything new may begin; tells where that changes."""
    stop = setting.cancellation
    if stop.stopping and not stop.asked and not emit.state.stopping:
        emit(RunStopping(setting.clock(), setting.run))
    paused = setting.pause.asked and not stop.stopping
    if paused and emit.state.status == "running":
        emit(RunPaused(setting.clock(), setting.run))
    if not paused and emit.state.status == "paused":
        emit(RunUnpaused(setting.clock(), setting.run))
    return not paused


def _fanned(state: RunState, setting: Setting) -> frozenset[str]:
    """The steps that go on with a list from before."""
    begun = (id for id, step in state.steps.items() if step.items is not None)
    return frozenset(id for id in begun if id not in setting.again)


def _fan_out(
    setting: Setting, performer: Performer, emit: Emitter, recorder: Recorder | None, step: Step
) -> Sequence[Step] | Fault:
    """The cells of a step, for whose list the expression is asked once in the run's life."""
    items = emit.state.steps[step.id].items
    if items is None:
        assert step.foreach is not None
        try:
            items = performer.names.seen_by(step).items(step.foreach)
        except ValueFault as broken:
            return replace(broken.fault, pointer=("foreach",))
        emit(StepFannedOut(setting.clock(), step.id, items, step.digest))
    if recorder is not None:
        recorder.safe()  # no cell acts for a list that a loss of power could change
    return cell_steps(step, len(items))


def _together(emit: Emitter, step: Step) -> Ending:
    found = together(states_of(emit.state, step.id))
    return Ending(found.status, outputs=found.outputs, why=found.why)


def _resumed(outlook: Outlook) -> tuple[Resumed, ...] | None:
    if not outlook.resumes:
        return None
    return tuple(
        Resumed(step.step, step.rows, step.place, ended=step.action == "done")
        for step in outlook.steps.values()
        if step.action != "run" and step.cells is None
    )


def _status(state: RunState, setting: Setting) -> RunStatus:
    statuses = {step.status for step in state.steps.values()}
    if setting.cancellation.stopping and "cancelled" in statuses:
        return "cancelled"
    return "failed" if any(step.spoils for step in state.steps.values()) else "succeeded"
