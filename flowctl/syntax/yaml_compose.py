"""From the parser's events to the located tree: aliases, tags and bounds.

The tree is built with a stack of its own, so that no nesting can exhaust Python's; an alias is
counted with all that it stands for, and one that stands for much shares the nodes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from typing import Any

from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from flowctl.codes.syntax import (
    DIRECTIVE,
    EMPTY_DOCUMENT,
    NUMBER,
    SEVERAL_DOCUMENTS,
    TAG,
    TEXT_AFTER_VALUE,
    UNKNOWN_ALIAS,
)
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Code, Diagnostic, Frame, Related, Report, Span, nearest
from flowctl.syntax.bounds import MAX_DEPTH, MAX_NODES, OutOfBounds, refuse_depth, refuse_size
from flowctl.syntax.core import Scalar, TooLarge, resolve
from flowctl.syntax.layout import TextLayout
from flowctl.syntax.mapping import MappingBuilder
from flowctl.syntax.node import MappingNode, Node, ScalarNode, SequenceNode, UnknownNode, traced
from flowctl.syntax.source import SourceFile
from flowctl.syntax.traps import cut_by_comma, unquoted_template
from flowctl.syntax.yaml_places import begins, between, place, scalar_place, tag_place
from flowctl.syntax.yaml_scalars import DECODERS
from flowctl.syntax.yaml_tags import TagFault, collection_fault, tagged_value

MAX_TRACED = 1000

_COLON = re.compile(r"[ \t]*:")
_DIGITS = "put quotes around digits that are meant as text"
_BLANK = " \t\r\n"


@dataclass(frozen=True, slots=True)
class _Part:
    """A node with what a bound on aliases has to know: all its values, and how deep they nest."""

    node: Node
    values: int = 1
    height: int = 0


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet.

    `void` is one whose faults are those of something around it, which has been reported.
    """

    start: tuple[int, int]
    anchor: str | None
    flow: bool
    filling: MappingBuilder | list[Node]
    values: int = 1
    height: int = 0
    end: Span | None = None
    void: bool = False


@dataclass(slots=True)
class Composer:
    """Builds the tree of one document; faults that leave the rest readable go to the report."""

    source: SourceFile
    report: Report
    root: Node | None = None
    _stack: list[_Open] = field(default_factory=list)
    _anchors: dict[str, _Part | _Open] = field(default_factory=dict)
    _values: int = 0
    _key: Span | None = None

    def compose(self, events: Iterator[Any]) -> Node | None:
        """Reads events up to the end of the first document; raises YAMLError on bad syntax."""
        try:
            for event in events:
                if self._take(event):
                    break
        except OutOfBounds:
            return None
        finally:
            self._flush()
        if self.root is None or _is_nothing(self.root):
            self._say(EMPTY_DOCUMENT, Span.point(self.source.name, 1, 1), "the document is empty")
            return None
        return self.root

    def _take(self, event: Any) -> bool:
        """Takes one event; whether all that matters has been read."""
        kind = type(event)
        if kind is ScalarEvent:
            node = self._scalar(event)
            if event.anchor is not None:
                self._anchors[event.anchor] = _Part(node)
            self._add(node, node.span)
        elif kind is MappingStartEvent:
            self._begin(event, MappingBuilder(), "map")
        elif kind is SequenceStartEvent:
            self._begin(event, [], "seq")
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            self._finish(event)
        elif kind is AliasEvent:
            self._alias(event)
        elif kind is DocumentStartEvent:
            return self._document(event)
        return False

    def _document(self, event: Any) -> bool:
        if self.root is None:
            self._directive(event)
            return False
        span = between(self.source, event.start_mark, event.end_mark)
        self._say(
            SEVERAL_DOCUMENTS,
            span,
            "a second document begins here; a file holds one",
            help="remove the line, or move what follows to a file of its own",
        )
        return True

    def _directive(self, event: Any) -> None:
        if event.version in (None, (1, 2)):
            return
        version = ".".join(map(str, event.version))
        position = self.source.text.find("%YAML")
        self._say(
            DIRECTIVE,
            self.source.span(position, position + len(f"%YAML {version}")),
            f"this file asks for YAML {version}; flowctl reads YAML 1.2",
            help="remove the line",
        )

    def _add(
        self, node: Node, span: Span, values: int = 1, height: int = 0, counted: int = 0
    ) -> None:
        """Puts a node where it belongs; `span` is its place, which for an alias is not the node's.

        `values` and `height` are those of the whole node, of which some are `counted` already.
        """
        self._values += values - counted
        if self._values > MAX_NODES:
            raise refuse_size(self.report, span)
        if not self._stack:
            self.root = node
            return
        parent = self._stack[-1]
        parent.values += values
        if height >= parent.height:
            parent.height = height + 1
        parent.end = span
        filling = parent.filling
        if type(filling) is list:
            filling.append(node)
            return
        if filling.wants_key:  # type: ignore[union-attr]
            self._key = span
        filling.add(node, span)  # type: ignore[union-attr]

    def _begin(self, event: Any, filling: MappingBuilder | list[Node], kind: str) -> None:
        start = begins(self.source, event)
        where = place(self.source, event.start_mark, start)
        if len(self._stack) >= MAX_DEPTH:
            raise refuse_depth(self.report, Span.point(self.source.name, *where))
        if event.ctag is not None and (fault := collection_fault(str(event.tag), kind)):
            self._say(TAG, tag_place(self.source, event), fault.message, help=fault.help)
        opened = _Open(where, event.anchor, bool(event.flow_style), filling)
        if event.anchor is not None:
            self._anchors[event.anchor] = opened
        if self._stack:
            self._begin_below(self._stack[-1], opened, start)
        self._stack.append(opened)

    def _begin_below(self, parent: _Open, opened: _Open, start: int) -> None:
        two_braces = self.source.text.startswith("{{", start - 1) and opened.flow and parent.flow
        if two_braces and isinstance(parent.filling, MappingBuilder) and parent.filling.wants_key:
            if not parent.void:
                self.report.add(unquoted_template(self.source, start - 1))
            parent.void = True
        opened.void = parent.void

    def _finish(self, event: Any) -> None:
        done = self._stack.pop()
        end = done.start
        if done.flow:
            end = event.end_mark.line + 1, event.end_mark.column + 1
            self._check_end(event.end_mark)
        elif done.end is not None:
            end = done.end.end_line, done.end.end_column
        span = Span(self.source.name, *done.start, *end)
        if done.flow and not done.void and (fault := self._cut_by_comma(done.filling, end)):
            self.report.add(fault)
            done.void = True
        node: Node
        if done.void:
            node = UnknownNode(span)
        elif isinstance(done.filling, list):
            node = SequenceNode(tuple(done.filling), span)
        else:
            for fault in done.filling.faults:
                self.report.add(fault)
            node = MappingNode(done.filling.entries(), span)
        if done.anchor is not None:
            self._anchors[done.anchor] = _Part(node, done.values, done.height)
        self._add(node, span, done.values, done.height, counted=done.values - 1)

    def _cut_by_comma(
        self, filling: MappingBuilder | list[Node], end: tuple[int, int]
    ) -> Diagnostic | None:
        for node in filling if isinstance(filling, list) else filling.values():
            if not isinstance(node, ScalarNode) or not node.plain or "(" not in str(node.value):
                continue
            text = str(node.value)
            if text.count("(") > text.count(")"):
                start = self.source.offset(node.span.line, node.span.column)
                fault = cut_by_comma(self.source, start, self.source.offset(*end))
                if fault is not None:
                    return fault
        return None

    def _alias(self, event: Any) -> None:
        span = between(self.source, event.start_mark, event.end_mark)
        target = self._anchors.get(event.anchor)
        if isinstance(target, _Part):
            if len(self._stack) + target.height > MAX_DEPTH:
                raise refuse_depth(self.report, span)
            self._add(
                self._stand_for(target, event.anchor, span), span, target.values, target.height
            )
            return
        if target is None:
            self._unknown_alias(event.anchor, span)
        else:
            inside = Span.point(self.source.name, *target.start)
            self._say(
                UNKNOWN_ALIAS,
                span,
                f"the alias `*{event.anchor}` stands inside the value that it stands for",
                related=(Related(inside, "the value begins here"),),
            )
        self._add(UnknownNode(span), span)

    def _stand_for(self, target: _Part, name: str, span: Span) -> Node:
        """The node of an alias, which tells where it is used; a large one is shared as it is."""
        if target.values > MAX_TRACED:
            return target.node
        return traced(target.node, (Frame("alias", f"*{name}", span),))

    def _unknown_alias(self, name: str, span: Span) -> None:
        near = nearest(name, list(self._anchors))
        meant = f"; did you mean `*{near}`?" if near else ""
        self._say(
            UNKNOWN_ALIAS,
            span,
            f"no value above is marked `&{name}`{meant}",
            help=f"where `*{name}` is meant as text, put quotes around it",
        )

    def _scalar(self, event: Any) -> Node:
        text, style, tag = event.value, event.style or None, event.ctag
        end = event.end_mark
        start = begins(self.source, event)
        if style is None and start == end.index:
            return self._nothing(event, start)
        span = scalar_place(self.source, event, start)
        if style in ("'", '"'):
            self._check_end(end)
        value: Scalar | TooLarge | TagFault
        if tag is not None:
            value = tagged_value(str(tag), text)
        else:
            value = resolve(text) if style is None else text
        if type(value) is str:
            layout = TextLayout(self.source, start, end.index, value, DECODERS[style])
            return ScalarNode(value, span, layout, style is None)
        if isinstance(value, TooLarge):
            self._say(NUMBER, span, f"this number {value.reason}", help=_DIGITS)
            return UnknownNode(span)
        if isinstance(value, TagFault):
            self._say(TAG, tag_place(self.source, event), value.message, help=value.help)
            return UnknownNode(span)
        return ScalarNode(value, span, None, style is None)

    def _nothing(self, event: Any, position: int) -> Node:
        """A value that is left out; its place is after the colon or the dash before it."""
        parent = self._stack[-1].filling if self._stack else None
        if isinstance(parent, MappingBuilder) and not parent.wants_key:
            if self._key is not None:
                position = self.source.offset(self._key.end_line, self._key.end_column)
            colon = _COLON.match(self.source.text, position)
            position = colon.end() if colon else position
        else:
            while position > 0 and self.source.text[position - 1] in _BLANK:
                position -= 1
            if parent is not None and self.source.text.startswith(":", position - 1):
                position -= 1
        span = self.source.span(position, position)
        value = tagged_value(str(event.tag), "") if event.ctag is not None else None
        if isinstance(value, TagFault):
            self._say(TAG, tag_place(self.source, event), value.message, help=value.help)
        return ScalarNode("" if value == "" else None, span, None, True)

    def _check_end(self, mark: Any) -> None:
        if self.source.text.startswith("#", mark.index):
            self._say(
                TEXT_AFTER_VALUE,
                self.source.span(mark.index, mark.index + 1),
                "a comment needs a space before its `#`",
                help="write ` #`",
            )

    def _flush(self) -> None:
        """The faults of mappings that were never finished."""
        for opened in self._stack:
            if isinstance(opened.filling, MappingBuilder) and not opened.void:
                for fault in opened.filling.faults:
                    self.report.add(fault)

    def _say(
        self,
        code: Code,
        span: Span,
        message: str,
        help: str | None = None,
        related: tuple[Related, ...] = (),
    ) -> None:
        if not (self._stack and self._stack[-1].void):
            self.report.say(code, span, message, help=help, related=related)


def _is_nothing(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.value is None and node.layout is None
