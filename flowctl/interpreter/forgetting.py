"""Takes away what a run has stored to go on with, where it never will."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import quote

from flowctl.interpreter.folders import StagedFolder
from flowctl.interpreter.history import read_plan
from flowctl.interpreter.leftovers import end_leftovers
from flowctl.interpreter.publish import StagedFile
from flowctl.interpreter.setting import Setting
from flowctl.interpreter.targets import Components, outputs_of
from flowctl.plan import Plan, Stream


def discard(setting: Setting, components: Components) -> None:
    """Takes away what an unfinished run has staged and left, and what it keeps to go on."""
    end_leftovers(setting)
    then = read_plan(setting.folder)
    for step in then.steps if isinstance(then, Plan) else ():
        if isinstance(step.body, Stream):
            for _, where in outputs_of(step.body, components):
                base, token, disk = setting.of(step).base, setting.run, setting.disk
                path = base / where.path
                if where.folder:
                    StagedFolder.at(path, where.path, token, where.mode, disk).discard()
                else:
                    StagedFile.written(path, where.path, token, disk, 0).discard()
    forget(setting.folder)


def forget_step(setting: Setting, step: str) -> None:
    """Takes away what a step keeps to go on: it begins anew."""
    for folder in (setting.step_folder(step), setting.folder / "work" / quote(step, safe="")):
        shutil.rmtree(folder, ignore_errors=True)


def forget(folder: Path) -> None:
    """Takes away what a run keeps to go on, once it never will."""
    for name in ("steps", "work", "records", "outputs"):
        shutil.rmtree(folder / name, ignore_errors=True)
