"""Goes back to an earlier checkpoint of a step, if what that speaks of is still there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from flowctl.interpreter.checkpoint import JOURNAL, Checkpoint, Kept
from flowctl.store.disk import Disk
from flowctl.store.journal import Journal


def points(folder: Path, kept: Kept, staged: Sequence[Path]) -> list[int]:
    """To how many of its checkpoints a journal can be cut; 0 begins the step anew.

    What blocking transforms hold is there for the last one only, and records that wait to be
    encoded for the latest ones. `staged` are the files and folders of the outputs.
    """
    found = [0] if not kept.last.ended or all(path.exists() for path in staged) else []
    for count, checkpoint in enumerate(kept.checkpoints, 1):
        last = count == len(kept.checkpoints)
        if last or (not checkpoint.gathered and _there(folder, checkpoint, staged)):
            found.append(count)
    return found


def _there(folder: Path, checkpoint: Checkpoint, staged: Sequence[Path]) -> bool:
    return all(
        _size(path / output.part if output.part else path) >= output.length
        and (output.pending is None or (folder / output.pending.file).exists())
        for path, output in zip(staged, checkpoint.outputs, strict=False)
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def before_line(points: Sequence[int], kept: Kept, file: str, line: int) -> int | None:
    """The last point behind which nothing from this line on has been read.

    None where the file is not one that was read, or there is no such point.
    """
    files = [*kept.files]
    if file not in files:
        return None
    found = None
    for count in points:
        stretches = kept.until(count).stretches if count else ()
        if not stretches:
            found = count
            continue
        last = stretches[-1]
        if (files.index(last.file), last.line) <= (files.index(file), line):
            found = count
    return found


def rewind(folder: Path, kept: Kept, count: int, disk: Disk) -> None:
    """Forgets all but the first so many checkpoints; raises OSError."""
    journal = Journal(folder / JOURNAL, disk)
    journal.open(kept.records.ends[count - 1] if count else 0)
    journal.close()
