"""Puts the templates and references of a tree in place; what has none stays the very same node."""

from __future__ import annotations

from dataclasses import replace

from flowctl.codes.templates import BAD_KEY, TOO_LARGE
from flowctl.compiler.expand.bundle import Bundler
from flowctl.compiler.expand.comments import cut_by_comment
from flowctl.compiler.expand.names import Names
from flowctl.compiler.expand.overlay import overlay
from flowctl.compiler.expand.references import REF, Exhausted, References
from flowctl.compiler.expand.scalars import OPENING, Renderer
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Related, Report
from flowctl.schema.guide import Guide
from flowctl.schema.wording import TYPE_WORDS, type_of
from flowctl.syntax.node import Entry, MappingNode, Node, ScalarNode, SequenceNode, UnknownNode

MAX_DEPTH = 100


@dataclass(slots=True)
class Expander:
    """Expands trees under given names."""

    references: References
    renderer: Renderer
    report: Report
    bundler: Bundler

    def head(self, node: Node, names: Names) -> Node:
        """What stands at the top of a tree, once the references there are followed."""
        try:
            return self.references.head(node, names)
        except Exhausted:
            return UnknownNode(node.span, node.trace)

    def overlay(self, base: Node, patch: Node, names: Names) -> Node:
        """A patch laid over a tree, both of which may hold references."""
        try:
            return overlay(base, patch, lambda node: self.references.head(node, names))
        except Exhausted:
            return UnknownNode(patch.span, patch.trace)

    def expand(self, node: Node, names: Names, guide: Guide | None = None) -> Node:
        """The tree with everything in place; a part with a fault in it becomes unknown."""
        try:
            return self._expand(node, names, guide, 0)
        except Exhausted:
            return UnknownNode(node.span, node.trace)

    def _expand(self, node: Node, names: Names, guide: Guide | None, depth: int) -> Node:
        if isinstance(node, ScalarNode):
            return self._scalar(node, names, guide)
        if isinstance(node, UnknownNode):
            return node
        if depth > MAX_DEPTH:
            message = f"values nest more than {MAX_DEPTH} deep here"
            self.report.say(TOO_LARGE, node.span, message, trace=node.trace)
            return UnknownNode(node.span, node.trace)
        if isinstance(node, SequenceNode):
            return self._sequence(node, names, guide, depth)
        if guide is not None and guide.schema:
            return self.bundler.bundle(node, names)
        if any(entry.key.value == REF for entry in node.entries):
            return self._expand(self.references.head(node, names), names, guide, depth + 1)
        return self._mapping(node, names, guide, depth)

    def _scalar(self, node: ScalarNode, names: Names, guide: Guide | None) -> Node:
        text = node.value
        if type(text) is not str:
            return node
        if guide is not None and guide.expression and (fault := cut_by_comment(node)) is not None:
            self.report.add(fault)
            return UnknownNode(node.span, node.trace)
        if OPENING in text:
            rendered = self.renderer.render(node, names)
            if rendered is not node:
                return rendered
        if names.frames and "matrix" in text:
            return replace(node, trace=(*node.trace, *names.frames))
        return node

    def keys(self, node: MappingNode, names: Names) -> tuple[Entry, ...]:
        """The entries with their keys in place, without those whose key is unknown or not usable.

        The very tuple of the node, where no key is a template.
        """
        if not any(OPENING in entry.name for entry in node.entries):
            return node.entries
        first: dict[str, Entry] = {}
        for entry in node.entries:
            key = self._key(entry.key, names) if OPENING in entry.name else entry.key
            if not isinstance(key, ScalarNode):
                continue
            if key is not entry.key:
                entry = Entry(key, entry.value)
            other = first.setdefault(entry.name, entry)
            if other is not entry:
                message = f"the key comes out as `{entry.name}`, which stands here already"
                related = (Related(other.key.span, "first defined here"),)
                self.report.say(BAD_KEY, key.span, message, related=related, trace=key.trace)
        return tuple(first.values())

    def _mapping(self, node: MappingNode, names: Names, guide: Guide | None, depth: int) -> Node:
        entries = self.keys(node, names)
        if len(entries) < len(node.entries):
            return UnknownNode(node.span, node.trace)
        within = guide.within(entry.name for entry in entries) if guide is not None else None
        expanded: list[Entry] = []
        same = entries is node.entries
        for entry in entries:
            below = within.below(entry.name) if within is not None else None
            value = self._expand(entry.value, names, below, depth + 1)
            if value is not entry.value:
                same = False
                entry = Entry(entry.key, value)
            expanded.append(entry)
        return node if same else MappingNode(tuple(expanded), node.span, node.trace)

    def _sequence(self, node: SequenceNode, names: Names, guide: Guide | None, depth: int) -> Node:
        below = guide.items if guide is not None else None
        items: list[Node] = []
        for item in node.items:
            if isinstance(item, MappingNode) and item.entry(REF) is not None and not _opaque(below):
                head = self.references.head(item, names)
                if isinstance(head, SequenceNode):
                    spliced = self._expand(head, names, guide, depth + 1)
                    if isinstance(spliced, SequenceNode):
                        items += spliced.items
                        continue
                    head = spliced
                item = head
            items.append(self._expand(item, names, below, depth + 1))
        if len(items) == len(node.items) and all(map(_is, items, node.items)):
            return node
        return SequenceNode(tuple(items), node.span, node.trace)

    def _key(self, key: ScalarNode, names: Names) -> Node:
        rendered = self.renderer.render(key, names)
        if isinstance(rendered, UnknownNode):
            return rendered
        if not isinstance(rendered, ScalarNode) or not isinstance(rendered.value, str):
            message = f"a key must be text; this gives {TYPE_WORDS[type_of(rendered)]}"
            help = "write `| string` at its end"
            self.report.say(BAD_KEY, key.span, message, help=help, trace=key.trace)
            return UnknownNode(key.span, key.trace)
        return rendered


def _opaque(guide: Guide | None) -> bool:
    return guide is not None and guide.schema


def _is(one: object, other: object) -> bool:
    return one is other
