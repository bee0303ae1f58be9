"""A mapping in the making: keys that are text and stand once, and YAML's merges."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import field

from flowctl.codes.syntax import DUPLICATE_KEY, KEY_NOT_TEXT, MERGE
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Diagnostic, Related, Span
from flowctl.syntax.node import Entry, MappingNode, Node, ScalarNode, SequenceNode, UnknownNode

MERGE_KEY = "<<"


@dataclass(frozen=True, slots=True)
class _Merge:
    """What a `<<` brings in, the strongest first."""

    mappings: tuple[MappingNode, ...]


@dataclass(slots=True)
class MappingBuilder:
    """Takes keys and values in turn; its faults wait in `faults` until the mapping is whole."""

    merges: bool = True
    faults: list[Diagnostic] = field(default_factory=list)
    wants_key: bool = True
    _parts: list[Entry | _Merge] = field(default_factory=list)
    _first: dict[str, Span] = field(default_factory=dict)
    _key: ScalarNode | None = None
    _merging: bool = False

    def add(self, node: Node, written: Span) -> None:
        """The next key or value; `written` is its place, which for an alias is not the node's."""
        if self.wants_key:
            self._add_key(node, written)
        else:
            self._add_value(node, written)
        self.wants_key = not self.wants_key

    def entries(self) -> tuple[Entry, ...]:
        """All entries in the order of the file; merged ones stand where their `<<` stands."""
        return tuple(self._merged() if MERGE_KEY in self._first else self._written())

    def values(self) -> Iterator[Node]:
        """The values that are written out."""
        return (entry.value for entry in self._written())

    def _add_key(self, node: Node, written: Span) -> None:
        self._merging = False
        if not isinstance(node, ScalarNode):
            self._key = None
            if not isinstance(node, UnknownNode):
                self.faults.append(_no_text_key(node, written))
            return
        if not isinstance(node.value, str):
            self.faults.append(_no_string_key(node, written))
            node = ScalarNode(json.dumps(node.value), node.span)
        name = str(node.value)
        self._merging = self.merges and name == MERGE_KEY and node.plain
        first = self._first.setdefault(name, written)
        if first is not written:
            self.faults.append(_duplicate(name, written, first, self._merging))
            self._key = None
        else:
            self._key = node

    def _add_value(self, node: Node, written: Span) -> None:
        if self._key is None:
            return
        if not self._merging:
            self._parts.append(Entry(self._key, node))
            return
        mappings, wrong = _mappings(node)
        if wrong is not None:
            self.faults.append(_no_merge(written))
        self._parts.append(_Merge(mappings))

    def _written(self) -> Iterator[Entry]:
        return (part for part in self._parts if isinstance(part, Entry))

    def _merged(self) -> Iterator[Entry]:
        explicit = {entry.name for entry in self._written()}
        for part in self._parts:
            if isinstance(part, Entry):
                yield part
                continue
            for mapping in part.mappings:
                for entry in mapping.entries:
                    if entry.name not in explicit:
                        explicit.add(entry.name)
                        yield entry


def _mappings(node: Node) -> tuple[tuple[MappingNode, ...], Node | None]:
    """The mappings that a merge names, and the first thing among them that is none."""
    parts = node.items if isinstance(node, SequenceNode) else (node,)
    wrong = [part for part in parts if not isinstance(part, MappingNode | UnknownNode)]
    mappings = tuple(part for part in parts if isinstance(part, MappingNode))
    return mappings, wrong[0] if wrong else None


def _duplicate(name: str, span: Span, first: Span, merging: bool) -> Diagnostic:
    return Diagnostic(
        DUPLICATE_KEY,
        f"the key `{name}` stands twice",
        span,
        help="merge a list of aliases: `<<: [*a, *b]`"
        if merging
        else "remove one of the two, or give it another name",
        related=(Related(first, "first defined here"),),
    )


def _no_string_key(node: ScalarNode, span: Span) -> Diagnostic:
    kind = {bool: "a boolean", int: "a number", float: "a number"}.get(type(node.value), "null")
    if span.column == span.end_column and span.line == span.end_line:
        return Diagnostic(KEY_NOT_TEXT, "a key is missing before the colon", span)
    return Diagnostic(
        KEY_NOT_TEXT, f"this key is {kind}; keys are text", span, help="put quotes around the key"
    )


def _no_text_key(node: Node, span: Span) -> Diagnostic:
    kind = "a list" if isinstance(node, SequenceNode) else "a mapping"
    return Diagnostic(
        KEY_NOT_TEXT, f"this key is {kind}; keys are text", span, help="write the key as text"
    )


def _no_merge(span: Span) -> Diagnostic:
    return Diagnostic(
        MERGE,
        "`<<` merges a mapping or a list of mappings",
        span,
        help="name an alias of a mapping: `<<: *name`",
    )
