"""Helpers for tests of load, validate and expand: a text in, diagnostics and steps out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flowctl.compiler.expand import expand
from flowctl.compiler.load import load, load_source
from flowctl.compiler.stages import Document, Expanded, Inputs
from flowctl.compiler.validate import Judge, validate
from flowctl.diagnostics import Diagnostic, Report
from flowctl.registry import builtin
from flowctl.syntax import SourceFile
from flowctl.syntax.node import Json, to_json

REGISTRY = builtin()
HEAD = "flowctl: 1\nname: test\n"
NOW = datetime(2024, 2, 28, 10, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Front:
    """What the front of the compiler makes of a document."""

    found: list[Diagnostic]
    expanded: Expanded | None

    @property
    def places(self) -> list[tuple[str, int, int]]:
        """Code, line and column of each diagnostic."""
        return [
            (one.code.id, one.span.line if one.span else 0, one.span.column if one.span else 0)
            for one in self.found
        ]

    @property
    def messages(self) -> list[str]:
        return [one.message for one in self.found]

    def step(self, id: str) -> Json:
        """The plain value of a step; `?` stands for what is not known."""
        assert self.expanded is not None
        return {step.id: to_json(step.node, "?") for step in self.expanded.steps}[id]

    @property
    def ids(self) -> list[str]:
        assert self.expanded is not None
        return [step.id for step in self.expanded.steps]


def front(
    text: str,
    *,
    path: Path = Path("/nowhere/flow.yaml"),
    params: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    **inputs: object,
) -> Front:
    """Loads, validates and expands a text as if it stood at a path."""
    given = Inputs(NOW, params or {}, environment=environment or {}, **inputs)  # type: ignore[arg-type]
    report = Report()
    document = load_source(SourceFile(path.as_posix(), text), path, report)
    return _front(document, given, report)


def front_of(path: Path, **inputs: object) -> Front:
    """Loads, validates and expands a file."""
    report = Report()
    return _front(load(path, report), Inputs(NOW, **inputs), report)  # type: ignore[arg-type]


def _front(document: Document | None, inputs: Inputs, report: Report) -> Front:
    if document is None:
        return Front(list(report), None)
    judge = Judge.of(REGISTRY, report)
    validate(document, judge)
    expanded = expand(document, inputs, judge, report)
    return Front(list(report), expanded)
