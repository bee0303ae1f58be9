"""What is different between a step as it was and as it is, in the author's words."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import replace

from flowctl.codec import encode
from flowctl.dataclass import dataclass
from flowctl.plan import Plan, Step, canonical
from flowctl.syntax.node import Json, Pointer

_MOST = 60
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """The first part that differs; `pointer` leads to it from the step as the author wrote it."""

    pointer: Pointer
    message: str


def difference(then: Step, now: Step) -> Difference | None:
    """The first difference in what two steps mean by themselves; None where there is none."""
    found = _first(_meaning(then), _meaning(now), ())
    if found is None:
        return None
    pointer, before, after = found
    written = _as_written(pointer, encode(now.body))
    where = "/".join(map(str, written)) or "the step"
    return Difference(written, f"`{where}` was {_shown(before)} and is {_shown(after)}")


def entered_otherwise(
    then: Plan, now: Plan, begun: Container[str]
) -> Iterator[tuple[str, Difference]]:
    """The steps whose `if` was another one when what is within them began."""
    before = {step.id: step for step in then.steps}
    entered = {step.within for step in now.steps if step.id in begun}
    for step in now.steps:
        was = before.get(step.id)
        if step.id in entered and step.id not in begun and was is not None:
            found = difference(replace(was, body=step.body), step)
            if found is not None:
                yield step.id, found


def _meaning(step: Step) -> Json:
    body = encode(step.body)
    if isinstance(body, dict):
        body.pop("observed", None)
        return {"if": step.condition, "foreach": step.foreach, **body}
    return body


def _first(then: object, now: object, at: Pointer) -> tuple[Pointer, object, object] | None:
    if isinstance(then, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*then, *now]):
            if found := _first(then.get(key, _MISSING), now.get(key, _MISSING), (*at, key)):
                return found
        return None
    if isinstance(then, list) and isinstance(now, list):
        for index in range(max(len(then), len(now))):
            before = then[index] if index < len(then) else _MISSING
            after = now[index] if index < len(now) else _MISSING
            if found := _first(before, after, (*at, index)):
                return found
        return None
    return None if then == now and type(then) is type(now) else (at, then, now)


def _as_written(pointer: Pointer, body: object) -> Pointer:
    """The plan says `sinks`, `inputs`, `branches` and `arguments` where the author does not."""
    written: list[str | int] = []
    for part in pointer:
        if part in ("inputs", "branches") and isinstance(body, dict):
            written.append(str(body["kind"]))
        elif part != "arguments":
            written.append("sink" if part == "sinks" else part)
        if isinstance(body, dict):
            body = body.get(part)
        elif isinstance(body, list) and isinstance(part, int) and part < len(body):
            body = body[part]
            if isinstance(body, dict) and "name" in body:
                written[-1] = str(body["name"])
    return tuple(written)


def _shown(value: object) -> str:
    if value is _MISSING:
        return "not there"
    text = value if isinstance(value, str) else canonical(value)  # type: ignore[arg-type]
    return f"`{text if len(text) <= _MOST else text[: _MOST - 1] + '…'}`"
