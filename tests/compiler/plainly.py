"""Compiles documents without templates by the last passes alone, with components made for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from flowctl.compiler.check import check
from flowctl.compiler.link import link
from flowctl.compiler.lower import lower
from flowctl.compiler.stages import Checked, Document, Expanded, ExpandedStep, Linked, Project
from flowctl.component import Arguments, Sink, Situation, Source, Spec, Typed
from flowctl.diagnostics import Report
from flowctl.kinds.steps import run
from flowctl.plan import Plan
from flowctl.records import UNKNOWN_SCHEMA, Schema
from flowctl.registry import Registry, builtin
from flowctl.syntax import SourceFile, decode_source, parse
from flowctl.syntax.node import Json, MappingNode

Cells: TypeAlias = "Sequence[Mapping[str, Any]]"

BASE = Path("/project")


def _source(kind: str) -> Source:
    def rule(arguments: Arguments, situation: Situation) -> Typed:
        declared = arguments.get("columns")
        if isinstance(declared, dict):
            schema = Schema.of({name: str(text) for name, text in declared.items()})
            return Typed(dict(arguments), schema)
        if kind == "step":
            name = str(arguments["step"])
            return Typed(dict(arguments), situation.steps.get(name, UNKNOWN_SCHEMA))
        missing = (f"no file matches `{arguments[kind]}`",)
        return Typed(dict(arguments), UNKNOWN_SCHEMA, missing=missing)

    return Source(
        Spec(kind, "For tests.", {}, "", options={"columns": {}, "on_error": {}}),
        rule,
        open=_never,
        paths=lambda arguments: () if kind == "step" else _texts(arguments[kind]),
    )


def _sink(kind: str) -> Sink:
    def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
        return Typed(dict(arguments), schema)

    return Sink(
        Spec(kind, "For tests.", {}, ""),
        rule,
        open=_never,
        paths=lambda arguments: _texts(arguments[kind]),
    )


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def _never(*_: object) -> Any:
    raise AssertionError("nothing is opened while a document is compiled")


REGISTRY = Registry.of(
    [
        *builtin().transforms.values(),
        *(_source(kind) for kind in ("csv", "parquet", "step")),
        *(_sink(kind) for kind in ("csv", "parquet", "ndjson")),
        run.COMPONENT,
    ]
)


@dataclass(frozen=True)
class Compiled:
    """What came of a text, and the faults as `(code, line, column)`."""

    linked: Linked
    checked: Checked
    plan: Plan | None
    report: Report

    @property
    def found(self) -> list[tuple[str, int, int]]:
        return [
            (fault.code.id, fault.span.line, fault.span.column)
            if fault.span
            else (fault.code.id, 0, 0)
            for fault in self.report
        ]

    @property
    def messages(self) -> list[str]:
        return [fault.message for fault in self.report]


def compiled(
    text: str,
    constants: Mapping[str, Any] | None = None,
    cells: Mapping[str, Cells] | None = None,
    registry: Registry = REGISTRY,
) -> Compiled:
    """Compiles the text of a document; `cells` gives the matrix cells of steps by name."""
    report = Report()
    expanded = _expanded(text, constants or {}, cells or {}, report)
    linked = link(expanded, registry, report)
    checked = check(linked, registry, report)
    return Compiled(linked, checked, None if report.failed else lower(checked), report)


def _expanded(
    text: str,
    constants: Mapping[str, Any],
    cells: Mapping[str, Cells],
    report: Report,
) -> Expanded:
    path = BASE / "workflow.yaml"
    source = decode_source(path.as_posix(), text.encode())
    assert isinstance(source, SourceFile)
    root = parse(source, report)
    assert isinstance(root, MappingNode)
    written = root.get("steps")
    assert isinstance(written, MappingNode)
    steps: list[ExpandedStep] = []
    for entry in written.entries:
        assert isinstance(entry.value, MappingNode)
        if entry.name not in cells:
            steps.append(ExpandedStep(entry.name, entry.name, entry.key, entry.value))
        for cell in cells.get(entry.name, ()):
            id = f"{entry.name}[{','.join(map(str, cell.values()))}]"
            steps.append(ExpandedStep(id, entry.name, entry.key, entry.value, dict(cell)))
    document = Document(path, root, Project(BASE, BASE))
    return Expanded(document, "test", {}, constants, (), None, None, tuple(steps), {}, (path,))
