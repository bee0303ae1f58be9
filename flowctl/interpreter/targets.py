"""Where the sinks of a stream write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from flowctl.component import Sink
from flowctl.plan import Operation, Stream, sinks_of
from flowctl.sinking import Destination, destination


class Components(Protocol):
    """The sinks by kind, as `registry.Registry` holds them."""

    @property
    def sinks(self) -> Mapping[str, Sink]: ...


def destination_of(sink: Operation, components: Components) -> Destination | None:
    """The file or folder that a sink writes; None where it writes none, as standard output."""
    paths = components.sinks[sink.kind].paths(sink.arguments)
    return destination(sink.kind, paths[0], sink.arguments) if paths else None


def outputs_of(body: Stream, components: Components) -> Iterator[tuple[Operation, Destination]]:
    """The files and folders that a stream writes, in the order of a checkpoint's outputs."""
    for sink in all_sinks(body):
        where = destination_of(sink, components)
        if where is not None:
            yield sink, where


def all_sinks(body: Stream) -> Iterator[Operation]:
    """The sinks, and where rejects go."""
    for sink in sinks_of(body):
        yield sink.operation
    if body.rejects is not None:
        yield body.rejects
