"""What a step that has published leaves for a replay of its rejects."""

from __future__ import annotations

from pathlib import Path

from flowctl.interpreter.replay.outstanding import (
    Outstanding,
    keep_outstanding,
    read_outstanding,
)
from flowctl.interpreter.replay.plans import replayed_keys
from flowctl.interpreter.replay.source import read_manifest
from flowctl.interpreter.setting import Setting
from flowctl.plan import Step, Stream, from_folder


def carried(setting: Setting, body: Stream) -> Path | None:
    """The rejects that a replay does not run, and keeps."""
    kept = body.source.arguments.get("kept")
    return setting.base / str(kept) if kept is not None else None


def remember(
    setting: Setting, step: Step, body: Stream, columns: tuple[tuple[str, str], ...]
) -> None:
    """Notes which rejects are still to be replayed; doing it again changes nothing.

    Raises OSError.
    """
    if body.rejects is None or body.rejects.kind not in body.rejects.arguments:
        return
    path = str(body.rejects.arguments[body.rejects.kind])
    known = from_folder(step.folder, path)
    found: Outstanding | None = Outstanding(step.id, step.digest, columns)
    if "replay" in body.source.arguments:
        manifest = read_manifest(setting.base, body.source.arguments)
        before = read_outstanding(setting.state, known)
        keys = replayed_keys(step.id, manifest, setting.base / path)
        found = before.without(keys) if before is not None else None
    if found is not None:
        keep_outstanding(setting.state, known, found, setting.disk)
