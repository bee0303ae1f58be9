"""A project in a folder, whose workflow is compiled and run as often as it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flowctl.compiler import Inputs, compile_workflow
from flowctl.diagnostics import Report
from flowctl.interpreter import Run, Setting, run
from flowctl.interpreter.caching.foresight import foresee
from flowctl.interpreter.events import Event
from flowctl.plan import Plan
from flowctl.registry import builtin
from flowctl.store.disk import REAL, Disk


@dataclass
class Project:
    """Each run has its number; `now` is the clock of all of them."""

    base: Path
    now: datetime = datetime(2024, 2, 29, 12, tzinfo=UTC)
    runs: int = 0
    events: list[Event] = field(default_factory=list)
    disk: Disk = REAL
    fresh: bool = False
    cache_bytes: int = 1 << 30
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": "/usr/bin:/bin"})

    def write(self, name: str, text: str) -> Path:
        path = self.base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def plan(self, **params: str) -> Plan:
        report = Report()
        inputs = Inputs(self.now, params, complete=True)
        found = compile_workflow(self.base / "flow.yaml", inputs, builtin(), report)
        assert found.plan is not None, [diagnostic.message for diagnostic in report]
        return found.plan

    def setting(self) -> Setting:
        return Setting(
            base=self.base,
            state=self.base / ".flowctl",
            run=f"r{self.runs}",
            environment=self.environment,
            clock=lambda: self.now,
            checkpoints=timedelta(0),
            grace=0.2,
            disk=self.disk,
            fresh=self.fresh,
            cache_bytes=self.cache_bytes,
        )

    def run(self, **params: str) -> Run:
        self.runs += 1
        self.events.clear()
        return run(self.plan(**params), self.setting(), self.events.append)

    def statuses(self, **params: str) -> Mapping[str, str]:
        """What a run makes of the steps."""
        return {id: step.status for id, step in self.run(**params).steps.items()}

    def whys(self, **params: str) -> Mapping[str, str]:
        """What becomes of the steps with a cache, and why, as it is foretold."""
        setting = self.setting()
        found = foresee(self.plan(**params), setting, builtin(), {})
        return {id: ("cached: " if one.cached else "runs: ") + one.why for id, one in found.items()}
