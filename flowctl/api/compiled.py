"""What a compilation tells: its diagnostics and, where there is no error, its plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from flowctl.dataclass import dataclass
from flowctl.diagnostics import Diagnostic
from flowctl.plan import Plan
from flowctl.records import Schema


@dataclass(frozen=True, slots=True)
class Compiled:
    """`schemas` are the columns that steps hand on, `dependencies` all files that were read.

    Without an error there may still be no plan, where a param has no value yet; then `steps`, which
    is how many there are, is not known either.
    """

    diagnostics: tuple[Diagnostic, ...]
    failed: bool
    plan: Plan | None
    project: Path
    schemas: Mapping[str, Schema] = field(default_factory=dict)
    dependencies: frozenset[Path] = frozenset()
    steps: int | None = None
