"""What a run remembers of itself between processes: its plan, and the steps that have succeeded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from flowctl.codec import decode, encode
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault
from flowctl.interpreter.events import Counts
from flowctl.plan import Plan
from flowctl.plan_file import plan_from_json, plan_to_json
from flowctl.store.disk import Disk, make_folder, replace_file
from flowctl.store.journal import Journal, read_records
from flowctl.syntax.node import Json

_PLAN = "plan.json"
_ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Ended:
    """A step that has succeeded, and what others may ask of it."""

    step: str
    digest: str
    counts: Counts | None = None
    sink: tuple[str, ...] = ()
    exit_code: int | None = None
    outputs: dict[str, Json] = field(default_factory=dict)


def read_plan(folder: Path) -> Plan | Fault | None:
    """The plan with which the last process went on; None for a run that has not begun."""
    try:
        text = (folder / _PLAN).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return plan_from_json(text)


def keep_plan(folder: Path, plan: Plan, disk: Disk) -> None:
    """Remembers the plan; raises OSError."""
    make_folder(disk, folder)
    text = plan_to_json(plan).encode()
    path = folder / _PLAN
    if not path.exists() or path.read_bytes() != text:
        replace_file(disk, path, text)


def read_ended(folder: Path) -> Mapping[str, Ended]:
    """The steps that have succeeded; raises OSError and Malformed."""
    records = read_records(folder / _ENDED).values
    return {ended.step: ended for ended in (decode(Ended, value) for value in records)}


@dataclass(slots=True)
class History:
    """Remembers steps as they succeed."""

    journal: Journal

    @classmethod
    def open(cls, folder: Path, disk: Disk) -> History:
        """Goes on behind what is remembered; raises OSError."""
        journal = Journal(folder / _ENDED, disk)
        journal.open(read_records(folder / _ENDED).length)
        return cls(journal)

    def keep(self, ended: Ended) -> None:
        """Remembers a step that has succeeded; raises OSError."""
        self.journal.append(encode(ended))

    def close(self) -> None:
        self.journal.close()
