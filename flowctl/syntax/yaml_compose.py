"""From the parser's events to the located tree: aliases, tags and bounds.

The tree is built with a stack of its own, so that no nesting can exhaust Python's; an alias is
counted with all that it stands for, but the nodes are shared and never copied.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
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
from flowctl.diagnostics import Code, Diagnostic, Related, Report, Span, nearest
from flowctl.syntax.bounds import MAX_DEPTH, MAX_NODES, OutOfBounds, refuse_depth, refuse_size
from flowctl.syntax.core import TooLarge, resolve
from flowctl.syntax.layout import TextLayout
from flowctl.syntax.mapping import MappingBuilder
from flowctl.syntax.node import MappingNode, Node, ScalarNode, SequenceNode, UnknownNode
from flowctl.syntax.source import SourceFile
from flowctl.syntax.traps import cut_by_comma, unquoted_template
from flowctl.syntax.yaml_scalars import DECODERS
from flowctl.syntax.yaml_tags import TagFault, collection_fault, tagged_value

_PROPERTY = re.compile(r"(?:!<[^>\s]*>|[&!][^\s,\[\]{}]*)(?:[ \t\r\n]+|(?<=[ \t\r\n])#[^\r\n]*)*")
_TAG = re.compile(r"![^ \t\r\n]*")
_COLON = re.compile(r"[ \t]*:")
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
    end: tuple[int, int] = (1, 1)
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
    _after_key: int = 0

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
            self._add(_Part(self._scalar(event)), event, event.anchor)
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
        span = self._marks(event.start_mark, event.end_mark)
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

    def _add(self, part: _Part, written: Any, anchor: str | None = None) -> None:
        """Puts a node where it belongs; `written` is the event or open collection it came from."""
        span = self._written(part, written)
        # What a collection holds has been counted as it came.
        self._values += 1 if isinstance(written, _Open) else part.values
        if self._values > MAX_NODES:
            raise refuse_size(self.report, span)
        if anchor is not None:
            self._anchors[anchor] = part
        if not self._stack:
            self.root = part.node
            return
        parent = self._stack[-1]
        parent.values += part.values
        parent.height = max(parent.height, part.height + 1)
        parent.end = span.end_line, span.end_column
        if isinstance(parent.filling, list):
            parent.filling.append(part.node)
            return
        if parent.filling.wants_key:
            self._after_key = self.source.offset(*parent.end)
        parent.filling.add(part.node, span)

    def _written(self, part: _Part, written: Any) -> Span:
        if type(written) is AliasEvent:
            return self._marks(written.start_mark, written.end_mark)
        return part.node.span

    def _begin(self, event: Any, filling: MappingBuilder | list[Node], kind: str) -> None:
        start = self._start(event)
        place = self._place(event.start_mark, start)
        if len(self._stack) >= MAX_DEPTH:
            raise refuse_depth(self.report, Span.point(self.source.name, *place))
        if event.ctag is not None and (fault := collection_fault(str(event.tag), kind)):
            self._say(TAG, self._tag(event), fault.message, help=fault.help)
        opened = _Open(place, event.anchor, bool(event.flow_style), filling, end=place)
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
        if done.flow:
            mark = event.end_mark
            done.end = mark.line + 1, mark.column + 1
            self._check_end(mark)
        span = Span(self.source.name, *done.start, *done.end)
        if done.flow and not done.void and (fault := self._cut_by_comma(done)) is not None:
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
        self._add(_Part(node, done.values, done.height), done, done.anchor)

    def _cut_by_comma(self, done: _Open) -> Diagnostic | None:
        filling = done.filling
        for node in filling if isinstance(filling, list) else filling.values():
            if not isinstance(node, ScalarNode) or not node.plain or "(" not in str(node.value):
                continue
            text = str(node.value)
            if text.count("(") > text.count(")"):
                start = self.source.offset(node.span.line, node.span.column)
                end = self.source.offset(*done.end)
                if (fault := cut_by_comma(self.source, start, end)) is not None:
                    return fault
        return None

    def _alias(self, event: Any) -> None:
        span = self._marks(event.start_mark, event.end_mark)
        target = self._anchors.get(event.anchor)
        if isinstance(target, _Part):
            if len(self._stack) + target.height > MAX_DEPTH:
                raise refuse_depth(self.report, span)
            self._add(target, event)
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
        self._add(_Part(UnknownNode(span)), event)

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
        text, style = event.value, event.style or None
        begin, end = event.start_mark, event.end_mark
        start = self._start(event)
        if style is None and start == end.index:
            return self._nothing(event, start)
        if style in ("|", ">"):
            stop = start + len(self.source.text[start : end.index].rstrip(_BLANK))
            span = self.source.span(start, stop)
        else:
            place = self._place(begin, start)
            span = Span(self.source.name, *place, end.line + 1, end.column + 1)
            if style is not None:
                self._check_end(end)
        if event.ctag is None:
            value = resolve(text) if style is None else text
        else:
            value = tagged_value(str(event.tag), text)
        if isinstance(value, TooLarge):
            self._say(NUMBER, span, f"this number {value.reason}", help="put quotes around digits")
            return UnknownNode(span)
        if isinstance(value, TagFault):
            self._say(TAG, self._tag(event), value.message, help=value.help)
            return UnknownNode(span)
        if not isinstance(value, str):
            return ScalarNode(value, span, None, style is None)
        layout = TextLayout(self.source, start, end.index, value, DECODERS[style])
        return ScalarNode(value, span, layout, style is None)

    def _nothing(self, event: Any, position: int) -> Node:
        """A value that is left out; its place is after the colon or the dash before it."""
        parent = self._stack[-1].filling if self._stack else None
        if isinstance(parent, MappingBuilder) and not parent.wants_key:
            colon = _COLON.match(self.source.text, self._after_key)
            position = colon.end() if colon else self._after_key
        else:
            while position > 0 and self.source.text[position - 1] in _BLANK:
                position -= 1
            if parent is not None and self.source.text.startswith(":", position - 1):
                position -= 1
        span = self.source.span(position, position)
        value = tagged_value(str(event.tag), "") if event.ctag is not None else None
        if isinstance(value, TagFault):
            self._say(TAG, self._tag(event), value.message, help=value.help)
        return ScalarNode("" if value == "" else None, span, None, True)

    def _start(self, event: Any) -> int:
        """Where a value begins, after its anchor and tag."""
        start: int = event.start_mark.index
        for _ in range((event.anchor is not None) + (event.ctag is not None)):
            found = _PROPERTY.match(self.source.text, start, event.end_mark.index)
            start = found.end() if found else start
        return start

    def _place(self, mark: Any, start: int) -> tuple[int, int]:
        if mark.index == start:
            return mark.line + 1, mark.column + 1
        return self.source.place(start)

    def _marks(self, start: Any, end: Any) -> Span:
        return Span(
            self.source.name, start.line + 1, start.column + 1, end.line + 1, end.column + 1
        )

    def _tag(self, event: Any) -> Span:
        found = _TAG.search(self.source.text, event.start_mark.index, event.end_mark.index)
        if found is None:
            return self._marks(event.start_mark, event.end_mark)
        return self.source.span(found.start(), found.end())

    def _check_end(self, mark: Any) -> None:
        if self.source.text.startswith("#", mark.index):
            self._say(
                TEXT_AFTER_VALUE,
                self.source.span(mark.index, mark.index + 1),
                "a comment needs a space before its `#`",
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
