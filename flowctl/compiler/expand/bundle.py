"""JSON Schemas made self-contained: what their `$ref`s name in other files comes into `$defs`.

`$ref` keeps JSON Schema's own meaning, so nothing is put in place: a schema may be recursive.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field, replace
from pathlib import PurePosixPath
from urllib.parse import unquote

from flowctl.codes.templates import OUTSIDE_PROJECT, SCHEMA_REF
from flowctl.compiler.expand.names import Names
from flowctl.compiler.expand.references import Dangling, descend
from flowctl.compiler.expand.scalars import OPENING, Renderer, traced
from flowctl.compiler.project import FileRefused, ProjectFiles
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Frame, Report, Span
from flowctl.syntax.node import (
    Entry,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    UnknownNode,
)

REF, DEFS, ANCHOR = "$ref", "$defs", "$anchor"
# Under these keys stand plain values, in which `$ref` would be a key like any other.
_VALUES = frozenset(("const", "enum", "default", "examples"))
_NAMED = frozenset(("properties", "patternProperties", "dependentSchemas", DEFS, "definitions"))
_METASCHEMAS = ("http://json-schema.org/", "https://json-schema.org/")

Target = tuple[str, str]
"""A file and the way into it: a JSON pointer, or an anchor's name."""


class _Broken(Exception):
    """A reference cannot be followed; the report says why."""


@dataclass(slots=True)
class Bundler:
    """Makes one tree of a schema and all that it refers to."""

    files: ProjectFiles
    renderer: Renderer
    report: Report

    def bundle(self, schema: MappingNode, names: Names) -> Node:
        """The schema with its templates evaluated and its references within itself.

        The very node, where there is nothing to do; unknown, where a reference is broken.
        """
        rendered = self.rendered(schema, names)
        if not isinstance(rendered, MappingNode) or not _leads_out(rendered):
            return rendered
        try:
            return _Bundle(self.files, self.report).of(rendered)
        except _Broken:
            return UnknownNode(schema.span, schema.trace)

    def rendered(self, node: Node, names: Names) -> Node:
        """A tree with its templates evaluated, and its references as they are."""
        if isinstance(node, ScalarNode):
            if isinstance(node.value, str) and OPENING in node.value:
                return self.renderer.render(node, names)
            return node
        if isinstance(node, MappingNode):
            values = [self.rendered(entry.value, names) for entry in node.entries]
            if all(new is old.value for new, old in zip(values, node.entries, strict=True)):
                return node
            pairs = zip(node.entries, values, strict=True)
            return replace(node, entries=tuple(Entry(old.key, new) for old, new in pairs))
        if isinstance(node, SequenceNode):
            items = tuple(self.rendered(item, names) for item in node.items)
            if all(new is old for new, old in zip(items, node.items, strict=True)):
                return node
            return replace(node, items=items)
        return node


@dataclass(slots=True)
class _Bundle:
    """The making of one bundle: the definitions so far, by what they were in their files."""

    files: ProjectFiles
    report: Report
    root: Target | None = None
    names: dict[Target, str] = field(default_factory=dict)
    definitions: dict[str, Node] = field(default_factory=dict)
    pending: list[tuple[Target, Node]] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    own: MappingNode | None = None

    def of(self, schema: MappingNode) -> MappingNode:
        self.own = schema
        only = schema.entry(REF)
        if only is not None and len(schema.entries) == 1 and isinstance(only.value, ScalarNode):
            target = self._target(only.value, None)
            if target is not None:
                found = self._find(target, only.value)
                if isinstance(found, MappingNode):
                    self.root = target
                    came = _came(found, only.value)
                    assert isinstance(came, MappingNode)
                    schema = came
        own = schema.get(DEFS)
        self.taken = set(own.names()) if isinstance(own, MappingNode) else set()
        self.ids = set(_ids(schema))
        holder = self.root[0] if self.root is not None else None
        body = self._rewritten(schema, holder)
        assert isinstance(body, MappingNode)
        while self.pending:
            target, found = self.pending.pop()
            self.definitions[self.names[target]] = self._rewritten(found, target[0])
        return _with_definitions(body, self.definitions)

    def _rewritten(self, node: Node, holder: str | None) -> Node:
        """The tree with each reference pointing into the bundle; `holder` is its own file.

        It is None for the schema that stands in the workflow, whose `#` is its own root.
        """
        if isinstance(node, SequenceNode):
            return replace(node, items=tuple(self._rewritten(item, holder) for item in node.items))
        if not isinstance(node, MappingNode):
            return node
        entries: list[Entry] = []
        for entry in node.entries:
            value = entry.value
            if entry.name == REF and isinstance(value, ScalarNode):
                value = self._reference(value, holder)
            elif entry.name in _NAMED and isinstance(value, MappingNode):
                named = (Entry(one.key, self._rewritten(one.value, holder)) for one in value)
                value = replace(value, entries=tuple(named))
            elif entry.name == "$id" and holder is not None:
                continue
            elif entry.name not in _VALUES:
                value = self._rewritten(value, holder)
            entries.append(Entry(entry.key, value))
        return replace(node, entries=tuple(entries))

    def _reference(self, written: ScalarNode, holder: str | None) -> ScalarNode:
        target = self._target(written, holder)
        if target is None:
            return written
        if self.root is not None and target[0] == self.root[0]:
            if target == self.root:
                return _pointing(written, "#")
            if not self.root[1]:
                return _pointing(written, f"#{target[1]}")
        if target not in self.names:
            self.names[target] = self._name(target)
            self.pending.append((target, _came(self._find(target, written), written)))
        escaped = self.names[target].replace("~", "~0").replace("/", "~1")
        return _pointing(written, f"#/{DEFS}/{escaped}")

    def _target(self, written: ScalarNode, holder: str | None) -> Target | None:
        """What a reference names; None where it stays as it is."""
        text = str(written.value)
        path, _, fragment = text.partition("#")
        if text in self.ids or path.startswith(_METASCHEMAS):
            return None
        if not path:
            return self._inside(written, holder, unquote(fragment))
        try:
            file = self.files.locate(path, written.span.file)
            self.files.tree(file, path)
        except FileRefused as refused:
            code = refused.code if refused.code is OUTSIDE_PROJECT else SCHEMA_REF
            if refused.message:
                place = written.at(0, len(path))
                self.report.say(
                    code, place, refused.message, help=refused.help, trace=written.trace
                )
            raise _Broken from None
        return file.as_posix(), unquote(fragment)

    def _inside(self, written: ScalarNode, holder: str | None, fragment: str) -> Target | None:
        """What a reference into its own file names.

        A schema that stands in a workflow is its own root; what it does not hold itself may stand
        elsewhere in that document.
        """
        if holder is not None:
            return holder, fragment
        if self.own is None or _holds(self.own, fragment):
            return None
        document = self.files.trees.get(written.span.file)
        if document is not None and fragment.startswith("/") and _holds(document, fragment):
            return written.span.file, fragment
        return None

    def _find(self, target: Target, written: ScalarNode) -> Node:
        file, fragment = target
        tree = self.files.trees.get(file)
        place: Span = written.span
        if tree is None:
            raise _Broken
        if fragment and not fragment.startswith("/"):
            found = next((node for node in _schemas(tree) if _anchor(node) == fragment), None)
            if found is None:
                message = f"there is no `$anchor: {fragment}` in `{PurePosixPath(file).name}`"
                self.report.say(SCHEMA_REF, place, message, trace=written.trace)
                raise _Broken
            return found
        try:
            return descend(tree, fragment, f"`{PurePosixPath(file).name}`")
        except Dangling as dangling:
            place = dangling.place(written)
            self.report.say(
                SCHEMA_REF, place, dangling.message, help=dangling.help, trace=written.trace
            )
            raise _Broken from None

    def _name(self, target: Target) -> str:
        file, fragment = target
        stem = fragment.rpartition("/")[2] or PurePosixPath(file).name.split(".")[0]
        name, number = stem, 1
        while name in self.taken:
            number += 1
            name = f"{stem}_{number}"
        self.taken.add(name)
        return name


def _with_definitions(schema: MappingNode, definitions: dict[str, Node]) -> MappingNode:
    if not definitions:
        return schema
    added = tuple(Entry(ScalarNode(name, node.span), node) for name, node in definitions.items())
    own = schema.get(DEFS)
    if isinstance(own, MappingNode):
        merged = replace(own, entries=(*own.entries, *added))
        entries = tuple(
            Entry(entry.key, merged) if entry.name == DEFS else entry for entry in schema.entries
        )
        return replace(schema, entries=entries)
    key = ScalarNode(DEFS, schema.span)
    return replace(
        schema, entries=(*schema.entries, Entry(key, MappingNode(added, schema.span, schema.trace)))
    )


def _came(found: Node, written: ScalarNode) -> Node:
    frame = Frame(REF, str(written.value), written.span)
    return traced(found, (frame, *written.trace))


def _pointing(written: ScalarNode, target: str) -> ScalarNode:
    return written if written.value == target else replace(written, value=target, layout=None)


def _schemas(node: Node) -> Iterator[MappingNode]:
    """All mappings of a tree that are schemas, not plain values."""
    if isinstance(node, MappingNode):
        yield node
        for entry in node.entries:
            if entry.name not in _VALUES:
                yield from _schemas(entry.value)
    elif isinstance(node, SequenceNode):
        for item in node.items:
            yield from _schemas(item)


def _leads_out(schema: MappingNode) -> bool:
    """Whether any reference leads out of the schema."""
    written = (node.get(REF) for node in _schemas(schema))
    return any(
        isinstance(reference, ScalarNode)
        and not (str(reference.value)[:1] == "#" and _holds(schema, str(reference.value)[1:]))
        for reference in written
    )


def _holds(tree: Node, fragment: str) -> bool:
    """Whether a tree has something at a pointer or anchor."""
    if fragment and not fragment.startswith("/"):
        return any(_anchor(node) == fragment for node in _schemas(tree))
    try:
        descend(tree, unquote(fragment), "")
    except Dangling:
        return False
    return True


def _ids(schema: MappingNode) -> Iterator[str]:
    for node in _schemas(schema):
        own = node.get("$id")
        if isinstance(own, ScalarNode):
            yield str(own.value)


def _anchor(node: MappingNode) -> object:
    anchor = node.get(ANCHOR)
    return anchor.value if isinstance(anchor, ScalarNode) else None
