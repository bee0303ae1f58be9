"""Renders the templates of one scalar; the result knows which part of it came from where."""

from __future__ import annotations

from dataclasses import field, replace

from flowctl.codes.templates import NOT_TEXT, TEMPLATE_SYNTAX
from flowctl.compiler.expand.evaluate import Evaluator, place_of
from flowctl.compiler.expand.faults import TemplateFault, Unavailable
from flowctl.compiler.expand.holes import Hole, Piece, Text, Unclosed, cut
from flowctl.compiler.expand.names import Names
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Frame, Report, Span
from flowctl.expressions.scope import NotYet
from flowctl.syntax.node import (
    Entry,
    Json,
    Layout,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    UnknownNode,
)

OPENING = "{{"
AS_TEXT = 'two braces that are meant as text are written `{{ "{{" }}`'


@dataclass(frozen=True, slots=True)
class Part:
    """`text[start:end]` of a rendered text was written as `source[written_start:written_end]`.

    A template stands for its text as a whole, other text for itself, character by character.
    """

    start: int
    end: int
    written_start: int
    written_end: int
    template: bool


@dataclass(frozen=True, slots=True)
class RenderedLayout:
    """The layout of a rendered text: templates are shown whole, other text to the character."""

    written: ScalarNode
    parts: tuple[Part, ...]

    def span(self, start: int, end: int) -> Span:
        touched = [part for part in self.parts if part.start < end and start < part.end]
        if not touched:
            touched = [part for part in self.parts if part.start <= start <= part.end][-1:]
        if not touched:
            return self.written.span
        first = self._place(touched[0], start, min(end, touched[0].end))
        last = self._place(touched[-1], max(start, touched[-1].start), end)
        return first if first == last else first.to(last)

    def _place(self, part: Part, start: int, end: int) -> Span:
        if part.template:
            return self.written.at(part.written_start, part.written_end)
        shift = part.written_start - part.start
        return self.written.at(start + shift, end + shift)


@dataclass(slots=True)
class Renderer:
    """Renders scalars; what is wrong with a template goes into the report, once."""

    evaluator: Evaluator
    report: Report
    _cuts: dict[str, tuple[Piece, ...]] = field(default_factory=dict)

    def render(self, node: ScalarNode, names: Names) -> Node:
        """The scalar with its templates evaluated; itself, where it has none."""
        text = node.value
        if not isinstance(text, str) or OPENING not in text:
            return node
        pieces = self._cut(text)
        holes = [piece for piece in pieces if not isinstance(piece, Text)]
        if not holes:
            return node
        cell = names.frames if "matrix" in text else ()
        trace = (*node.trace, *(_frame(hole, text, node) for hole in holes), *cell)
        unknown = UnknownNode(node.span, trace)
        values = [self._value(hole, node, names) for hole in holes]
        if any(isinstance(value, NotYet) for value in values):
            return unknown
        if len(pieces) == 1 and isinstance(pieces[0], Hole):
            return self._whole(pieces[0], values[0], node, names, trace)
        texts = [self._text(hole, value, node) for hole, value in zip(holes, values, strict=True)]
        if any(one is None for one in texts):
            return unknown
        return _joined(node, pieces, [one or "" for one in texts], trace)

    def _cut(self, text: str) -> tuple[Piece, ...]:
        pieces = self._cuts.get(text)
        if pieces is None:
            pieces = self._cuts[text] = cut(text)
        return pieces

    def _value(self, hole: Hole | Unclosed, node: ScalarNode, names: Names) -> Json | NotYet:
        if isinstance(hole, Unclosed):
            message = "this template is not closed: `}}` is missing"
            place = node.at(hole.start, hole.end)
            self.report.say(TEMPLATE_SYNTAX, place, message, help=AS_TEXT, trace=node.trace)
            return NotYet.KNOWN
        try:
            return self.evaluator.value(hole.expression, names, node.span.file)
        except Unavailable:
            return NotYet.KNOWN
        except TemplateFault as fault:
            self._say(fault, hole, node)
            return NotYet.KNOWN

    def _say(self, fault: TemplateFault, hole: Hole, node: ScalarNode) -> None:
        if fault.start is None:
            place = node.at(hole.start, hole.end)
        else:
            start = min(hole.inner + fault.start, hole.end - 1)
            end = hole.inner + (fault.end if fault.end is not None else fault.start + 1)
            place = node.at(start, min(max(end, start + 1), hole.end))
        help = fault.help or (AS_TEXT if fault.code is TEMPLATE_SYNTAX else None)
        self.report.say(fault.code, place, fault.message, help=help, trace=node.trace)

    def _whole(
        self,
        hole: Hole,
        value: Json | NotYet,
        node: ScalarNode,
        names: Names,
        trace: tuple[Frame, ...],
    ) -> Node:
        """A scalar that is one template keeps the value's type.

        A mapping or list keeps the places of its parts too, where it was written in a file.
        """
        origin = place_of(hole.expression, names)
        if isinstance(value, dict | list) and isinstance(origin, MappingNode | SequenceNode):
            return traced(origin, trace)
        return located(value, node, trace)

    def _text(self, hole: Hole | Unclosed, value: Json | NotYet, node: ScalarNode) -> str | None:
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return str(value)
        what, help = _unwritable(value)
        shown = node.value[hole.start : hole.end]  # type: ignore[index]
        place = node.at(hole.start, hole.end)
        message = f"`{shown}` is {what} and cannot stand inside text"
        self.report.say(NOT_TEXT, place, message, help=help, trace=node.trace)
        return None


def located(value: Json | NotYet, written: ScalarNode, trace: tuple[Frame, ...]) -> Node:
    """A tree for a plain value, all of whose parts stand where one scalar was written."""
    if isinstance(value, dict):
        entries = (
            Entry(_scalar(key, written, trace), located(below, written, trace))
            for key, below in value.items()
        )
        return MappingNode(tuple(entries), written.span, trace)
    if isinstance(value, list):
        items = tuple(located(item, written, trace) for item in value)
        return SequenceNode(items, written.span, trace)
    if isinstance(value, NotYet):
        return UnknownNode(written.span, trace)
    return _scalar(value, written, trace)


def _scalar(
    value: None | bool | int | float | str, written: ScalarNode, trace: tuple[Frame, ...]
) -> ScalarNode:
    if not isinstance(value, str):
        return ScalarNode(value, written.span, trace=trace)
    length = len(written.value) if isinstance(written.value, str) else 0
    layout = RenderedLayout(written, (Part(0, len(value), 0, length, True),))
    return ScalarNode(value, written.span, layout, trace=trace)


def traced(node: Node, trace: tuple[Frame, ...]) -> Node:
    """The same tree, each node of which also tells by which way it came here."""
    if isinstance(node, MappingNode):
        entries = (
            Entry(replace(entry.key, trace=(*entry.key.trace, *trace)), traced(entry.value, trace))
            for entry in node.entries
        )
        return MappingNode(tuple(entries), node.span, (*node.trace, *trace))
    if isinstance(node, SequenceNode):
        items = tuple(traced(item, trace) for item in node.items)
        return SequenceNode(items, node.span, (*node.trace, *trace))
    if isinstance(node, ScalarNode):
        # By far the most nodes are scalars, and `replace` takes four times as long.
        return ScalarNode(node.value, node.span, node.layout, node.plain, (*node.trace, *trace))
    return replace(node, trace=(*node.trace, *trace))


def _joined(
    node: ScalarNode, pieces: tuple[Piece, ...], texts: list[str], trace: tuple[Frame, ...]
) -> ScalarNode:
    written = str(node.value)
    rendered: list[str] = []
    parts: list[Part] = []
    remaining = iter(texts)
    position = 0
    for piece in pieces:
        template = not isinstance(piece, Text)
        text = next(remaining) if template else written[piece.start : piece.end]
        rendered.append(text)
        parts.append(Part(position, position + len(text), piece.start, piece.end, template))
        position += len(text)
    layout: Layout = RenderedLayout(node, tuple(parts))
    return ScalarNode("".join(rendered), node.span, layout, node.plain, trace)


def _frame(hole: Hole | Unclosed, text: str, node: ScalarNode) -> Frame:
    # The place within the scalar is left to its layout, which is only asked where a fault is told.
    return Frame("template", text[hole.start : hole.end], node.span)


def _unwritable(value: Json | NotYet) -> tuple[str, str]:
    if isinstance(value, list):
        return "a list", "join it: `| join(', ')`"
    if isinstance(value, dict):
        return "a mapping", "name the part that is meant, or write `| tojson`"
    return "null", "say what to write instead: `| default('...', true)`"
