"""A compilation as the commands see it: its diagnostics and, where there is no error, its plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flowctl.diagnostics import Diagnostic
from flowctl.plan import Plan
from flowctl.records import Schema


@dataclass(frozen=True, slots=True)
class Compiled:
    """`schemas` are the columns that steps hand on, `dependencies` all files that were read."""

    diagnostics: tuple[Diagnostic, ...]
    plan: Plan | None
    project: Path
    schemas: Mapping[str, Schema] = field(default_factory=dict)
    dependencies: frozenset[Path] = frozenset()
