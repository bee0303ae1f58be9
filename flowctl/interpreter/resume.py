"""What becomes of a run that others have begun: what is done, what goes on, what forbids it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeAlias

from flowctl.codec import Malformed
from flowctl.codes.runs import (
    CHECKPOINT_DAMAGED,
    ENGINE_CHANGED,
    INPUT_CHANGED,
    OUTPUT_CHANGED,
    STEP_CHANGED,
)
from flowctl.dataclass import dataclass
from flowctl.dataflow import BadInput
from flowctl.diagnostics import Diagnostic, Fault
from flowctl.files.fingerprints import changes
from flowctl.files.paths import DataFile, expand
from flowctl.interpreter.checkpoint import (
    Checkpoint,
    Kept,
    OutputState,
    engine_now,
    read_kept,
)
from flowctl.interpreter.components import Components, input_pointer
from flowctl.interpreter.differences import difference, entered_otherwise
from flowctl.interpreter.events import DONE
from flowctl.interpreter.fanning import cell_id
from flowctl.interpreter.folders import StagedFolder
from flowctl.interpreter.handing import Handing, handing, read_by
from flowctl.interpreter.history import read_plan, state_in
from flowctl.interpreter.incremental import incremental
from flowctl.interpreter.places import diagnosed
from flowctl.interpreter.publish import CannotWrite, places
from flowctl.interpreter.setting import Setting
from flowctl.interpreter.state import RunState, StepState
from flowctl.interpreter.targets import outputs_of
from flowctl.plan import Operation, Plan, Step, Stream, follows, inputs_of, sinks_of
from flowctl.sinking import Destination
from flowctl.syntax.node import Pointer

Action: TypeAlias = Literal["run", "resume", "publish", "done"]


@dataclass(frozen=True, slots=True)
class Cut:
    """An output of which what was written behind the last checkpoint is taken away again."""

    path: str
    bytes: int


@dataclass(frozen=True, slots=True)
class StepOutlook:
    """What becomes of a step: it runs, goes on, has only to be published, or is done.

    `rows` were read before and are not read again; `place` is where reading goes on. Of a step that
    is fanned out, `cells` are those that are done, and how many there are.
    """

    step: str
    action: Action = "run"
    rows: int = 0
    place: str = ""
    cuts: tuple[Cut, ...] = ()
    ended: StepState | None = None
    cells: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What becomes of all steps, and what forbids that the run goes on."""

    steps: Mapping[str, StepOutlook]
    faults: tuple[Diagnostic, ...] = ()

    @property
    def resumes(self) -> bool:
        """Whether anything of the run has been done before."""
        return any(step.action != "run" for step in self.steps.values())


def look(
    plan: Plan, setting: Setting, components: Components, state: RunState | None = None
) -> Outlook:
    """Compares the plan, the input and the outputs with what is kept of the run; changes nothing.

    `state` is what the run's events add up to, if that is known. Raises OSError and StoreBroken.
    """
    then = read_plan(setting.folder)
    if not isinstance(then, Plan):
        fresh = {step.id: StepOutlook(step.id) for step in plan.steps}
        return Outlook(fresh, (_damaged(then.message),) if then is not None else ())
    state = state or state_in(setting.state, setting.run)
    ended = {
        id: step
        for id, step in state.steps.items()
        if step.status in DONE and id not in setting.again
    }
    moved = handing(plan, setting)
    looks = [
        _Look(step, plan, then, setting, components, ended, moved, _list_of(state, step, setting))
        for step in plan.steps
    ]
    found: dict[str, StepOutlook] = {}
    for one in looks:
        found[one.step.id] = one.outlook()
        if found[one.step.id].action != "done":
            found |= {id: StepOutlook(id, "done", ended=ended[id]) for id in one.cells_done}
    faults = [(look.step.id, fault) for look in looks for fault in look.faults]
    faults += _gone(plan, then, setting, ended)
    redone = [id for id, step in found.items() if step.action != "run"]
    for id, change in entered_otherwise(then, plan, frozenset(redone)):
        message = f"step `{id}` has changed since its run began: {change.message}"
        faults.append((id, Fault(STEP_CHANGED, message, change.pointer)))
    help = _help([*redone, *(id for id, _ in faults if id not in redone)])
    told: dict[tuple[str, str], Diagnostic] = {}
    for id, fault in faults:
        code, message = fault.code, fault.message
        place = diagnosed(plan, setting.base, id, fault)
        told[code.id, message] = Diagnostic(code, message, place.span, fault.help or help)
    return Outlook(found, tuple(told.values()))


def _list_of(state: RunState, step: Step, setting: Setting) -> StepState | None:
    """What is known of a step whose list has been made, unless it is to be made anew."""
    known = state.steps.get(step.id)
    fanned = known is not None and known.items is not None and step.id not in setting.again
    return known if fanned else None


def _damaged(reason: str) -> Diagnostic:
    message = f"what the run keeps of its plan cannot be read: {reason}"
    return Diagnostic(CHECKPOINT_DAMAGED, message, help="begin anew with `--fresh`")


def _help(steps: Sequence[str]) -> str:
    named = ", ".join(f"`{step}`" for step in dict.fromkeys(steps))
    return f"undo the change, or begin anew with `--fresh`, which does {named} again"


def _gone(
    plan: Plan, then: Plan, setting: Setting, ended: Mapping[str, StepState]
) -> Iterator[tuple[str, Fault]]:
    """Steps that have begun, but not ended, and that the plan does not have any more."""
    now = {step.id for step in plan.steps}
    for step in then.steps:
        if step.id not in now and step.id not in ended:
            with suppress(Malformed):
                if read_kept(setting.step_folder(step.id)) is not None:
                    message = f"step `{step.id}` has begun, and the workflow has it no more"
                    yield step.id, Fault(STEP_CHANGED, message)


class _Look:
    """The look at one step; `faults` are those of `outlook`."""

    def __init__(
        self,
        step: Step,
        plan: Plan,
        then: Plan,
        setting: Setting,
        components: Components,
        ended: Mapping[str, StepState],
        moved: Handing,
        fan: StepState | None,
    ) -> None:
        self.step = step
        self.faults: list[Fault] = []
        self._plan = plan
        self._then = then
        self._setting = setting.of(step)
        self._components = components
        self._ended = ended
        self._handing = moved
        self._fan = fan

    def outlook(self) -> StepOutlook:
        step = self.step
        if ended := self._ended.get(step.id):
            self._same(ended.digest)
            self._handed()
            rows = ended.counts.read if ended.counts else 0
            return StepOutlook(step.id, "done", rows, ended=ended)
        if self._fan is not None:
            self._same(self._fan.digest)
            done = len(self.cells_done), len(self._fan.items or ())
            return StepOutlook(step.id, "resume", cells=done)
        if not isinstance(step.body, Stream):
            return StepOutlook(step.id)
        try:
            kept = read_kept(self._setting.step_folder(step.id))
        except Malformed as error:
            message = f"the checkpoints of step `{step.id}` cannot be read: {error.message}"
            self.faults.append(Fault(CHECKPOINT_DAMAGED, message))
            return StepOutlook(step.id, "resume")
        if kept is None:
            return StepOutlook(step.id)
        return self._going_on(kept, step.body)

    @property
    def cells_done(self) -> list[str]:
        """The ids of the step's cells that have come to their end."""
        items = self._fan.items if self._fan is not None else None
        ids = (cell_id(self.step.id, index) for index in range(len(items or ())))
        return [id for id in ids if id in self._ended]

    def _handed(self) -> None:
        """Finds fault with the records that a step has left for others, which are not there."""
        path = self._handing.extra(self.step.id)
        if path is None or Path(path).is_file():
            return
        for reader in self._plan.steps:
            if reader.id in self._ended or not isinstance(reader.body, Stream):
                continue
            if self.step.id in read_by(reader.body):
                message = f"the records that `{self.step.id}` has left for `{reader.id}` are gone"
                self.faults.append(Fault(OUTPUT_CHANGED, message))
                return

    def _going_on(self, kept: Kept, body: Stream) -> StepOutlook:
        last = kept.last
        if self._same(last.digest):
            self._engine(last)
        body = self._handing.giving(self.step.id, self._handing.taking(body))
        if not self.faults and not last.ended:
            self._input(kept, body)
        cuts = tuple(self._outputs(last, body))
        action: Action = "publish" if last.ended else "resume"
        return StepOutlook(self.step.id, action, last.rows, kept.place, cuts)

    def _same(self, digest: str) -> bool:
        """Whether the step means what it meant."""
        if digest == self.step.digest:
            return True
        then = {step.id: step for step in self._then.steps}
        now = {step.id: step for step in self._plan.steps}
        self.faults += _what_changed(self.step.id, then, now)
        return False

    def _engine(self, last: Checkpoint) -> None:
        now = engine_now()
        for name, before, after in (
            ("flowctl", last.engine.flowctl, now.flowctl),
            ("Polars", last.engine.polars, now.polars),
        ):
            if before != after:
                message = f"step `{self.step.id}` began with {name} {before}; this is {after}"
                self.faults.append(Fault(ENGINE_CHANGED, message))

    def _input(self, kept: Kept, body: Stream) -> None:
        try:
            # One that is followed may go as it will: its reader finds out what has become of it.
            files = None if follows(body) else self._left(body)
        except BadInput as error:
            self.faults.append(error.fault.below("source"))
            return
        own = changes(kept.consumed, files, _encoding(body.source)) if files is not None else []
        for fault in own:
            self.faults.append(Fault(INPUT_CHANGED, fault.message, ("source", body.source.kind)))
        _, *further = inputs_of(body)
        for number, (one, then) in enumerate(zip(further, kept.beside, strict=False)):
            source, transform = one.operation, one.transform
            assert transform is not None
            component = self._components.transforms[transform.operation.kind]
            at = (*input_pointer(component, transform, one.number), source.kind)
            files = self._files(source)
            consumed, whole = kept.consumed_beside(number), not then.followed
            for fault in changes(consumed, files, _encoding(source), whole=whole):
                self.faults.append(Fault(INPUT_CHANGED, fault.message, at))

    def _left(self, body: Stream) -> tuple[DataFile, ...]:
        """The files of the stream's own source that are to be read; raises BadInput."""
        files = self._files(body.source)
        once = incremental(self.step.id, body, self._setting)
        return once.left(files, _encoding(body.source)) if once is not None else files

    def _files(self, source: Operation) -> tuple[DataFile, ...]:
        component = self._components.sources[source.kind]
        paths = component.paths(source.arguments)
        return expand(self._setting.base, paths, component.endings)

    def _outputs(self, last: Checkpoint, body: Stream) -> Iterator[Cut]:
        """What is cut from the outputs; one that is too short is a fault."""
        for index, (sink, where) in enumerate(outputs_of(body, self._components)):
            if index >= len(last.outputs):
                return
            state = last.outputs[index]
            if state.batch is not None:
                self._growing(state, sink, where, _pointer(sink, body))
                continue
            target, staged = places(self._setting.base / where.path, self._setting.run)
            if last.ended and not staged.exists() and _published(target, where, state):
                continue
            if where.folder and self._taken(where):
                continue
            damage = list(self._damage(index, state))
            self.faults += damage
            if where.folder:
                if not damage:
                    self._dataset(index, state, staged, _pointer(sink, body), where)
                staged = staged / state.part if state.part else staged
            size = None if staged.is_dir() else _size(staged)
            if size is None and not state.length:
                continue
            if size is None:
                message = f"`{staged.name}`, which becomes `{where.path}`, is gone"
                self.faults.append(Fault(OUTPUT_CHANGED, message, _pointer(sink, body)))
            elif size < state.length:
                lost = state.length - size
                message = f"`{staged.name}`, which becomes `{where.path}`, lacks {lost:,} bytes"
                self.faults.append(Fault(OUTPUT_CHANGED, message, _pointer(sink, body)))
            elif size > state.length and not last.ended:
                yield Cut(where.path, size - state.length)

    def _growing(
        self, state: OutputState, sink: Operation, where: Destination, pointer: Pointer
    ) -> None:
        """Finds fault with a file to which what the last checkpoint tells of cannot be added."""
        from flowctl.interpreter.staging import added_to

        setting = self._setting
        left = added_to(sink, where, state, setting.base, setting.run, self._components)
        try:
            if left is not None:
                left.judge()
        except CannotWrite as error:
            self.faults.append(error.fault.below(*pointer))

    def _taken(self, where: Destination) -> bool:
        """Whether a dataset stands at its place, and the old one where it was staged."""
        setting = self._setting
        path = setting.base / where.path
        return StagedFolder.at(path, where.path, setting.run, where.mode).taken

    def _dataset(
        self, index: int, state: OutputState, staged: Path, pointer: Pointer, where: Destination
    ) -> None:
        """Finds fault with a dataset of whose files one is gone or another."""
        from flowctl.interpreter.dataset import Finished
        from flowctl.interpreter.sidecars import Sidecars

        folder = self._setting.step_folder(self.step.id)
        entries = Sidecars(folder, index, self._setting.disk).read_footers(state)
        for file, length in Finished.of(entries).files:
            if _size(staged / file) != length:
                message = f"`{file}`, a part of `{where.path}`, is gone or not what was written"
                self.faults.append(Fault(OUTPUT_CHANGED, message, pointer))
                return

    def _damage(self, index: int, state: OutputState) -> Iterator[Fault]:
        """What is wrong with the files beside the journal."""
        if state.pending is None and not state.footers:
            return
        from flowctl.interpreter.sidecars import damage

        if broken := damage(self._setting.step_folder(self.step.id), index, state):
            message = f"the last checkpoint of step `{self.step.id}` is damaged: {broken}"
            yield Fault(CHECKPOINT_DAMAGED, message)


def _what_changed(id: str, then: Mapping[str, Step], now: Mapping[str, Step]) -> Iterator[Fault]:
    """The change of a step, or of one that it reads."""
    if id not in then or id not in now:
        yield Fault(STEP_CHANGED, f"step `{id}` is not what it was when its run began")
        return
    if found := difference(then[id], now[id]):
        message = f"step `{id}` has changed since its run began: {found.message}"
        yield Fault(STEP_CHANGED, message, found.pointer)
        return
    for read in now[id].reads:
        if read not in then or then[read].digest != now[read].digest:
            for fault in _what_changed(read, then, now):
                message = f"step `{id}` reads `{read}`, and {fault.message}"
                yield Fault(STEP_CHANGED, message)
            return
    yield Fault(STEP_CHANGED, f"step `{id}` does not read the same steps as when its run began")


def _published(target: Path, where: Destination, state: OutputState) -> bool:
    """Whether an output that is not staged any more has taken its place."""
    if where.folder:
        return target.is_dir()
    size = _size(target)
    return size is not None and (size == state.length or where.mode == "append")


def _encoding(source: Operation) -> str:
    return str(source.arguments.get("encoding", "utf-8"))


def _pointer(operation: Operation, body: Stream) -> Pointer:
    return next((at for sink, at in sinks_of(body) if sink is operation), ("rejects",))


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
