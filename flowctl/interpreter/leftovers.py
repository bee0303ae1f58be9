"""What the commands of a killed process have left running is ended before the run goes on.

groups/1234        while a command works, a file that has its process group's number as its name
groups/starting-1  the same before that number is known
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from flowctl.interpreter.setting import Setting
from flowctl.ordinary import new_file
from flowctl.variables import OWN

_POLL: Final = 0.02
_STARTING: Final = "starting-"
_PROC: Final = Path("/proc")


@contextmanager
def noted(groups: Path) -> Iterator[Callable[[int], None]]:
    """While it lasts, a command is on record; without a place for that, it is not.

    It is on record before it begins. The function given tells its process group.
    """
    note = groups / f"{_STARTING}{threading.get_ident()}"
    with suppress(OSError):
        new_file(note)

    def known(group: int) -> None:
        nonlocal note
        with suppress(OSError):
            note = note.rename(groups / str(group))

    try:
        yield known
    finally:
        with suppress(OSError):
            note.unlink()


def end_leftovers(setting: Setting) -> None:
    """Ends the groups on record: TERM, and KILL after `setting.grace` seconds.

    Numbers are given out again: only groups are ended in which a process has this run's own
    variable in its environment. Where the system does not show that, nothing is ended. All groups
    are looked at where the process was killed before it knew the number of one.
    """
    notes = list(setting.groups.glob("*"))
    if not notes:
        return
    mark = f"{OWN}OUTPUT={setting.folder / 'outputs'}/".encode()
    starting = any(note.name.startswith(_STARTING) for note in notes)
    groups = None if starting else {int(note.name) for note in notes if note.name.isdecimal()}
    found = _members(groups)
    found.pop(os.getpgrp(), None)
    ours = {group for group, members in found.items() if _marked(members, mark)}
    for number in (signal.SIGTERM, signal.SIGKILL):
        for group in ours:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)
        until = time.monotonic() + setting.grace
        while (ours := set(_members(ours))) and time.monotonic() < until:
            time.sleep(_POLL)
    for note in notes:
        note.unlink(missing_ok=True)


def _members(groups: set[int] | None) -> dict[int, list[Path]]:
    """The living processes of those groups that have any; None stands for all groups."""
    found: dict[int, list[Path]] = {}
    for process in () if groups == set() else _PROC.glob("[0-9]*"):
        with suppress(OSError, ValueError):
            stat = (process / "stat").read_text(errors="replace")
            state, _parent, group = stat.rpartition(")")[2].split()[:3]
            if (groups is None or int(group) in groups) and state not in "ZX":
                found.setdefault(int(group), []).append(process)
    return found


def _marked(processes: list[Path], mark: bytes) -> bool:
    for process in processes:
        with suppress(OSError):
            variables = (process / "environ").read_bytes().split(b"\0")
            if any(variable.startswith(mark) for variable in variables):
                return True
    return False
