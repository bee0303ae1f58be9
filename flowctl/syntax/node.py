"""The located tree: one shape for YAML and TOML, in which every key and scalar knows its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Protocol, TypeAlias

from flowctl.dataclass import dataclass
from flowctl.diagnostics import Frame, Span

Json: TypeAlias = "None | bool | int | float | str | list[Json] | dict[str, Json]"


class Layout(Protocol):
    """Maps stretches of a decoded text back to the file, through quotes, escapes and folding."""

    def span(self, start: int, end: int) -> Span:
        """The place of `text[start:end]`; an empty stretch gives the point where it stands."""
        ...


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A leaf: its value, its place, and how its characters lie in the file.

    `plain` tells that it was written without quotes (or is a TOML value that is no string), which
    matters for the traps that only unquoted YAML sets.
    """

    value: None | bool | int | float | str
    span: Span
    layout: Layout | None = field(default=None, compare=False, repr=False)
    plain: bool = False
    trace: tuple[Frame, ...] = ()

    def at(self, start: int, end: int) -> Span:
        """The place of a stretch of the text; the whole scalar where it has no inner layout."""
        return self.layout.span(start, end) if self.layout is not None else self.span


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key: value` of a mapping."""

    key: ScalarNode
    value: Node

    @property
    def name(self) -> str:
        return str(self.key.value)


@dataclass(frozen=True, slots=True)
class MappingNode:
    """Keys and values in the order of the file; keys are unique strings."""

    entries: tuple[Entry, ...]
    span: Span
    trace: tuple[Frame, ...] = ()

    def get(self, name: str) -> Node | None:
        """The value under this key, or None."""
        for entry in self.entries:
            if entry.key.value == name:
                return entry.value
        return None

    def entry(self, name: str) -> Entry | None:
        """The key and value under this name, or None."""
        for entry in self.entries:
            if entry.key.value == name:
                return entry
        return None

    def names(self) -> list[str]:
        """The keys in the order of the file."""
        return [entry.name for entry in self.entries]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list."""

    items: tuple[Node, ...]
    span: Span
    trace: tuple[Frame, ...] = ()

    def __iter__(self) -> Iterator[Node]:
        return iter(self.items)


@dataclass(frozen=True, slots=True)
class UnknownNode:
    """A value that could not be computed.

    Either its fault is already in the report, or it cannot be known before the run; in both cases
    later passes take it for anything and say nothing more about it.
    """

    span: Span
    trace: tuple[Frame, ...] = ()


Node: TypeAlias = "ScalarNode | MappingNode | SequenceNode | UnknownNode"

Pointer: TypeAlias = "tuple[str | int, ...]"


def find(node: Node, pointer: Pointer) -> Node | None:
    """The node at a path of keys and indexes, or None where there is none."""
    for part in pointer:
        if isinstance(node, MappingNode) and isinstance(part, str):
            below = node.get(part)
        elif isinstance(node, SequenceNode) and isinstance(part, int):
            below = node.items[part] if part < len(node.items) else None
        else:
            below = None
        if below is None:
            return None
        node = below
    return node


def traced(node: Node, trace: tuple[Frame, ...]) -> Node:
    """The same tree, each node of which also tells by which way it came here."""
    if isinstance(node, MappingNode):
        entries = (
            Entry(_traced(entry.key, trace), traced(entry.value, trace)) for entry in node.entries
        )
        return MappingNode(tuple(entries), node.span, (*node.trace, *trace))
    if isinstance(node, SequenceNode):
        items = tuple([traced(item, trace) for item in node.items])
        return SequenceNode(items, node.span, (*node.trace, *trace))
    if isinstance(node, ScalarNode):
        return _traced(node, trace)
    return UnknownNode(node.span, (*node.trace, *trace))


def _traced(node: ScalarNode, trace: tuple[Frame, ...]) -> ScalarNode:
    # Not `replace`: aliases that stand for much make hundreds of thousands of these.
    return ScalarNode(node.value, node.span, node.layout, node.plain, (*node.trace, *trace))


def to_json(node: Node, unknown: object = None) -> Json:
    """The plain value of a tree, with `unknown` in place of what could not be computed."""
    if isinstance(node, ScalarNode):
        return node.value
    if isinstance(node, MappingNode):
        return {entry.name: to_json(entry.value, unknown) for entry in node.entries}
    if isinstance(node, SequenceNode):
        return [to_json(item, unknown) for item in node.items]
    return unknown  # type: ignore[return-value]  # a sentinel of the caller's own
