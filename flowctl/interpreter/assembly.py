"""From a stream of the plan to a pipeline: types are known now, so every rule is asked again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from flowctl.codes.environment import NO_INPUT
from flowctl.component import Sink as SinkComponent
from flowctl.component import Situation, Source, Transform
from flowctl.dataflow import InOrder, Rowwise, Writer
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.files.paths import DataFiles
from flowctl.interpreter.pipeline import Pipeline, Stage, segments
from flowctl.plan import Operation, Stream
from flowctl.records import Schema


class Components(Protocol):
    """The components by kind, as `registry.Registry` holds them."""

    @property
    def sources(self) -> Mapping[str, Source]: ...
    @property
    def transforms(self) -> Mapping[str, Transform]: ...
    @property
    def sinks(self) -> Mapping[str, SinkComponent]: ...


class Unfit(Exception):
    """The rules refuse what the data turn out to be; the faults' pointers start at the step."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = tuple(faults)


def assemble(stream: Stream, base: Path, scope: Scope, components: Components) -> Pipeline:
    """A pipeline over the files as they are now; raises Unfit and BadInput."""
    situation = Situation(replace(scope, source=True), DataFiles(base))
    source = components.sources[stream.source.kind]
    typed = source.rule(stream.source.arguments, situation)
    missing = [Fault(NO_INPUT, message, (stream.source.kind,)) for message in typed.missing]
    _refuse((*typed.faults, *missing), "source")
    schema = typed.schema
    stages: list[Stage | InOrder] = []
    for index, operation in enumerate(stream.transforms):
        stage, schema = _transform(operation, index, schema, situation, components)
        stages.append(stage)
    found, in_order = segments(stages)
    return Pipeline(
        reader=source.open(typed.arguments, typed.schema, base),
        source=Stage(
            Rowwise(lambda frame: frame), stream.source.on_error, ("source",), stream.source.kind
        ),
        segments=found,
        in_order=in_order,
        schema=typed.schema,
        result=schema,
    )


def _transform(
    operation: Operation, index: int, schema: Schema, situation: Situation, components: Components
) -> tuple[Stage | InOrder, Schema]:
    component = components.transforms[operation.kind]
    typed = component.rule(operation.arguments, schema, situation)
    _refuse(typed.faults, "transforms", index)
    operator = component.prepare(typed.arguments, schema, situation.scope)
    if isinstance(operator, InOrder):
        return operator, typed.schema
    pointer = ("transforms", index)
    return Stage(operator, operation.on_error, pointer, operation.kind), typed.schema


def open_writer(
    operation: Operation,
    schema: Schema,
    pointer: tuple[str | int, ...],
    base: Path,
    scope: Scope,
    components: Components,
) -> Writer:
    """A writer for these columns; raises Unfit where the format cannot hold them."""
    component = components.sinks[operation.kind]
    typed = component.rule(operation.arguments, schema, Situation(scope, DataFiles(base)))
    _refuse(typed.faults, *pointer)
    return component.open(typed.arguments, schema, base)


def _refuse(faults: Iterable[Fault], *pointer: str | int) -> None:
    found = [fault.below(*pointer) for fault in faults]
    if found:
        raise Unfit(found)
