"""From a workflow file to a plan. The passes, in their order, are the tuple PASSES."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

from flowctl.compiler.check import check
from flowctl.compiler.expand import expand
from flowctl.compiler.link import link
from flowctl.compiler.load import load
from flowctl.compiler.lower import lower
from flowctl.compiler.stages import Checked, Document, Expanded, Inputs, Linked
from flowctl.compiler.validate import Judge, validate
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Report
from flowctl.plan import Plan
from flowctl.records import Schema
from flowctl.registry import Registry

__all__ = ["CHECKS", "PASSES", "Compilation", "Inputs", "compile_workflow"]


@dataclass(frozen=True, slots=True)
class Compiler:
    """What every pass may use beside the stage that it is handed."""

    inputs: Inputs
    registry: Registry
    report: Report
    judge: Judge


@contextmanager
def _without_collection() -> Iterator[None]:
    """Keeps the garbage collector away: it would walk the growing trees again and again.

    It takes a third of the time of 2,000 steps, and frees next to nothing: the trees have no
    cycles.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _validated(document: Document, judge: Judge) -> Document:
    validate(document, judge)
    return document


# Each pass makes the next stage of the one before; None ends the compilation.
Pass: TypeAlias = "Callable[[Any, Compiler], object | None]"

PASSES: Final[tuple[tuple[str, Pass], ...]] = (
    ("load", lambda path, own: load(path, own.report)),
    ("validate", lambda document, own: _validated(document, own.judge)),
    ("expand", lambda document, own: expand(document, own.inputs, own.judge, own.report)),
    ("link", lambda expanded, own: link(expanded, own.registry, own.report)),
    ("check", lambda linked, own: check(linked, own.registry, own.report)),
    ("lower", lambda checked, own: None if own.report.failed else lower(checked)),
)
CHECKS: Final = PASSES[:-1]
"""The passes that can find a fault; who wants no plan need not wait for it."""


@dataclass(frozen=True, slots=True)
class Compilation:
    """How far a compilation came.

    `plan` is None where the report holds an error, and where a value is not known before the run.
    `dependencies` are all files that were read.
    """

    plan: Plan | None = None
    document: Document | None = None
    expanded: Expanded | None = None
    linked: Linked | None = None
    checked: Checked | None = None
    dependencies: tuple[Path, ...] = ()

    @property
    def schemas(self) -> Mapping[str, Schema]:
        """The columns that steps hand on."""
        return self.checked.schemas if self.checked is not None else {}


def compile_workflow(
    path: Path,
    inputs: Inputs,
    registry: Registry,
    report: Report,
    passes: Sequence[tuple[str, Pass]] = PASSES,
) -> Compilation:
    """Runs all passes; what the author did wrong goes into the report, never into an exception."""
    compiler = Compiler(inputs, registry, report, Judge.of(registry, report))
    reached: dict[type, Any] = {}
    stage: object | None = path
    with _without_collection():
        for _, run in passes:
            stage = run(stage, compiler)
            if stage is None:
                break
            reached[type(stage)] = stage
    expanded = reached.get(Expanded)
    return Compilation(
        plan=reached.get(Plan),
        document=reached.get(Document),
        expanded=expanded,
        linked=reached.get(Linked),
        checked=reached.get(Checked),
        dependencies=expanded.dependencies if expanded is not None else (path.absolute(),),
    )
