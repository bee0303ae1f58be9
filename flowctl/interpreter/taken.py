"""A step that is not run, but taken as it stands."""

from __future__ import annotations

from pathlib import Path

from flowctl.dataclass import dataclass
from flowctl.interpreter.state import StepState


@dataclass(frozen=True, slots=True)
class Taken:
    """What is known of the step: how it has ended in a `run`, and where its `records` are.

    `cells` are those of a `foreach`, in the order of its list.
    Nothing is known of a step that others only follow.
    """

    run: str | None = None
    state: StepState | None = None
    records: Path | None = None
    cells: tuple[StepState, ...] = ()

    @property
    def why(self) -> str:
        """For people: from where it is taken."""
        return f"taken from run {self.run}" if self.run is not None else "taken as it stands"
