"""TOML into the located tree: tomllib says what a file holds, tree-sitter where it stands."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, time
from typing import TypeAlias

from flowctl.codes.syntax import DUPLICATE_KEY, EMPTY_DOCUMENT, NUMBER
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Diagnostic, Related, Report, Span
from flowctl.syntax.bounds import OutOfBounds, refuse_depth
from flowctl.syntax.core import TooLarge, finite
from flowctl.syntax.layout import TextLayout
from flowctl.syntax.node import Entry, MappingNode, Node, ScalarNode, SequenceNode, UnknownNode
from flowctl.syntax.source import SourceFile
from flowctl.syntax.toml_faults import explain, forbidden_character, says_twice
from flowctl.syntax.toml_places import Array, Clash, Leaf, Place, Places, Table, locate
from flowctl.syntax.toml_strings import decoder, verbatim

Value: TypeAlias = (
    "bool | int | float | str | datetime | date | time | TooLarge | list[Value] | dict[str, Value]"
)


def parse_toml(source: SourceFile, report: Report) -> Node | None:
    """The tree of a file; None where tomllib refuses it or it is beyond its bounds."""
    if (fault := forbidden_character(source)) is not None:
        report.add(fault)
        return None
    try:
        places = locate(source, report)
        data = tomllib.loads(source.text, parse_float=_float)
    except OutOfBounds:
        return None
    except RecursionError:
        refuse_depth(report, Span.point(source.name, 1, 1))
        return None
    except ValueError as error:
        _report(source, report, places, error)
        return None
    if not data:
        report.say(EMPTY_DOCUMENT, Span.point(source.name, 1, 1), "the document is empty")
        return None
    return _Tree(source, report).node(data, places.root)


def _report(source: SourceFile, report: Report, places: Places, error: ValueError) -> None:
    fault = explain(source, error)
    clashes = places.clashes
    if places.broken and fault.span is not None:
        last = fault.span.line if says_twice(error) else fault.span.line - 1
        clashes = [clash for clash in clashes if source.place(clash.second.start)[0] <= last]
    for clash in clashes:
        report.add(_twice(source, clash))
    if not (clashes and says_twice(error)):
        report.add(fault)


def _twice(source: SourceFile, clash: Clash) -> Diagnostic:
    if clash.table:
        message = (
            f"the table `{clash.name}` is already defined, and nothing can be added to it here"
        )
        help = "write all of it in one place"
    else:
        message = f"the key `{clash.name}` stands twice"
        help = "remove one of the two, or give it another name"
    first = source.span(clash.first.start, clash.first.end)
    return Diagnostic(
        DUPLICATE_KEY,
        message,
        source.span(clash.second.start, clash.second.end),
        help,
        (Related(first, "first defined here"),),
    )


def _float(text: str) -> float | TooLarge:
    return float(text) if text.lstrip("+-") in ("inf", "nan") else finite(text)


@dataclass(frozen=True, slots=True)
class _Tree:
    """Joins values and places; the bound on depth was checked where the places were found."""

    source: SourceFile
    report: Report

    def node(self, value: Value, place: Place) -> Node:
        span = self.source.span(place.start, place.end)
        if isinstance(value, dict) and isinstance(place, Table):
            return MappingNode(tuple(self._entries(value, place)), span)
        if isinstance(value, list) and isinstance(place, Array):
            items = zip(value, place.items, strict=True)
            return SequenceNode(tuple(self.node(item, below) for item, below in items), span)
        return self._scalar(value, place, span)

    def _entries(self, value: dict[str, Value], table: Table) -> list[Entry]:
        entries = []
        for name, below in value.items():
            leaf, place = table.entries[name]
            entries.append(Entry(self._text(name, leaf), self.node(below, place)))
        return entries

    def _text(self, value: str, place: Leaf) -> ScalarNode:
        text = self.source.text
        decode = decoder(text, place.start)
        layout = TextLayout(self.source, place.start, place.end, value, decode)
        quoted = text[place.start] in "\"'"
        return ScalarNode(value, self.source.span(place.start, place.end), layout, not quoted)

    def _scalar(self, value: Value, place: Place, span: Span) -> Node:
        leaf = Leaf(place.start, place.end)
        if isinstance(value, str):
            return self._text(value, leaf)
        if isinstance(value, date | time):
            written = _iso(self.source.text[place.start : place.end])
            layout = TextLayout(self.source, place.start, place.end, written, verbatim)
            return ScalarNode(written, span, layout, plain=True)
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            value = TooLarge("lies beyond the 64 bits of TOML's integers")
        if isinstance(value, TooLarge):
            help = "put quotes around digits that are meant as text"
            self.report.say(NUMBER, span, f"this number {value.reason}", help=help)
            return UnknownNode(span)
        assert isinstance(value, bool | int | float)
        return ScalarNode(value, span, None, plain=True)


def _iso(written: str) -> str:
    """A date or time as ISO 8601 writes it; TOML also allows a space or a small letter in it."""
    return written.replace(" ", "T").replace("t", "T").replace("z", "Z")
