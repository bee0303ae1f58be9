"""How much memory a run may take: what the machine has, and what it was told."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Final

LEAST: Final = 64 * 1024 * 1024
"""Less would not even hold the program."""
ALLOWED: Final = "a size such as `4GiB` or `500MB` (at least 64MiB), or a share such as `25%`"

_UNITS: Final = {"B": 0, "K": 1, "M": 2, "G": 3, "T": 4}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]i?B)", re.IGNORECASE)
_SHARE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*%")


def bytes_of(text: str, machine: int) -> int | None:
    """The bytes that a size or a share of the machine's memory stands for; None for no such text.

    >>> bytes_of("500MB", 0), bytes_of("1.5 GiB", 0), bytes_of("25%", 1 << 32)
    (500000000, 1610612736, 1073741824)
    >>> bytes_of("4", 1 << 32), bytes_of("120%", 1 << 32), bytes_of("1MB", 1 << 32)
    (None, None, None)
    """
    text = text.strip()
    if found := _SHARE.fullmatch(text):
        share = Fraction(found[1])
        return max(LEAST, int(machine * share / 100)) if 0 < share <= 100 else None
    if found := _SIZE.fullmatch(text):
        unit = found[2].upper()
        step = 1024 if "I" in unit else 1000
        size = int(Fraction(found[1]) * step ** _UNITS[unit[0]])
        return size if size >= LEAST else None
    return None


def quarter_of_memory() -> int:
    """A quarter of the memory that there is, in bytes."""
    return max(LEAST, machine_memory() // 4)


def machine_memory() -> int:
    """Bytes of memory that this process may have: the machine's, or less in a control group."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([physical, *_limits(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))])


def _limits(own: Path, mount: Path) -> Iterator[int]:
    """The limits of the process's control groups, of either version, and of those above them.

    In a container the group's own path may lead nowhere; its limit then stands at the mount.
    """
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        number, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if number == "0" and not controllers:
            root, name = mount, "memory.max"
        elif "memory" in controllers.split(","):
            root, name = mount / "memory", "memory.limit_in_bytes"
        else:
            continue
        for folder in (PurePosixPath(group), *PurePosixPath(group).parents):
            limit = _number(root / folder.relative_to(folder.anchor) / name)
            if limit is not None:
                yield limit


def _number(path: Path) -> int | None:
    """The number in a file; a group without a limit holds the word `max`, or one beyond all."""
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
