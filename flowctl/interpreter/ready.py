"""The steps that are ready to begin, and the slots of the pools that they wait for."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from typing import TypeAlias

from flowctl.plan import Plan, Step

Pools: TypeAlias = tuple[tuple[str, int], ...]
"""The pools that a step uses, each with the slots that it takes there."""
Place: TypeAlias = tuple[int, int]
"""A step's number in the plan, and that of the cell."""


class Ready:
    """Gives out the step that comes first of those whose slots are free.

    What comes first is the highest priority, then the place in the plan, where the cells of a step
    stand one behind the other. Where a step waits for a pool, no later one overtakes it there,
    however few slots that one takes: so none waits for ever.
    """

    def __init__(self, slots: Mapping[str, int]) -> None:
        self._slots = dict(slots)
        self._free = dict(slots)
        self._queues: dict[Pools, list[tuple[int, Place, int]]] = {}

    def __bool__(self) -> bool:
        """Whether any step is ready, with slots or without."""
        return any(self._queues.values())

    def push(self, index: int, place: Place, priority: int = 0, pools: Pools = ()) -> None:
        """A step has become ready; a pool that nobody bounds has slots for all."""
        bounded = tuple(
            (name, min(weight, self._slots[name])) for name, weight in pools if name in self._slots
        )
        heapq.heappush(self._queues.setdefault(bounded, []), (-priority, place, index))

    def pop(self) -> tuple[int, Pools] | None:
        """The step that may begin now, with the slots that it has been given; None for none."""
        blocked = set[str]()
        if self._queues.keys() == {()}:  # nobody waits for a pool
            queue = self._queues[()]
            return (heapq.heappop(queue)[2], ()) if queue else None
        for _, pools in sorted((queue[0], pools) for pools, queue in self._queues.items() if queue):
            names = {name for name, _ in pools}
            if names.isdisjoint(blocked) and all(self._free[name] >= n for name, n in pools):
                for name, weight in pools:
                    self._free[name] -= weight
                return heapq.heappop(self._queues[pools])[2], pools
            blocked |= names
        return None

    def release(self, pools: Pools) -> None:
        """What was given comes back."""
        for name, weight in pools:
            self._free[name] += weight

    def drop(self, kept: Callable[[int], bool]) -> list[int]:
        """Takes out, by their numbers, all but what is kept."""
        dropped: list[int] = []
        for pools, queue in self._queues.items():
            dropped += [index for _, _, index in queue if not kept(index)]
            self._queues[pools] = sorted(item for item in queue if kept(item[2]))
        return sorted(dropped)


def family(step: Step) -> str:
    """A name for all cells of a step, which no resource has."""
    return f"{step.within}/{step.local.partition('[')[0]}[]"


def slots(plan: Plan) -> dict[str, int]:
    """How much of each pool there is."""
    found = {one.name: one.slots for one in plan.resources if one.slots is not None}
    families = {family(step): step.max_parallel for step in plan.steps}
    return found | {name: most for name, most in families.items() if most is not None}
