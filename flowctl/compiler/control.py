"""How a step is run: its time limit and its attempts, read from the step's tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, cast

from flowctl.codes.names import UNKNOWN_POOL
from flowctl.codes.schema import OUT_OF_RANGE
from flowctl.compiler.anatomy import arguments_of
from flowctl.compiler.voice import Voice
from flowctl.dataclass import dataclass
from flowctl.diagnostics import nearest
from flowctl.durations import LONGEST, milliseconds, shown
from flowctl.plan import Cache, Resource, Retry, Step
from flowctl.syntax.node import Json, MappingNode, Node, ScalarNode, SequenceNode

CONTROLS = (
    *("timeout", "retry", "priority", "pool", "max_parallel", "continue_on_error"),
    "cache",
)
"""The keys that are read here."""


@dataclass(frozen=True, slots=True)
class Control:
    """What the plan holds of a step besides what it does."""

    timeout: int | None = None
    retry: Retry | None = None
    priority: int = 0
    pool: tuple[tuple[str, int], ...] = ()
    max_parallel: int | None = None
    continue_on_error: bool = False
    cache: Cache | None = None

    def laid_on(self, step: Step) -> Step:
        """The step, which is run so."""
        if self == _NONE:
            return step
        return replace(
            step,
            timeout=self.timeout,
            retry=self.retry,
            priority=self.priority,
            pool=self.pool,
            max_parallel=self.max_parallel,
            continue_on_error=self.continue_on_error,
            cache=self.cache,
        )


_NONE: Final = Control()


def control(step: MappingNode, resources: Mapping[str, Resource], voice: Voice) -> Control | None:
    """How a step is run; None where that is not known. Faults are told."""
    written = MappingNode(
        tuple(entry for entry in step.entries if entry.name in CONTROLS), step.span, step.trace
    )
    if arguments_of(written) is None:
        return None
    retry, pool = written.get("retry"), written.get("pool")
    return Control(
        timeout=_duration(written.get("timeout"), voice, least=1),
        retry=_retry(retry, voice) if isinstance(retry, MappingNode) else None,
        priority=_integer(written.get("priority")) or 0,
        pool=tuple(_pool(pool, resources, voice)) if pool is not None else (),
        max_parallel=_integer(written.get("max_parallel")),
        continue_on_error=_value(written.get("continue_on_error")) is True,
        cache=_cache(written.get("cache"), voice),
    )


def resources_of(node: MappingNode | None, voice: Voice) -> Iterator[Resource]:
    """The resources of a document; what is not known of one is left out."""
    for entry in node.entries if node is not None else ():
        if isinstance(entry.value, MappingNode):
            slots, breaker = _integer(entry.value.get("slots")), entry.value.get("breaker")
            found = Resource(entry.name, slots)
            if isinstance(breaker, MappingNode):
                reset = _duration(breaker.get("reset"), voice)
                failures = _integer(breaker.get("failures"))
                if reset is not None and failures is not None:
                    found = replace(found, failures=failures, reset=reset)
            yield found


def _pool(node: Node, resources: Mapping[str, Resource], voice: Voice) -> Iterator[tuple[str, int]]:
    """The resources that a step uses, in the order of their names."""
    places: list[tuple[str, ScalarNode, int, Node]] = []
    if isinstance(node, ScalarNode):
        places = [(str(node.value), node, 1, node)]
    elif isinstance(node, MappingNode):
        places = [(one.name, one.key, _integer(one.value) or 1, one.value) for one in node.entries]
    for name, place, weight, at in sorted(places, key=lambda one: one[0]):
        known = resources.get(name)
        if known is None:
            near = nearest(name, resources)
            listed = ", ".join(f"`{one}`" for one in resources)
            help = f"there are {listed}" if listed else "declare it under `resources`"
            message = f"there is no resource `{name}`"
            voice.at(UNKNOWN_POOL, place, message, f"did you mean `{near}`?" if near else help)
        elif known.slots is not None and weight > known.slots:
            message = f"`{name}` has no more than {known.slots} slots, and the step takes {weight}"
            voice.at(UNKNOWN_POOL, at, message)
        yield name, weight


def _value(node: Node | None) -> Json:
    return node.value if isinstance(node, ScalarNode) else None


def _integer(node: Node | None) -> int | None:
    value = _value(node)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _retry(node: MappingNode, voice: Voice) -> Retry | None:
    given = cast("dict[str, Json]", arguments_of(node))
    attempts, on = given.get("attempts"), given.get("on")
    if not isinstance(attempts, int):
        return None
    found = Retry(attempts)
    delay, most = node.get("delay"), node.get("max_delay")
    first, longest = _duration(delay, voice), _duration(most, voice)
    if first is not None:
        found = replace(found, delay=first)
    elif longest is not None:
        found = replace(found, delay=min(found.delay, longest))
    if longest is not None and longest < found.delay and isinstance(most, ScalarNode):
        message = f"`max_delay` is shorter than `delay`, {shown(found.delay)}"
        voice.at(OUT_OF_RANGE, most, message, "no delay would be as long as `delay` says")
    match given.get("backoff"):
        case "constant" | "linear" | "exponential" as backoff:
            found = replace(found, backoff=backoff)
    return replace(
        found,
        max_delay=longest,
        jitter=given.get("jitter") is True,
        on=tuple(map(str, on)) if isinstance(on, list) else (),
    )


def _cache(node: Node | None, voice: Voice) -> Cache | None:
    if not isinstance(node, MappingNode):
        return Cache() if _value(node) is True else None
    return Cache(
        tuple(_paths(node.get("inputs"))),
        tuple(_paths(node.get("outputs"))),
        _duration(node.get("ttl"), voice, least=1),
    )


def _paths(node: Node | None) -> Iterator[str]:
    """One path, or a list of them."""
    for item in node.items if isinstance(node, SequenceNode) else (node,):
        if isinstance(item, ScalarNode):
            yield str(item.value)


def _duration(node: Node | None, voice: Voice, least: int = 0) -> int | None:
    """The milliseconds of a duration; the grammar has said what is none."""
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        return None
    try:
        found = milliseconds(node.value)
    except ValueError:
        return None
    if not least <= found <= LONGEST:
        bound = "longer than nothing" if found < least else "at most 3650d"
        voice.at(OUT_OF_RANGE, node, f"a duration here is {bound}")
    return found
