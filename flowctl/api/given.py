"""What an author's document is compiled with, as a command line or a program gives it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from flowctl.dataclass import dataclass

if TYPE_CHECKING:
    from flowctl.compiler.stages import Inputs
    from flowctl.syntax.node import Json


@dataclass(frozen=True, slots=True)
class Given:
    """Params and what else there is besides a document.

    `params` are texts, still to be typed by the params' schemas, `values` have their types. Without
    a `timestamp` the logical time is that at which a run begins. Without an `environment` it is
    that of this process.
    """

    params: tuple[tuple[str, str], ...] = ()
    params_file: Path | None = None
    profile: str | None = None
    timestamp: datetime | None = None
    values: Mapping[str, Json] = field(default_factory=dict)
    environment: Mapping[str, str] | None = None

    def inputs(self, *, complete: bool = False) -> Inputs:
        """With them, what the world hands to a compilation; `complete` where each param counts."""
        from flowctl.compiler.stages import Inputs

        return Inputs(
            timestamp=self.timestamp or datetime.now(UTC),
            params=dict(self.params),
            params_file=self.params_file,
            profile=self.profile,
            environment=dict(os.environ if self.environment is None else self.environment),
            complete=complete,
            values=self.values,
        )

    def at(self, now: datetime) -> Given:
        """The same with a logical time, which is `now` unless one was given."""
        return replace(self, timestamp=self.timestamp or now)

    def fixed_in_plans(self) -> list[str]:
        """The options that were given and that a plan already holds."""
        options = {
            "-p": self.params or self.values,
            "--params-file": self.params_file,
            "--profile": self.profile,
        }
        return [name for name, value in options.items() if value]
