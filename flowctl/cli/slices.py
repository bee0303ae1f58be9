"""Cuts a stream behind its source and behind each transform, as a plan that writes elsewhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from flowctl.plan import Operation, Plan, Step, Stream


@dataclass(frozen=True, slots=True)
class Slice:
    """A place in a step: what has just been done there, and the file with its first records."""

    step: str
    part: str
    operation: Operation
    file: Path


def slices(plan: Plan, step: Step, rows: int, folder: Path) -> tuple[Plan, list[Slice]]:
    """A plan with a step for each place, which writes the first records there into `folder`.

    What the step reads of others is computed anew, from the source on, so that nothing is written
    where the plan itself writes. Faulty records are left out.
    """
    whole = _from_the_source(plan, step)
    skipped = len(whole.transforms) - len(_stream(step).transforms)
    limit = Operation("limit", {"limit": rows})
    steps: list[Step] = []
    found: list[Slice] = []
    for count in range(skipped, len(whole.transforms) + 1):
        file = folder / f"{count}.parquet"
        body = Stream(
            source=_lenient(whole.source),
            transforms=(*map(_lenient, whole.transforms[:count]), limit),
            sinks=(Operation("parquet", {"parquet": file.as_posix()}),),
            observed=whole.observed,
        )
        steps.append(Step(f"place{count}", body))
        first = count == skipped
        done = _stream(step).source if first else whole.transforms[count - 1]
        found.append(Slice(step.id, "source" if first else done.kind, done, file))
    return Plan(plan.name, tuple(steps), plan.params, plan.secrets), found


def _from_the_source(plan: Plan, step: Step) -> Stream:
    """The step's body with the transforms of the steps that it reads in front."""
    body = _stream(step)
    if body.source.kind != "step":
        return body
    read = body.source.arguments["step"]
    name = read[0] if isinstance(read, list) else read
    above = _from_the_source(plan, next(one for one in plan.steps if one.id == name))
    return replace(above, transforms=(*above.transforms, *body.transforms))


def _stream(step: Step) -> Stream:
    assert isinstance(step.body, Stream)
    return step.body


def _lenient(operation: Operation) -> Operation:
    return replace(operation, on_error="skip")
