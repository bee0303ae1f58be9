"""What a run takes as it stands, because it is not asked for it: how a step has ended, and files.

A step that others only have to follow needs nothing. Of one whose figures or outputs are named, the
last run of the same workflow with the same params has to know them; of one whose records are read,
they must be there: in the file that it writes, in the cache, or in a run that is not over.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import Protocol

from flowctl.codes.runs import NOT_THERE
from flowctl.component import Source
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Diagnostic, Fault
from flowctl.expressions.parse import parse
from flowctl.expressions.tree import Name, walk
from flowctl.files.paths import expand
from flowctl.interpolation import expressions_in
from flowctl.interpreter.events import DONE
from flowctl.interpreter.fanning import cell_id
from flowctl.interpreter.handing import Handing, handing, read_by
from flowctl.interpreter.places import diagnosed
from flowctl.interpreter.runs import RunRecord, Runs
from flowctl.interpreter.setting import Setting
from flowctl.interpreter.state import StepState
from flowctl.interpreter.taken import Taken
from flowctl.plan import Operation, Plan, Step, Stream, inputs_of
from flowctl.store.identity import Identity
from flowctl.syntax.node import Pointer


class Sources(Protocol):
    """The sources by kind, as `registry.Registry` holds them."""

    @property
    def sources(self) -> Mapping[str, Source]: ...


@dataclass(frozen=True, slots=True)
class Taking:
    """What is taken of each step that is not asked for, and what is lacking."""

    taken: Mapping[str, Taken] = field(default_factory=dict)
    faults: tuple[Diagnostic, ...] = ()


def taking(
    plan: Plan, asked: frozenset[str], record: RunRecord, setting: Setting, components: Sources
) -> Taking:
    """Looks for all that the steps asked for stand on; `plan` holds no others but these.

    Raises StoreBroken and OSError.
    """
    others = [step for step in plan.steps if step.id not in asked]
    direct = {need for step in plan.steps if step.id in asked for need in step.needs} - asked
    runs = Runs(setting.state)
    states = _states(direct, {step.id for step in others}, record, runs)
    moved = handing(plan, setting)
    taken = {step.id: _taken(step, states.get(step.id, Taken()), moved, setting) for step in others}
    faults = [
        diagnosed(plan, setting.base, step.id, fault)
        for step in plan.steps
        if step.id in asked
        for fault in _lacking(step, taken, moved, setting, components)
    ]
    return Taking(taken, tuple(dict.fromkeys(faults)))


def _states(
    wanted: set[str], besides: set[str], record: RunRecord, runs: Runs
) -> Mapping[str, Taken]:
    """How each step has last ended well: in this run itself, or in one of the same workflow.

    A run that has only taken a step as it stood is asked where there is no other. Of the steps
    `besides` those that are wanted only what is met on the way is told.
    """
    same = [one for one in reversed(runs.all()) if _alike(one.identity, record.identity)]
    found: dict[str, Taken] = {}
    handed_on: dict[str, Taken] = {}
    for one in sorted(same, key=lambda one: one.run != record.run):
        if wanted <= found.keys():
            break
        steps = runs.history(one.run).steps
        for id in (wanted | besides) & steps.keys():
            state = steps[id]
            own = bool(state.attempts or state.items) or state.status == "cached"
            if state.status in DONE:
                cells = tuple(steps[cell_id(id, n)] for n in range(len(state.items or ())))
                taken = Taken(one.run, state, cells=cells)
                (found if own else handed_on).setdefault(id, taken)
    return handed_on | found


def _alike(one: Identity, other: Identity) -> bool:
    """Whether two runs are of the same workflow with the same params, at whatever time."""
    return (one.document, one.params, one.profile) == (other.document, other.params, other.profile)


def _taken(step: Step, taken: Taken, moved: Handing, setting: Setting) -> Taken:
    """With the place of its records."""
    path, run, state = moved.extra(step.id), taken.run, taken.state
    if path is None or run is None or state is None:
        return taken
    for place in (Path(path), replace(setting, run=run).records(step.id)):
        if place.is_file():
            return replace(taken, records=place)
    return replace(taken, records=_cached(step, run, state, setting))


def _cached(step: Step, run: str, state: StepState, setting: Setting) -> Path | None:
    """What the cache has kept of the records that a step had left in a run."""
    from flowctl.interpreter.caching.keeping import Kept
    from flowctl.store.successes import opened_successes

    if step.cache is None:
        return None
    with opened_successes(setting.state) as store:
        found = [one for one in store.all() if one.step == step.id and one.digest == state.digest]
    made = [one for one in found if one.run == run or state.status == "cached"]
    kept = Kept(setting.state / "cache", setting.run, setting.disk)
    places = [kept.path(one.file) for one in made if one.file is not None]
    return next((place for place in places if place.is_file()), None)


def _lacking(
    step: Step,
    taken: Mapping[str, Taken],
    moved: Handing,
    setting: Setting,
    components: Sources,
) -> Iterator[Fault]:
    """What a step that is asked for needs of others, and is not there."""
    for name, pointer in _named(step):
        for id in [id for id in taken if _is(id, step.within, name)]:
            if taken[id].state is None:
                message = f"`{id}` is not asked for, and has not succeeded in any run with these"
                yield _fault(f"{message} params", id, pointer)
    if not isinstance(step.body, Stream):
        return
    for one in inputs_of(step.body):
        pointer = ("source",) if one.transform is None else one.transform.pointer
        if one.operation.kind == "step":
            read = read_by(Stream(one.operation))
            for id in [id for id in read if id in taken]:
                if not _there(step, id, taken[id], moved, setting):
                    message = (
                        f"the records of `{id}`, which is not asked for, are not there any more"
                    )
                    yield _fault(message, id, pointer)
            continue
        source = components.sources[one.operation.kind]
        before = [id for id in step.reads if id in taken]
        for path in source.paths(one.operation.arguments):
            if before and not expand(setting.of(step).base, [path], source.endings):
                message = f"`{path}` is not there, and `{before[0]}` is not asked for"
                yield _fault(message, before[0], pointer)


def _there(step: Step, read: str, taken: Taken, moved: Handing, setting: Setting) -> bool:
    """Whether the records of a step can be read by another one."""
    if moved.extra(read) is not None:
        return taken.records is not None
    return (setting.of(step).base / moved.paths[read]).is_file()


def _is(id: str, within: str, name: str) -> bool:
    """Whether a name in the expressions of a workflow stands for a step."""
    local = id.removeprefix(f"{within}/") if within else id
    return local == name or (local.startswith(f"{name}[") and local.endswith("]"))


def _fault(message: str, step: str, pointer: Pointer) -> Fault:
    help = f"`--from {shlex.quote(step)}` runs that step, too"
    return Fault(NOT_THERE, message, pointer, help=help)


def _named(step: Step) -> Iterator[tuple[str, Pointer]]:
    """The steps that a step's expressions name, each with where that is."""
    if step.condition is not None:
        yield from ((name, ("if",)) for name in _steps_in(step.condition))
    for action, pointer in _actions(step):
        for expression in expressions_in(action.arguments):
            yield from ((name, pointer) for name in _steps_in(expression))


def _actions(step: Step) -> Iterator[tuple[Operation, Pointer]]:
    if isinstance(step.body, Operation):
        yield step.body, (step.body.kind,)
    if step.fallback is not None:
        yield step.fallback, ("fallback",)


def _steps_in(expression: str) -> Iterator[str]:
    tree = parse(expression)
    for node in () if isinstance(tree, Fault) else walk(tree):
        if isinstance(node, Name) and node.parts[0].text == "steps" and len(node.parts) > 1:
            yield node.parts[1].text
