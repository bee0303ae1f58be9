"""Params and variables that nothing names: judged by the text of all scalars, on the safe side."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from flowctl.codes.templates import UNUSED_PARAM, UNUSED_VAR
from flowctl.diagnostics import Report
from flowctl.schema.mappings import NAME
from flowctl.syntax.node import MappingNode, Node, ScalarNode, SequenceNode

_USE = re.compile(
    r"""\b(params|vars)\b(?:\s*(?:\.\s*"?(\w+)|\[\s*['"](\w+)['"]\s*\]))?""", re.ASCII
)


def warn_of_unused(root: MappingNode, trees: Iterable[Node | None], report: Report) -> None:
    """Warns of each declared param and variable that no text of the trees names."""
    unused = {**_declared(root, "params"), **_declared(root, "vars")}
    for text in texts(*(tree for tree in trees if tree is not None)):
        if not unused:
            return
        for top, dotted, quoted in _USE.findall(text):
            name = dotted or quoted
            if name:
                unused.pop((top, name), None)
            else:  # all of them are used, or one that is not written out
                unused = {known: key for known, key in unused.items() if known[0] != top}
    for (top, name), key in unused.items():
        code, what = (UNUSED_PARAM, "param") if top == "params" else (UNUSED_VAR, "variable")
        message = f"nothing uses the {what} `{name}`"
        report.say(code, key.span, message, help="remove it, or use it", trace=key.trace)


def _declared(root: MappingNode, top: str) -> dict[tuple[str, str], ScalarNode]:
    """The keys under `params` or `vars`; a name that cannot be used has its own fault."""
    node = root.get(top)
    entries = node.entries if isinstance(node, MappingNode) else ()
    return {(top, entry.name): entry.key for entry in entries if NAME.fullmatch(entry.name)}


def texts(*trees: Node) -> Iterator[str]:
    """All texts of trees that may name a param or a variable; of keys, those with a template."""
    stack = [*trees]
    while stack:
        node = stack.pop()
        if isinstance(node, ScalarNode):
            if type(node.value) is str and ("params" in node.value or "vars" in node.value):
                yield node.value
        elif isinstance(node, MappingNode):
            for entry in node.entries:
                stack.append(entry.value)
                if "{{" in entry.name:
                    yield entry.name
        elif isinstance(node, SequenceNode):
            stack += node.items
