"""How a step is run: its time limit and its attempts, read from the step's tree."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from flowctl.codes.schema import OUT_OF_RANGE
from flowctl.compiler.anatomy import arguments_of
from flowctl.compiler.voice import Voice
from flowctl.dataclass import dataclass
from flowctl.durations import LONGEST, milliseconds, shown
from flowctl.plan import Retry, Step
from flowctl.syntax.node import Json, MappingNode, Node, ScalarNode

CONTROLS = ("timeout", "retry")
"""The keys that are read here."""


@dataclass(frozen=True, slots=True)
class Control:
    """What the plan holds of a step besides what it does."""

    timeout: int | None = None
    retry: Retry | None = None

    def laid_on(self, step: Step) -> Step:
        """The step, which is run so."""
        return replace(step, timeout=self.timeout, retry=self.retry)


def control(step: MappingNode, voice: Voice) -> Control | None:
    """How a step is run; None where that is not known. Faults are told."""
    written = MappingNode(
        tuple(entry for entry in step.entries if entry.name in CONTROLS), step.span, step.trace
    )
    if arguments_of(written) is None:
        return None
    retry = written.get("retry")
    return Control(
        timeout=_duration(written.get("timeout"), voice, least=1),
        retry=_retry(retry, voice) if isinstance(retry, MappingNode) else None,
    )


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
    backoff = given.get("backoff")
    if backoff in ("constant", "linear", "exponential"):
        found = replace(found, backoff=backoff)  # type: ignore[arg-type]
    return replace(
        found,
        max_delay=longest,
        jitter=given.get("jitter") is True,
        on=tuple(map(str, on)) if isinstance(on, list) else (),
    )


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
