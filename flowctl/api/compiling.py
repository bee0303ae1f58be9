"""A compilation, of which everything is told as values."""

from __future__ import annotations

from pathlib import Path

from flowctl.api.compiled import Compiled
from flowctl.compiler import CHECKS, PASSES, Inputs, compile_workflow
from flowctl.diagnostics import Report
from flowctl.registry import Registry


def compiled(
    file: Path, inputs: Inputs, registry: Registry, strict: bool = False, *, planned: bool = True
) -> Compiled:
    """Compile one file; what its author did wrong is in the result."""
    report = Report(strict)
    passes = PASSES if planned else CHECKS
    found = compile_workflow(file, inputs, registry, report, passes)
    checked = found.checked
    project = found.document.project.root if found.document else file.absolute().parent
    return Compiled(
        tuple(report),
        report.failed,
        found.plan if not report.failed else None,
        project,
        found.schemas,
        frozenset(found.dependencies),
        len(checked.linked.steps) if checked is not None and checked.complete else None,
    )
