"""What a run would take from earlier successes, as all is now; nothing is changed by asking."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flowctl.dataclass import dataclass
from flowctl.interpreter.caching import NEVER, Caching, Taken
from flowctl.interpreter.caching.basis import Components
from flowctl.interpreter.masking import Mask
from flowctl.interpreter.names import Known, RuntimeNames
from flowctl.interpreter.setting import Setting
from flowctl.interpreter.state import RunState, StepState
from flowctl.interpreter.vault import Vault
from flowctl.plan import Plan, Step
from flowctl.store.database import path_in


@dataclass(frozen=True, slots=True)
class Foreseen:
    """Whether a step with a `cache` would be taken from before, and why or why not."""

    cached: bool
    why: str


def foresee(
    plan: Plan, setting: Setting, components: Components, done: Mapping[str, StepState]
) -> dict[str, Foreseen]:
    """What becomes of the steps with a `cache` that are not `done` yet.

    What runs may change what those that need it depend on, so they count as run. Raises
    StoreBroken and OSError.
    """
    cached = [step for step in plan.steps if step.cache is not None and step.id not in done]
    if not cached or not path_in(setting.state).exists():
        return {step.id: Foreseen(False, NEVER) for step in cached}
    state = RunState(steps=dict(done))
    now = setting.timestamp or setting.clock()
    mask = Mask()
    names = RuntimeNames(Known(plan), setting, now, Vault({}, {}, frozenset()), mask, state)
    caching = Caching(plan, setting, components, names, mask)
    try:
        return dict(_each(plan.steps, caching, state))
    finally:
        caching.close()


def _each(
    steps: Iterable[Step], caching: Caching, state: RunState
) -> Iterable[tuple[str, Foreseen]]:
    for step in steps:
        if step.cache is None or step.id in state.steps:
            continue
        first = next((need for need in step.needs if need not in state.steps), None)
        if first is not None:
            why = f"`{first}`, which it needs, runs; it is cached if that changes nothing for it"
            yield step.id, Foreseen(False, why)
            continue
        if step.foreach is not None:
            yield step.id, Foreseen(False, "its list is known when it begins; each cell is cached")
            continue
        found = caching.look(step)
        if isinstance(found, Taken):
            entry = found.entry
            state.steps[step.id] = StepState(
                "cached",
                counts=entry.counts,
                sink=entry.sink,
                exit_code=entry.exit_code,
                outputs=entry.values,
            )
            yield step.id, Foreseen(True, f"as in run {found.success.run}")
        else:
            yield step.id, Foreseen(False, found)
