"""What the commands of a killed process have left running is ended before the run goes on.

groups/1234      while a command works, a file that has its process group's number as its name
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from flowctl.interpreter.setting import Setting
from flowctl.ordinary import new_file
from flowctl.variables import OWN

_POLL: Final = 0.02
_PROC: Final = Path("/proc")


@contextmanager
def noted(groups: Path, group: int) -> Iterator[None]:
    """While it lasts, the process group is on record; without a place for that, it is not."""
    note = groups / str(group)
    with suppress(OSError):
        new_file(note)
    try:
        yield
    finally:
        with suppress(OSError):
            note.unlink()


def end_leftovers(setting: Setting) -> None:
    """Ends the groups on record: TERM, and KILL after `setting.grace` seconds.

    Numbers are given out again: only groups are ended in which a process has this run's own
    variable in its environment. Where the system does not show that, nothing is ended.
    """
    notes = list(setting.groups.glob("[0-9]*"))
    if not notes:
        return
    mark = f"{OWN}OUTPUT={setting.folder / 'outputs'}/".encode()
    groups = {int(note.name) for note in notes if note.name.isdecimal()} - {os.getpgrp()}
    ours = {group for group, members in _members(groups).items() if _marked(members, mark)}
    for number in (signal.SIGTERM, signal.SIGKILL):
        for group in ours:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)
        until = time.monotonic() + setting.grace
        while (ours := set(_members(ours))) and time.monotonic() < until:
            time.sleep(_POLL)
    for note in notes:
        note.unlink(missing_ok=True)


def _members(groups: set[int]) -> Mapping[int, list[Path]]:
    """The living processes of those groups that have any."""
    found: dict[int, list[Path]] = {}
    for process in _PROC.glob("[0-9]*") if groups else ():
        with suppress(OSError, ValueError):
            stat = (process / "stat").read_text(errors="replace")
            state, _parent, group = stat.rpartition(")")[2].split()[:3]
            if int(group) in groups and state not in "ZX":
                found.setdefault(int(group), []).append(process)
    return found


def _marked(processes: list[Path], mark: bytes) -> bool:
    for process in processes:
        with suppress(OSError):
            variables = (process / "environ").read_bytes().split(b"\0")
            if any(variable.startswith(mark) for variable in variables):
                return True
    return False
