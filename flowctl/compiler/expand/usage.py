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
    """Warns of each declared param and variable that no text of the document or its files names."""
    params, variables = root.get("params"), root.get("vars")
    if not isinstance(params, MappingNode) and not isinstance(variables, MappingNode):
        return
    used: dict[str, set[str]] = {"params": set(), "vars": set()}
    for tree in (root, *(tree for tree in trees if tree is not None)):
        for text in set(_texts(tree)):
            for top, dotted, quoted in _USE.findall(text):
                used[top].add(dotted or quoted)
    for declared, names, code, what in (
        (params, used["params"], UNUSED_PARAM, "param"),
        (variables, used["vars"], UNUSED_VAR, "variable"),
    ):
        # An empty name stands for a use of all of them, or of one that is not written out.
        if not isinstance(declared, MappingNode) or "" in names:
            continue
        for entry in declared.entries:
            if entry.name not in names and NAME.fullmatch(entry.name):
                message = f"nothing uses the {what} `{entry.name}`"
                help = "remove it, or use it"
                report.say(code, entry.key.span, message, help=help, trace=entry.key.trace)


def _texts(node: Node) -> Iterator[str]:
    """All texts of a tree that may name a param or a variable; of keys, those with a template."""
    stack = [node]
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
