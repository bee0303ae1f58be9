"""Cuts a stream behind its source and behind each transform, as a plan that writes elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from flowctl.dataclass import dataclass
from flowctl.interpreter.handing import read_by
from flowctl.plan import Operation, Plan, Step, Stream, with_inputs

_ENOUGH = 10_000


@dataclass(frozen=True, slots=True)
class Slice:
    """A place in a step: what has just been done there, and the file with its first records."""

    part: str
    operation: Operation
    file: Path


def slices(plan: Plan, step: Step, rows: int, folder: Path) -> tuple[Plan, list[Slice]]:
    """A plan with a step for each place, which writes the first records there into `folder`.

    Steps that it reads are computed anew, as far as their first records go, so that nothing is
    written where the plan itself writes. Faulty records are left out.
    """
    body = _stream(step)
    above = {one.id: one for one in _above(plan, step)}
    steps = [replace(_first(one, _ENOUGH), condition=None) for one in above.values()]
    found: list[Slice] = []
    for count in range(len(body.transforms) + 1):
        file = folder / f"{count}.parquet"
        sink = Operation("parquet", {"parquet": file.as_posix()})
        cut = replace(body, transforms=body.transforms[:count])
        place = replace(step, body=cut, needs=read(step), reads=read(step), condition=None)
        limited = _first(place, rows)
        steps.append(
            replace(
                limited,
                id=f"{step.id} {count}",
                body=replace(_stream(limited), sinks=(sink,)),
            )
        )
        done = body.transforms[count - 1] if count else body.source
        found.append(Slice(done.kind if count else "source", done, file))
    return replace(plan, steps=tuple(steps), outputs=()), found


def read(step: Step) -> tuple[str, ...]:
    """The steps whose records the step reads."""
    return tuple(read_by(_stream(step)))


def _above(plan: Plan, step: Step) -> Iterator[Step]:
    """The steps that a step reads, and those that they read, each before its readers."""
    for id in read(step):
        one = next(one for one in plan.steps if one.id == id)
        yield from _above(plan, one)
        yield replace(one, needs=read(one), reads=read(one))


def _first(step: Step, rows: int) -> Step:
    """The step up to so many records, without its sinks, passing over faults."""
    body = with_inputs(_stream(step), _that_ends)
    limit = Operation("limit", {"limit": rows})
    return replace(
        step,
        body=Stream(
            source=body.source,
            transforms=(*(replace(one, on_error="skip") for one in body.transforms), limit),
            observed=body.observed,
        ),
    )


def _that_ends(source: Operation) -> Operation:
    """The source as far as there are records now, passing over faults."""
    arguments = {name: value for name, value in source.arguments.items() if name != "follow"}
    return replace(source, arguments=arguments, on_error="skip")


def _stream(step: Step) -> Stream:
    assert isinstance(step.body, Stream)
    return step.body
