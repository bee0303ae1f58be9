"""The components of a stream, as the interpreter finds them by their kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from flowctl.component import Sink as SinkComponent
from flowctl.component import Source, Transform
from flowctl.plan import Placed
from flowctl.syntax.node import Pointer


class Components(Protocol):
    """The components by kind, as `registry.Registry` holds them."""

    @property
    def sources(self) -> Mapping[str, Source]: ...
    @property
    def transforms(self) -> Mapping[str, Transform]: ...
    @property
    def sinks(self) -> Mapping[str, SinkComponent]: ...


def input_pointer(component: Transform, transform: Placed, number: int) -> Pointer:
    """The place in the step of a transform's further source."""
    at: Pointer = (*transform.pointer, transform.operation.kind)
    return (*at, number) if component.inputs == "many" else at
