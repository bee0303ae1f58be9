"""`flowctl watch FILE`: while a workflow is written, its faults and what each save changed."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import click

from flowctl.api.given import Given
from flowctl.cli import options, render
from flowctl.errors import Interrupted, UsageError

# Changes that come within so many milliseconds are one: editors write, rename and touch.
_PAUSE = 50
_MOST = 400
_WAKE = 200
_IGNORED = (".flowctl", ".git", ".hg", ".venv", "__pycache__", "node_modules", ".pytest_cache")


@click.command(short_help="Validate on each save, and say what changed in the plan.")
@click.argument("file", type=click.Path(path_type=Path))
@options.inputs
@options.colour
def watch(file: Path, given: Given, colour: str) -> None:
    """Validate FILE on each save of a file that its plan depends on.

    Says what changed in the plan: steps added, removed, changed, and which argument. Ctrl-C ends.
    """
    from flowctl.api.compiled import Compiled
    from flowctl.api.compiling import compiled
    from flowctl.cli.watching import Watcher
    from flowctl.registry import builtin

    inputs = given.inputs()  # once, so that the logical time is no change

    registry = builtin()

    def look() -> Compiled:
        return compiled(file, inputs, registry)

    project = look().project
    if not project.is_dir():
        raise UsageError(f"there is no folder {project}")
    gc.enable()
    watcher = Watcher(look, render.console(colour).out)
    begun = False
    try:
        for saved in _saves(project):
            if not begun:
                watcher.begin(f"watching {file.as_posix()}")
                begun = True
            elif saved:
                watcher.saved(saved)
    except KeyboardInterrupt:
        raise Interrupted from None


def _saves(folder: Path) -> Iterator[frozenset[Path]]:
    """The files that were just saved; first, and now and then, none."""
    from watchfiles import DefaultFilter, watch

    ignored = DefaultFilter(ignore_dirs=_IGNORED)
    for found in watch(
        folder,
        watch_filter=ignored,
        debounce=_MOST,
        step=_PAUSE,
        rust_timeout=_WAKE,
        yield_on_timeout=True,
        ignore_permission_denied=True,
    ):
        yield frozenset(Path(os.path.abspath(path)) for _, path in found)
