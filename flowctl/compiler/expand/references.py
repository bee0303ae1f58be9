"""`{$ref: "file#/pointer"}`: found, read, and put in place with a note of the way it came."""

from __future__ import annotations

import re
from urllib.parse import unquote

from flowctl.codes.templates import REF_CYCLE, REF_OVERLAY, REF_TARGET, TOO_LARGE
from flowctl.compiler.expand.names import Names
from flowctl.compiler.expand.overlay import Head, overlay
from flowctl.compiler.expand.scalars import Renderer, traced
from flowctl.compiler.project import FileRefused, ProjectFiles
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Frame, Related, Report, Span, nearest
from flowctl.syntax.node import (
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    UnknownNode,
)

REF = "$ref"
MAX_NODES = 1_000_000
MAX_CHAIN = 100


_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


class Exhausted(Exception):
    """The document has grown too large, as the report says; what was being expanded is given up."""


class Dangling(Exception):
    """A pointer leads to nothing; `segment` counts its pieces up to the one that is wrong."""

    def __init__(self, message: str, segment: int, help: str | None) -> None:
        super().__init__(message)
        self.message = message
        self.segment = segment
        self.help = help

    def place(self, reference: ScalarNode) -> Span:
        """Where the wrong piece stands in the reference that was followed."""
        text = str(reference.value)
        pieces = text[text.find("#") + 1 :].split("/")
        start = text.find("#") + 1 + sum(len(piece) + 1 for piece in pieces[: self.segment])
        end = start + len(pieces[self.segment])
        return reference.at(start, end) if end > start else reference.span


@dataclass(slots=True)
class References:
    """Follows references; what is wrong with one goes into the report."""

    files: ProjectFiles
    renderer: Renderer
    report: Report
    _made: int = 0

    def head(self, node: Node, names: Names) -> Node:
        """What stands at the top of a tree, once the references there are followed."""
        while isinstance(node, MappingNode) and (entry := node.entry(REF)) is not None:
            node = self._follow(node, entry.value, names)
        return node

    def _follow(self, node: MappingNode, written: Node, names: Names) -> Node:
        unknown = UnknownNode(node.span, node.trace)
        reference = (
            self.renderer.render(written, names) if isinstance(written, ScalarNode) else written
        )
        if isinstance(reference, UnknownNode):
            return unknown
        if not isinstance(reference, ScalarNode) or not isinstance(reference.value, str):
            message = "`$ref` must be text: a file, a `#` and a JSON pointer"
            self.report.say(REF_OVERLAY, written.span, message, trace=node.trace)
            return unknown
        if self._circular(reference):
            return unknown
        target = self._target(reference, names)
        if target is None:
            return unknown
        frame = Frame(REF, reference.value or "#", reference.span)
        self._made += _size(target)
        if self._made > MAX_NODES:
            message = f"with this reference the document holds more than {MAX_NODES:,} values"
            self.report.say(TOO_LARGE, reference.span, message, trace=reference.trace)
            raise Exhausted
        found = traced(target, (frame, *reference.trace))
        beside = tuple(entry for entry in node.entries if entry.name != REF)
        if not beside:
            return found
        return self._overlaid(found, MappingNode(beside, node.span, node.trace), reference, names)

    def _overlaid(
        self, target: Node, patch: MappingNode, reference: ScalarNode, names: Names
    ) -> Node:
        base = self.head(target, names)
        if not isinstance(base, MappingNode | UnknownNode):
            what = "a list" if isinstance(base, SequenceNode) else "a single value"
            first = patch.entries[0].key
            message = f"`{first.value}` cannot be laid over {what}, which `{reference.value}` is"
            related = (Related(base.span, "the reference points here"),)
            self.report.say(REF_OVERLAY, first.span, message, related=related, trace=first.trace)
            return UnknownNode(patch.span, patch.trace)
        return overlay(base, patch, lambda node: self.head(node, names))

    def _circular(self, reference: ScalarNode) -> bool:
        """Whether this very reference was reached by way of itself: then its trace holds it."""
        frames = [frame for frame in reference.trace if frame.kind == REF]
        sites = [frame.span for frame in frames]
        if reference.span not in sites:
            if len(frames) <= MAX_CHAIN:
                return False
            message = f"references lead on to references more than {MAX_CHAIN} times"
            self.report.say(TOO_LARGE, reference.span, message, trace=frames[-1:])  # type: ignore[arg-type]
            return True
        # The trace lists the nearest reference first; the way goes from the farthest one.
        circle = list(reversed(frames[: sites.index(reference.span) + 1]))
        first = min(range(len(circle)), key=lambda index: circle[index].span)
        circle = circle[first:] + circle[:first]
        steps = " → ".join(f"`{frame.detail}`" for frame in [*circle, circle[0]])
        related = tuple(
            Related(frame.span, f"which holds `$ref: {frame.detail}`") for frame in circle[1:]
        )
        message = f"these references go in a circle: {steps}"
        self.report.say(REF_CYCLE, circle[0].span, message, related=related)
        return True

    def _target(self, reference: ScalarNode, names: Names) -> Node | None:
        text = str(reference.value)
        path, _, pointer = text.partition("#")
        try:
            tree = self._tree(path, reference)
        except FileRefused as refused:
            if refused.message:
                place = reference.at(0, len(path)) if path else reference.span
                self.report.say(
                    refused.code, place, refused.message, help=refused.help, trace=reference.trace
                )
            return None
        try:
            where = f"`{path}`" if path else "this document"
            return descend(tree, unquote(pointer), where, lambda node: self.head(node, names))
        except Dangling as dangling:
            place = dangling.place(reference)
            self.report.say(
                REF_TARGET, place, dangling.message, help=dangling.help, trace=reference.trace
            )
            return None

    def _tree(self, path: str, reference: ScalarNode) -> Node:
        holder = reference.span.file
        if not path:
            own = self.files.trees.get(holder)
            if own is None:
                raise FileRefused(REF_TARGET, "the document cannot be read")
            return own
        return self.files.tree(self.files.locate(path, holder), path)


def descend(node: Node, pointer: str, where: str, head: Head | None = None) -> Node:
    """The node at a JSON pointer (RFC 6901) of the tree called `where`; raises Dangling.

    With `head` the way may lead through references.
    """
    if pointer and not pointer.startswith("/"):
        raise Dangling(f"`#{pointer}` is no JSON pointer", 0, f"write `#/{pointer}`")
    for segment, part in enumerate(pointer.split("/")[1:], 1):
        name = part.replace("~1", "/").replace("~0", "~")
        below = _below(node, name)
        if below is None and head and isinstance(node, MappingNode) and node.entry(REF) is not None:
            node = head(node)
            below = _below(node, name)
        if below is None:
            raise _dangling(node, name, segment, where)
        node = below
    return node


def _below(node: Node, name: str) -> Node | None:
    if isinstance(node, MappingNode):
        return node.get(name)
    if isinstance(node, SequenceNode) and _INDEX.fullmatch(name) and int(name) < len(node.items):
        return node.items[int(name)]
    return node if isinstance(node, UnknownNode) else None


def _dangling(node: Node, name: str, segment: int, where: str) -> Dangling:
    if isinstance(node, SequenceNode):
        count = len(node.items)
        message = f"`{name}` leads nowhere in {where}: the list there has {count} items, from 0 on"
        return Dangling(message, segment, None)
    if not isinstance(node, MappingNode):
        return Dangling(
            f"`{name}` leads nowhere in {where}: there is a single value", segment, None
        )
    names = node.names()
    near = nearest(name, names)
    shown = ", ".join(f"`{one}`" for one in names[:12])
    help = f"did you mean `{near}`?" if near else (f"there are {shown}" if names else None)
    return Dangling(f"there is no `{name}` in {where}", segment, help)


def _size(node: Node) -> int:
    if isinstance(node, MappingNode):
        return 1 + sum(_size(entry.value) for entry in node.entries)
    if isinstance(node, SequenceNode):
        return 1 + sum(_size(item) for item in node.items)
    return 1
