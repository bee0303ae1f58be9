"""Remembers of each file of rejects which step has written it, and what was replayed since.

That stands in the project's `.flowctl/rejects`, because it outlives the run: a file for each path
of rejects, replaced when its step publishes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from flowctl.codec import Malformed, decode, encode
from flowctl.dataclass import dataclass
from flowctl.files.fingerprints import digest_of
from flowctl.interpreter.replay.rejected import Key
from flowctl.plan import canonical
from flowctl.store.disk import Disk, make_folder, replace_file


@dataclass(frozen=True, slots=True)
class Outstanding:
    """A step's rejects as they were published with its output.

    `digest` is the step's, `columns` are those of its source; `replayed` have been added to the
    output since.
    """

    step: str
    digest: str
    columns: tuple[tuple[str, str], ...]
    replayed: tuple[tuple[str, str, int | None, int | None], ...] = ()

    def without(self, keys: Iterable[Key]) -> Outstanding:
        """As it is when these have been added, too."""
        return replace(self, replayed=tuple(dict.fromkeys((*self.replayed, *keys))))


def place_of(state: Path, rejects: str) -> Path:
    """The file for a path of rejects, which is as the plan has it."""
    return state / "rejects" / f"{digest_of(rejects.encode())}.json"


def read_outstanding(state: Path, rejects: str) -> Outstanding | None:
    """What is known of a path of rejects; None where no step has published it."""
    try:
        return decode(Outstanding, json.loads(place_of(state, rejects).read_text("utf-8")))
    except (OSError, ValueError, Malformed):
        return None


def keep_outstanding(state: Path, rejects: str, found: Outstanding, disk: Disk) -> None:
    """Remembers it for good; raises OSError."""
    path = place_of(state, rejects)
    make_folder(disk, path.parent)
    replace_file(disk, path, canonical(encode(found)).encode())
