"""What the commands of a killed process have left running is ended before the run goes on.

A file of the run has a place of 8 bytes for each command at work: the number of its process group,
-1 before that is known, and 0 once nobody uses the place. It outlasts this process; after a loss of
power there is nothing to be ended.
"""

from __future__ import annotations

import os
import signal
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from flowctl.interpreter.setting import Setting
from flowctl.variables import OWN

_POLL: Final = 0.02
_STARTING: Final = -1
_PLACE: Final = struct.Struct("<q")
_PROC: Final = Path("/proc")


class AtWork:
    """Puts commands on record while they work; for many threads."""

    def __init__(self, path: Path) -> None:
        """`path` names the record; where there can be none, commands work without."""
        self._path = path
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._free: list[int] = []
        self._places = 0

    @contextmanager
    def noted(self) -> Iterator[Callable[[int], None]]:
        """While it lasts, a command is on record, already before it begins.

        The function given tells its process group.
        """
        with self._lock:
            if self._descriptor is None:
                self._descriptor = _opened(self._path)
            place = self._free.pop() if self._free else self._places
            self._places = max(self._places, place + 1)
        self._write(place, _STARTING)
        try:
            yield lambda group: self._write(place, group)
        finally:
            self._write(place, 0)
            with self._lock:
                self._free.append(place)

    def close(self) -> None:
        """Ends the record, once no command is at work."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            self._path.unlink(missing_ok=True)

    def _write(self, place: int, group: int) -> None:
        if self._descriptor is not None:
            with suppress(OSError):
                os.pwrite(self._descriptor, _PLACE.pack(group), place * _PLACE.size)


def _opened(path: Path) -> int | None:
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666)
    return None


def end_leftovers(setting: Setting) -> None:
    """Ends the groups on record: TERM, and KILL after `setting.grace` seconds.

    Numbers are given out again: only groups are ended in which a process has this run's own
    variable in its environment. Where the system does not show that, nothing is ended. All groups
    are looked at where the process was killed before it knew the number of one.
    """
    noted = _read(setting.at_work)
    if not noted:
        setting.at_work.unlink(missing_ok=True)
        return
    mark = f"{OWN}OUTPUT={setting.folder / 'outputs'}/".encode()
    groups = None if _STARTING in noted else noted
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
    setting.at_work.unlink(missing_ok=True)


def _read(record: Path) -> set[int]:
    """The groups on record."""
    try:
        raw = record.read_bytes()
    except FileNotFoundError:
        return set()
    whole = raw[: len(raw) // _PLACE.size * _PLACE.size]
    return {group for (group,) in _PLACE.iter_unpack(whole) if group}


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
