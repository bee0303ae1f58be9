"""Does the work of steps: leads each to those who know its kind, and collects how it ended."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from flowctl.action import Finished, StreamName, ValueFault
from flowctl.codes.runs import NO_RECORDS, STEP_BROKEN, TIMED_OUT
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Diagnostic, Fault
from flowctl.errors import ResumeRefused
from flowctl.expressions.scope import Scope
from flowctl.interpreter.breakers import Breakers
from flowctl.interpreter.emitter import Emitter
from flowctl.interpreter.events import (
    HookEnded,
    HookOutput,
    StepNoticed,
    StepOutput,
    StepProgress,
    StepStatus,
)
from flowctl.interpreter.functions import Functions
from flowctl.interpreter.handing import handing, read_by
from flowctl.interpreter.leftovers import AtWork
from flowctl.interpreter.logs import OutputLog, heard_by_many
from flowctl.interpreter.masking import Mask
from flowctl.interpreter.names import Known, RuntimeNames
from flowctl.interpreter.places import diagnosed
from flowctl.interpreter.setting import Setting
from flowctl.interpreter.vault import Vault
from flowctl.interpreter.verdicts import STOPPED, Below
from flowctl.interpreter.work import Ending
from flowctl.interpreter.workplace import StepWorkplace
from flowctl.plan import Moment, Operation, Plan, Step, Stream, follows, from_folder, sinks_of
from flowctl.registry import Registry
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    from flowctl.interpreter.caching import Caching
    from flowctl.interpreter.drive import Progress
    from flowctl.interpreter.keeper import Keeping


@dataclass(frozen=True, slots=True)
class HandedOn:
    """The outputs of a run; where one has no value, there are none, and `faults` say why."""

    values: Mapping[str, Json] = field(default_factory=dict)
    faults: tuple[Diagnostic, ...] = ()


class Performer:
    """Performs the steps of one run, each on the thread that asks for it."""

    def __init__(
        self,
        plan: Plan,
        setting: Setting,
        registry: Registry,
        vault: Vault,
        mask: Mask,
        emit: Emitter,
    ) -> None:
        now = setting.timestamp or setting.clock()
        self.names = RuntimeNames(Known(plan), setting, now, vault, mask, emit.state)
        self._plan = plan
        self._setting = setting
        self._registry = registry
        self._environment = vault.environment(setting.environment)
        self._mask = mask
        self._emit = emit
        self._handing = handing(plan, setting)
        self._now = now
        self._functions = Functions(self._environment)
        self._at_work = AtWork(setting.at_work)
        self._breakers = Breakers(plan.resources, setting.state / "breakers", setting.clock)
        self._caching = _caching(plan, setting, registry, self.names, mask)

    def close(self) -> None:
        """Ends the processes that are kept for calls to come."""
        self._functions.close()
        self._at_work.close()
        if self._caching is not None:
            self._caching.close()

    def known(self, step: Step) -> Ending | None:
        """How a step has ended before, if nothing has changed since; one that has begun goes on."""
        if self._caching is None or self._emit.state.steps[step.id].attempts:
            return None
        try:
            taken = self._caching.look(step)
            return None if isinstance(taken, str) else self._caching.take(step, taken)
        except OSError:
            return None  # what the cache keeps cannot be brought: the step runs

    def holds(self, step: Step, condition: str, below: Below) -> bool:
        """Whether a step's condition is true; raises ValueFault."""
        return self.names.seen_by(step).holds(condition, below)

    def handed_on(self) -> HandedOn:
        """Gives the run's outputs their values, once all steps have come to a good end."""
        values: dict[str, Json] = {}
        faults: list[Diagnostic] = []
        for name, expression in self._plan.outputs:
            try:
                values[name] = self.names.value(expression)
            except ValueFault as broken:
                fault = replace(broken.fault, pointer=("outputs", name), start=None, end=None)
                faults.append(diagnosed(self._plan, self._setting.base, "", fault))
        return HandedOn(faults=tuple(faults)) if faults else HandedOn(values)

    def beginning(self, step: Step) -> Callable[[], None] | None:
        """What is to be done before anything within a step begins."""
        done = self._emit.state.steps[step.id].hooks
        due = "start" in dict(step.hooks) and "start" not in done
        return partial(self.hook, step, "start") if due else None

    def perform(self, step: Step) -> Ending:
        """Does a step's work; what the system refuses is the step's fault."""
        try:
            if resting := self._breakers.admit(step):
                return Ending("failed", faults=self._diagnosed(step, [resting]))
            ending = self._remembered(step)
            if ending.status in ("succeeded", "failed"):
                self._breakers.told(step, failed=ending.status == "failed")
        except OSError as error:
            return Ending("failed", faults=self._diagnosed(step, [_refused(error)]))
        return ending

    def conclude(self, step: Step) -> Ending:
        """Ends a step that uses a workflow, all of whose steps have come to a good end."""
        assert isinstance(step.body, Operation)
        return self._act(step, step.body, self.names.seen_within(step))

    def _remembered(self, step: Step) -> Ending:
        """An attempt; if the step is cached, a success of it is kept, and no other one counts."""
        if self._caching is None or step.cache is None:
            return self._attempt(step)
        self._caching.begin(step)
        ending = self._attempt(step)
        if ending.status != "succeeded":
            return ending
        fault = self._caching.keep(step, ending)
        if fault is None:
            return ending
        return replace(ending, status="failed", faults=self._diagnosed(step, [fault]))

    def recover(self, step: Step, failed: Ending) -> Ending:
        """Does what the step has for the case that it has failed; both tell their faults."""
        assert step.fallback is not None
        plain = replace(step, body=step.fallback, pool=())
        ending = self._attempt(plain, "fallback")
        if ending.status == "succeeded":
            return replace(ending, status="recovered", why="its `fallback` has stepped in")
        return replace(ending, faults=(*failed.faults, *ending.faults))

    def hook(self, step: Step | None, moment: Moment) -> None:
        """Does a hook of a step or of the run, if there is one; what goes wrong is a warning."""
        hooks = dict(self._plan.hooks if step is None else step.hooks)
        if moment not in hooks or self._setting.cancellation.stopping:
            return
        emit, clock, id = self._emit, self._setting.clock, step.id if step is not None else None

        def tell(stream: StreamName, line: str) -> None:
            emit(HookOutput(clock(), id, moment, stream, line))

        workplace = StepWorkplace(
            f"{id or 'run'}.{moment}",
            self._setting.of(step) if step is not None else self._setting,
            self._environment,
            self._mask,
            emit,
            self.names.seen_by(step) if step is not None else self.names,
            self._functions,
            self._at_work,
            _seconds(step.timeout) if step is not None else None,
            tell,
        )
        action = hooks[moment]
        try:
            finished = self._registry.actions[action.kind].perform(action.arguments, workplace)
        except OSError as error:
            finished = Finished(faults=(_refused(error),))
        if finished.stopped:
            return
        told = [fault.below("hooks", moment) for fault in finished.faults]
        faults = (diagnosed(self._plan, self._setting.base, id or "", fault) for fault in told)
        warnings = tuple(
            replace(fault, code=replace(fault.code, severity="warning")) for fault in faults
        )
        emit(HookEnded(clock(), id, moment, finished.exit_code, warnings))

    def _attempt(self, step: Step, *pointer: str) -> Ending:
        try:
            if isinstance(step.body, Operation):
                return self._act(step, step.body, self.names.seen_by(step), *pointer)
            return self._stream(step, step.body)
        except OSError as error:
            return Ending("failed", faults=self._diagnosed(step, [_refused(error)]))
        except KeyboardInterrupt:
            # Polars raises it on whatever thread is in its hands when SIGINT comes.
            self._setting.cancellation.wind_down()
            return Ending("cancelled", why=STOPPED["request"])

    def _act(self, step: Step, action: Operation, names: RuntimeNames, *pointer: str) -> Ending:
        workplace = StepWorkplace(
            step.id,
            self._setting.of(step),
            self._environment,
            self._mask,
            self._emit,
            names,
            self._functions,
            self._at_work,
            _seconds(step.timeout),
        )
        finished = self._registry.actions[action.kind].perform(action.arguments, workplace)
        if finished.stopped:
            return Ending("cancelled", exit_code=finished.exit_code, why=STOPPED["request"])
        faults = self._diagnosed(step, [fault.below(*pointer) for fault in finished.faults])
        status: StepStatus = "failed" if faults else "succeeded"
        return Ending(
            status,
            exit_code=finished.exit_code,
            faults=faults,
            outputs=finished.outputs,
            causes=finished.causes,
        )

    def _stream(self, step: Step, body: Stream) -> Ending:
        from flowctl.interpreter.calling import YieldedOtherwise
        from flowctl.interpreter.incremental import incremental
        from flowctl.interpreter.replay.remembering import carried, remember
        from flowctl.interpreter.stream import run_stream
        from flowctl.interpreter.streamsetting import REST, SPLIT_BYTES, StreamSetting

        if missing := self._without_records(body):
            return Ending("failed", faults=self._diagnosed(step, missing))
        setting = self._setting.of(step)
        limit = _seconds(step.timeout)
        deadline = setting.pace.now() + limit if limit is not None else math.inf
        moved = self._handing.giving(step.id, self._handing.taking(body))
        given = StreamSetting(
            base=setting.base,
            scope=Scope(now=self._now),
            token=setting.run,
            workers=setting.workers,
            stdout=setting.stdout,
            cancelled=lambda: (
                setting.pause.over(setting.cancellation) or setting.pace.now() >= deadline
            ),
            stop=setting.cancellation,
            on_progress=self._telling(step, body),
            memory=setting.memory,
            work=setting.folder / "work",
            split_bytes=setting.split_bytes or SPLIT_BYTES,
            keeping=self._keeping(step, moved),
            once=incremental(step.id, body, setting) if setting.checkpoints is not None else None,
            environment=self._environment,
            carried=carried(setting, body),
            on_notice=partial(self._noticed, step),
            paused=lambda: setting.pause.asked,
            rest=partial(setting.cancellation.wait, REST),
        )
        log = OutputLog(partial(setting.log, step.id), self._mask, partial(self._printed, step.id))
        with heard_by_many(log) as heard:
            moving = replace(step, body=moved)
            try:
                result = run_stream(moving, replace(given, heard=heard), self._registry)
            except YieldedOtherwise as error:
                message = f"run {setting.run} cannot go on"
                raise ResumeRefused(message, self._diagnosed(step, [error.fault])) from error
        if result.status == "succeeded":
            remember(setting, step, body, result.columns)
        if result.status == "cancelled" and not setting.cancellation.stopping:
            late = Fault(TIMED_OUT, "the stream was ended: its time was over", ("timeout",))
            faults = self._diagnosed(step, [late])
            return Ending("failed", result.counts, faults=faults, causes=("timeout",))
        why = STOPPED["request"] if result.status == "cancelled" else None
        sinks = tuple(
            from_folder(step.folder, sink)
            for sink in result.sinks
            if sink != self._handing.extra(step.id)
        )
        faults = self._diagnosed(step, result.faults)
        kept = result.kept
        return Ending(result.status, result.counts, sinks, faults=faults, why=why, resumable=kept)

    def _keeping(self, step: Step, body: Stream) -> Keeping | None:
        """How the stream is kept; what stands on standard output cannot be gone on with."""
        from flowctl.interpreter.keeper import Keeping

        setting, sinks = self._setting, self._registry.sinks
        tapped = any(not sinks[sink.kind].paths(sink.arguments) for sink, _ in sinks_of(body))
        if setting.checkpoints is None or tapped:
            return None
        folder = setting.step_folder(step.id)
        clock, interval, disk = setting.clock, setting.checkpoints, setting.disk
        return Keeping(folder, step.digest, clock, interval, disk, endless=follows(body))

    def _without_records(self, body: Stream) -> list[Fault]:
        """A fault for each step that should be read here but did not succeed."""
        return [
            Fault(
                NO_RECORDS, f"step `{read}` has left no records: it {_BECAME[status]}", ("source",)
            )
            for read in read_by(body)
            if (status := self._emit.state.steps[read].status) not in ("succeeded", "cached")
        ]

    def _telling(self, step: Step, body: Stream) -> Callable[[Progress], None]:
        """Tells how far a stream has come; now and then, of one whose events would never end."""
        if not follows(body):
            return partial(self._tell, step.id)
        told = -math.inf

        def seldom(progress: Progress) -> None:
            nonlocal told
            now = self._setting.pace.now()
            if now - told >= _SELDOM:
                told = now
                self._tell(step.id, progress)

        return seldom

    def _tell(self, step: str, progress: Progress) -> None:
        now = self._setting.clock()
        self._emit(StepProgress(now, step, progress.rows, progress.bytes, progress.total))

    def _noticed(self, step: Step, fault: Fault) -> None:
        self._emit(StepNoticed(self._setting.clock(), step.id, self._diagnosed(step, [fault])))

    def _printed(self, step: str, stream: StreamName, line: str) -> None:
        self._emit(StepOutput(self._setting.clock(), step, stream, line))

    def _diagnosed(self, step: Step, faults: Iterable[Fault]) -> tuple[Diagnostic, ...]:
        return tuple(diagnosed(self._plan, self._setting.base, step.id, fault) for fault in faults)


_SELDOM: Final = 5.0
"""Seconds between two events that tell how far a stream has come that never ends."""
_BECAME: Mapping[StepStatus, str] = {
    "failed": "has failed",
    "skipped": "was skipped",
    "cancelled": "was cancelled",
}


def _caching(
    plan: Plan, setting: Setting, registry: Registry, names: RuntimeNames, mask: Mask
) -> Caching | None:
    """The cache, if any step asks for it; a run of which nothing is kept leaves nothing there."""
    cached = tuple(step for step in plan.steps if step.cache is not None)
    if not cached or setting.checkpoints is None:
        return None
    from flowctl.interpreter.caching import Caching

    found = Caching(plan, setting, registry, names, mask)
    if setting.fresh:
        found.forget(cached)
    return found


def _seconds(timeout: int | None) -> float | None:
    return None if timeout is None else timeout / 1000


def _refused(error: OSError) -> Fault:
    reason = (error.strerror or str(error)).lower()
    return Fault(STEP_BROKEN, f"{reason}: `{error.filename}`" if error.filename else reason)
