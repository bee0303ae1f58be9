"""The second pass: is the document shaped as the grammar says?

It looks twice. Before expansion, whatever contains a template or a reference is put off; after
expansion the steps are judged strictly, where anything was put off or has changed.
"""

from __future__ import annotations

from dataclasses import field
from typing import cast

from flowctl.compiler.stages import Document
from flowctl.component import JsonSchema
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Report
from flowctl.registry import Registry
from flowctl.schema.grammar import workflow_grammar
from flowctl.schema.guide import Guide, guide_of
from flowctl.schema.judge import Compiler
from flowctl.schema.walk import Check, Walk, usable
from flowctl.schema.wording import Where
from flowctl.syntax.node import MappingNode, Node


@dataclass(frozen=True)
class Judge:
    """The compiled grammar, with what it already knows of one document's nodes."""

    report: Report
    _whole: Check
    _parts: Compiler
    _settled: dict[int, Node] = field(default_factory=dict)

    @classmethod
    def of(cls, registry: Registry, report: Report) -> Judge:
        grammar = workflow_grammar(registry)
        parts = Compiler(cast("dict[str, JsonSchema]", grammar["$defs"]))
        return cls(report, parts.check(grammar), parts)

    def guide(self, part: str) -> Guide | None:
        """Where JSON Schemas and expressions stand below a definition of the grammar."""
        return guide_of(self._parts.definitions, part)

    def lenient(self, root: MappingNode) -> None:
        """Judges a document before expansion."""
        self._whole(root, None, Walk(self.report, True, self._settled))

    def strict(self, node: Node, part: str = "", where: Where = None) -> Node:
        """Judges an expanded part by its definition in the grammar, or a whole document.

        The very node, where it is right; else what is wrong in it is unknown.
        """
        walk = Walk(self.report, False, self._settled)
        check = self._parts.defined(part) if part else self._whole
        check(node, where, walk)
        return usable(node, walk.faulty) if walk.faulty else node


def validate(document: Document, judge: Judge) -> None:
    """Judges a document as it was written; every fault goes into the judge's report."""
    judge.lenient(document.root)
