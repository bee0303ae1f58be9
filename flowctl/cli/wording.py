"""Operations of a plan in words: the same for the print of a plan and for what changed in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final, TypeGuard

from flowctl.checking import plain
from flowctl.durations import shown
from flowctl.plan import Cache, Operation, Step, Stream
from flowctl.syntax.node import Json

_FOUND: Final = ("root", "file", "code")
"""What the compiler has found of a function, beside what its author says."""


def operations(step: Step) -> Iterator[tuple[str, Operation]]:
    """The operations of a step with the part that each plays, in the order of the data's way.

    Those of a branch play it in there: `late/sort`, `late/sink`.
    """
    body = step.body
    if isinstance(body, Operation):
        yield body.kind, body
        return
    yield "source", body.source
    yield from _passed("", body.transforms, body.sinks)
    if body.rejects:
        yield "rejects", body.rejects


def _passed(
    below: str, transforms: Sequence[Operation], sinks: Sequence[Operation]
) -> Iterator[tuple[str, Operation]]:
    for transform in transforms:
        yield f"{below}{transform.kind}", transform
        for branch in transform.branches:
            yield from _passed(f"{below}{branch.name}/", branch.transforms, branch.sinks)
    for sink in sinks:
        yield f"{below}sink", sink


def lines(operation: Operation) -> Iterator[str]:
    """What an operation does, a line for each thing that it names."""
    if operation.inputs:
        own = Operation(operation.kind, {**operation.arguments, operation.kind: _read(operation)})
        yield from lines(replace(own, on_error=operation.on_error))
        return
    if operation.kind == "uses":
        yield from _used(operation)
        return
    main = operation.arguments.get(operation.kind)
    unsaid = {operation.kind, *(_FOUND if operation.kind == "python" else ())}
    options = [
        f"{name}: {value(given)}"
        for name, given in operation.arguments.items()
        if name not in unsaid
    ]
    if operation.on_error != "fail":
        options.append(f"on_error: {operation.on_error}")
    told = [value(main)]
    if is_pairs(main):
        sign = ": " if operation.branches else " = "
        told = [
            f"{name}{sign}{'what is left' if one is None else value(one)}" for name, one in main
        ]
    if options and len(told) == 1:
        yield f"{told[0]}  ({', '.join(options)})"
        return
    yield from told
    if options:
        yield f"({', '.join(options)})"


def _used(operation: Operation) -> Iterator[str]:
    """A workflow with what it is given, and what it hands on."""
    given, outputs = operation.arguments.get("with"), operation.arguments.get("outputs")
    with_ = ", ".join(f"{name} = {value(one)}" for name, one in _items(given))
    yield value(operation.arguments["uses"]) + (f"  (with {with_})" if with_ else "")
    for name, output in _items(outputs):
        yield f"outputs.{name} = {dict(_items(output))['value']}"


def _items(given: Json) -> Iterable[tuple[str, Json]]:
    return given.items() if isinstance(given, dict) else ()


def _read(operation: Operation) -> str:
    """The further sources of an operation, each with its kind."""
    return " + ".join(f"{one.kind}: {'; '.join(lines(one))}" for one in operation.inputs)


def is_pairs(given: Json) -> TypeGuard[list[tuple[str, Json]]]:
    """Whether a value is an ordered mapping, which a plan writes as pairs."""
    return (
        isinstance(given, list)
        and bool(given)
        and all(
            isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) for pair in given
        )
    )


def value(given: Json) -> str:
    """A value as a workflow would hold it: texts bare, lists with commas."""
    if isinstance(given, str):
        return given
    if is_pairs(given):
        return ", ".join(f"{name}: {value(one)}" for name, one in given)
    if isinstance(given, list) and all(isinstance(one, str) for one in given):
        return ", ".join(map(value, given))
    return json.dumps(given, ensure_ascii=False)


def arguments(operation: Operation) -> dict[str, str]:
    """Each single argument of an operation under its path: `derive.speed`, `delimiter`."""
    found = dict(_flat("", dict(operation.arguments)))
    for number, one in enumerate(operation.inputs):
        at = operation.kind if number == 0 else f"{operation.kind}.{number}"
        found |= {f"{at}.{name}": given for name, given in arguments(one).items()}
    if operation.on_error != "fail":
        found["on_error"] = operation.on_error
    return found


def settings(step: Step) -> dict[str, str]:
    """What a step says beside its operations."""
    found = {"if": step.condition} if step.condition else {}
    if step.foreach:
        found["foreach"] = step.foreach
    if step.needs:
        found["needs"] = ", ".join(step.needs)
    if isinstance(step.body, Stream) and step.body.max_rejects:
        found["max_rejects"] = step.body.max_rejects
    if step.cache is not None:
        found["cache"] = "; ".join(_cache(step.cache)) or "true"
    if isinstance(step.body, Stream) and step.body.check:
        demands = plain(step.body.check).items()
        found["check"] = "; ".join(f"{name} {value(one)}" for name, one in demands)
    return found


def _cache(cache: Cache) -> Iterator[str]:
    for name, paths in (("inputs", cache.inputs), ("outputs", cache.outputs)):
        if paths:
            yield f"{name} {', '.join(paths)}"
    if cache.ttl is not None:
        yield f"ttl {shown(cache.ttl)}"


def _flat(path: str, given: Json) -> Iterator[tuple[str, str]]:
    pairs = given if is_pairs(given) else given.items() if isinstance(given, dict) else None
    if pairs is None:
        yield path, value(given)
        return
    for name, below in pairs:
        yield from _flat(f"{path}.{name}" if path else name, below)
