"""Where everything stands in a TOML file, as its concrete syntax tree tells.

Nothing here judges: whether the file is valid, and what its values are, is for `tomllib` to say.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import field
from itertools import accumulate
from typing import TypeAlias

import tree_sitter
import tree_sitter_toml

from flowctl.codes.syntax import NUMBER
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Report, Span
from flowctl.syntax.bounds import MAX_DEPTH, MAX_NODES, OutOfBounds, refuse_depth, refuse_size
from flowctl.syntax.core import MAX_DIGITS
from flowctl.syntax.source import SourceFile
from flowctl.syntax.toml_strings import decoder

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value that holds no others, at `source[start:end]`."""

    start: int
    end: int


@dataclass(slots=True)
class Array:
    """A list, or the tables of one `[[name]]`."""

    start: int
    end: int
    items: list[Place] = field(default_factory=list)
    tables: bool = False


@dataclass(slots=True)
class Table:
    """A table; its end moves as entries come.

    `header` is the place where a `[name]` or `{ }` defined it. `inside` is the table of the section
    whose dotted keys made it; no other may add to it.
    """

    start: int
    end: int
    entries: dict[str, tuple[Leaf, Place]] = field(default_factory=dict)
    header: Leaf | None = None
    inside: Table | None = None
    inline: bool = False

    @property
    def defined(self) -> bool:
        """Whether it is more than a name on the way to another table."""
        return self.inline or self.header is not None or self.inside is not None


Place: TypeAlias = "Leaf | Array | Table"


@dataclass(frozen=True, slots=True)
class Clash:
    """A key that stands twice, or a table that is added to where it cannot be."""

    name: str
    second: Leaf
    first: Leaf
    table: bool = False


@dataclass(slots=True)
class Places:
    """The places of a document, and the keys that stand twice in it.

    In one that is `broken`, what follows its first fault is a guess.
    """

    root: Table
    clashes: list[Clash] = field(default_factory=list)
    broken: bool = False


def locate(source: SourceFile, report: Report) -> Places:
    """The places of all that can be found; raises OutOfBounds on a document beyond its bounds."""
    return _Locator(source, report).locate()


class _Offsets:
    """From the bytes that tree-sitter counts to code points."""

    def __init__(self, text: str) -> None:
        wide = [(found.start(), len(found[0].encode()) - 1) for found in _NOT_ASCII.finditer(text)]
        self._extra = [0, *accumulate(extra for _, extra in wide)]
        self._starts = [
            start + before for (start, _), before in zip(wide, self._extra, strict=False)
        ]

    def __call__(self, byte: int) -> int:
        return byte - self._extra[bisect_right(self._starts, byte - 1)]


class _Locator:
    def __init__(self, source: SourceFile, report: Report) -> None:
        self.source = source
        self.report = report
        self.offset = _Offsets(source.text)
        self.places = Places(Table(0, len(source.text)))
        self.count = 0

    def locate(self) -> Places:
        parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_toml.language()))
        root = parser.parse(self.source.text.encode()).root_node
        self.places.broken = root.has_error
        for statement in root.children:
            if statement.type == "pair":
                self._pair(statement, self.places.root, 1)
            elif statement.type in ("table", "table_array_element"):
                self._section(statement)
        return self.places

    def _section(self, section: tree_sitter.Node) -> None:
        """A `[name]` or `[[name]]` with the pairs below it."""
        key, *rest = (child for child in section.named_children if child.type != "comment")
        path = self._key(key)
        table = self._header(section, path)
        if table is None:
            return
        for pair in rest:
            if pair.type == "pair":
                self._pair(pair, table, len(path) + 1)

    def _header(self, section: tree_sitter.Node, path: list[tuple[str, Leaf]]) -> Table | None:
        if len(path) >= MAX_DEPTH:
            raise refuse_depth(self.report, self._span(path[0][1]))
        *above, (name, leaf) = path
        parent = self._descend(self.places.root, above, None)
        start = self.offset(section.start_byte)
        end = self.offset(section.named_children[0].end_byte) + (
            2 if section.type == "table_array_element" else 1
        )
        if parent is None:
            return None
        fresh = Table(start, end, header=leaf)
        if section.type == "table_array_element":
            return self._append(parent, name, leaf, fresh)
        if name not in parent.entries:
            parent.entries[name] = (leaf, fresh)
            return fresh
        first, known = parent.entries[name]
        if isinstance(known, Table) and not known.defined:
            known.start, known.end, known.header = start, end, leaf
            return known
        self.places.clashes.append(Clash(name, leaf, first, not isinstance(known, Leaf)))
        return None

    def _append(self, parent: Table, name: str, leaf: Leaf, fresh: Table) -> Table | None:
        first, known = parent.entries.setdefault(
            name, (leaf, Array(fresh.start, fresh.end, tables=True))
        )
        if not isinstance(known, Array) or not known.tables:
            self.places.clashes.append(Clash(name, leaf, first))
            return None
        known.items.append(fresh)
        return fresh

    def _descend(
        self, table: Table, path: list[tuple[str, Leaf]], inside: Table | None
    ) -> Table | None:
        """The table at the end of a dotted path, made on the way; None where a value stands.

        `inside` is the table that the path starts from, if it is that of a key and not of a header.
        """
        for name, leaf in path:
            fresh = Table(leaf.start, leaf.end, inside=inside)
            first, below = table.entries.setdefault(name, (leaf, fresh))
            if isinstance(below, Array) and below.tables and inside is None:
                below = below.items[-1]
            if not isinstance(below, Table):
                self.places.clashes.append(Clash(name, leaf, first))
                return None
            if below.inline or (
                inside is not None and below.defined and below.inside is not inside
            ):
                self.places.clashes.append(Clash(name, leaf, below.header or first, table=True))
            table = below
        return table

    def _pair(self, pair: tree_sitter.Node, table: Table, depth: int) -> None:
        """Adds one `key = value`; `depth` counts the tables and lists around it."""
        parts = [child for child in pair.named_children if child.type != "comment"]
        if len(parts) != 2:
            return
        path = self._key(parts[0])
        if depth + len(path) > MAX_DEPTH + 1:
            raise refuse_depth(self.report, self._span(path[0][1]))
        value = self._value(parts[1], depth + len(path) - 1)
        *above, (name, leaf) = path
        parent = self._descend(table, above, table)
        if parent is None:
            return
        first, known = parent.entries.setdefault(name, (leaf, value))
        if known is not value:
            self.places.clashes.append(Clash(name, leaf, first))
        for grown in (table, parent):
            grown.end = max(grown.end, value.end)

    def _value(self, value: tree_sitter.Node, depth: int) -> Place:
        start, end = self.offset(value.start_byte), self.offset(value.end_byte)
        self.count += 1
        if self.count > MAX_NODES:
            raise refuse_size(self.report, self.source.span(start, end))
        if value.type == "integer" and end - start > MAX_DIGITS:
            message = f"this number has more than {MAX_DIGITS:,} digits"
            self.report.say(NUMBER, self.source.span(start, end), message)
            raise OutOfBounds
        if value.type not in ("array", "inline_table"):
            return Leaf(start, end)
        if depth >= MAX_DEPTH:
            raise refuse_depth(self.report, self.source.span(start, start + 1))
        children = [child for child in value.named_children if child.type != "comment"]
        if value.type == "array":
            return Array(start, end, [self._value(child, depth + 1) for child in children])
        table = Table(start, end, inline=True)
        for child in children:
            if child.type == "pair":
                self._pair(child, table, depth + 1)
        table.end = end
        return table

    def _key(self, key: tree_sitter.Node) -> list[tuple[str, Leaf]]:
        """The parts of a key with their places; the tree nests a dotted key to the left."""
        parts = []
        while key.type == "dotted_key":
            *_, last = key.named_children
            parts.append(last)
            key = key.named_children[0]
        parts.append(key)
        return [self._key_part(part) for part in reversed(parts)]

    def _key_part(self, part: tree_sitter.Node) -> tuple[str, Leaf]:
        leaf = Leaf(self.offset(part.start_byte), self.offset(part.end_byte))
        text = self.source.text
        return decoder(text, leaf.start)(text, leaf.start, leaf.end, "").text, leaf

    def _span(self, leaf: Leaf) -> Span:
        return self.source.span(leaf.start, leaf.end)
