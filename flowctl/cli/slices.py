"""Cuts a stream behind its source and behind each transform, as a plan that writes elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from flowctl.arguments import pairs
from flowctl.dataclass import dataclass
from flowctl.interpreter.handing import read_by
from flowctl.plan import (
    Branch,
    Operation,
    Plan,
    Step,
    Stream,
    with_inputs,
    with_sinks,
    with_transforms,
)

_ENOUGH = 10_000
_HERE = Operation("stdout", {"stdout": "csv"})
"""A sink whose place is taken by the file of a slice."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A place in a step: what has just been done there, and the file with its first records.

    A branch `begins` there, or the step.
    """

    part: str
    operation: Operation
    file: Path
    begins: bool = False


def slices(plan: Plan, step: Step, rows: int, folder: Path) -> tuple[Plan, list[Slice]]:
    """A plan with a step for each place, which writes the first records there into `folder`.

    Steps that it reads are computed anew, as far as their first records go, so that nothing is
    written where the plan itself writes. Faulty records are left out.
    """
    body = _stream(step)
    above = {one.id: one for one in _above(plan, step)}
    steps = [replace(_skipping(one, _ENOUGH), condition=None) for one in above.values()]
    found: list[Slice] = []
    for number, cut in enumerate(_cuts(body.transforms, rows)):
        file = folder / f"{number}.parquet"
        sink = Operation("parquet", {"parquet": file.as_posix()})
        place = replace(body, transforms=cut.transforms, sinks=(_HERE,) if cut.whole else ())
        place = with_sinks(_bare(place), partial(_instead, sink))
        steps.append(
            replace(
                step,
                id=f"{step.id} {number}",
                body=place,
                needs=read(step),
                reads=read(step),
                condition=None,
            )
        )
        found.append(Slice(cut.part or "source", cut.done or body.source, file, cut.begins))
    return replace(plan, steps=tuple(steps), outputs=()), found


def _instead(sink: Operation, _: Operation) -> Operation:
    return sink


class _Cut(NamedTuple):
    """The transforms up to a place in a step, where the first records leave.

    They are those of the step as a `whole`, or those of a branch that only `begins`. `part` names
    what has just been `done`.
    """

    part: str
    done: Operation | None
    transforms: tuple[Operation, ...]
    whole: bool = True
    begins: bool = False


def _cuts(transforms: Sequence[Operation], rows: int) -> Iterator[_Cut]:
    limit = Operation("limit", {"limit": rows})
    yield _Cut("", None, (limit,))
    for count, done in enumerate(transforms, 1):
        if done.branches:
            yield from _cuts_of_branches(transforms[: count - 1], done, rows)
        else:
            yield _Cut(done.kind, done, (*transforms[:count], limit))


def _cuts_of_branches(before: Sequence[Operation], parting: Operation, rows: int) -> Iterator[_Cut]:
    """Places in each of the branches, whose records leave it while nothing leaves the others."""
    whens = dict(pairs(parting.arguments[parting.kind]))
    none = (Operation("limit", {"limit": 0}),)
    for branch in parting.branches:
        when = whens[branch.name]
        condition = Operation(parting.kind, {parting.kind: when or "what is left"})
        for cut in _cuts(branch.transforms, rows):
            sinks = (_HERE,) if cut.whole else ()
            lone = (
                Branch(one.name, cut.transforms, sinks) if one is branch else Branch(one.name, none)
                for one in parting.branches
            )
            yield _Cut(
                f"{branch.name}/{cut.part}" if cut.part else branch.name,
                cut.done or condition,
                (*before, replace(parting, branches=tuple(lone))),
                whole=False,
                begins=cut.begins or not cut.part,
            )


def read(step: Step) -> tuple[str, ...]:
    """The steps whose records the step reads."""
    return tuple(read_by(_stream(step)))


def _above(plan: Plan, step: Step) -> Iterator[Step]:
    """The steps that a step reads, and those that they read, each before its readers."""
    for id in read(step):
        one = next(one for one in plan.steps if one.id == id)
        yield from _above(plan, one)
        yield replace(one, needs=read(one), reads=read(one))


def _skipping(step: Step, rows: int) -> Step:
    """The step up to so many records, without its sinks, passing over faults."""
    body = _bare(_stream(step))
    limit = Operation("limit", {"limit": rows})
    return replace(step, body=replace(body, transforms=(*body.transforms, limit), sinks=()))


def _bare(body: Stream) -> Stream:
    """A stream that passes over faults, and demands nothing."""

    def skipping(operation: Operation) -> Operation:
        return replace(operation, on_error="skip")

    body = with_transforms(with_inputs(body, _that_ends), skipping)
    return Stream(body.source, body.transforms, body.sinks, observed=body.observed)


def _that_ends(source: Operation) -> Operation:
    """The source as far as there are records now, passing over faults."""
    arguments = {name: value for name, value in source.arguments.items() if name != "follow"}
    return replace(source, arguments=arguments, on_error="skip")


def _stream(step: Step) -> Stream:
    assert isinstance(step.body, Stream)
    return step.body
