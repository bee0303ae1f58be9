"""The entry of `flowctl` and of `python -m flowctl`."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from flowctl.cli.beside import Helper

_COMPILER: Final = ("flowctl.api.compiling", "flowctl.api.preparing", "flowctl.store.provenance")


def main() -> NoReturn:
    """Run the command that the arguments name, and end the process with its exit code.

    What a command loads and compiles is no garbage until it ends, so nobody looks for any; one that
    works for long turns that on again. At the end all is closed and flushed, so the process leaves
    without taking its memory apart first. Together that is a third of a short command's time.
    """
    gc.disable()
    # Before anything else is loaded: what compiles a workflow takes longest.
    helper = _compiling() if sys.argv[1:2] == ["run"] else None
    from flowctl.cli.main import main as command

    code = command(helper=helper)
    if helper is not None:
        helper.dismiss()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _compiling() -> Helper:
    from flowctl.cli.beside import Helper

    return Helper(lambda: [*map(import_module, _COMPILER)])


if __name__ == "__main__":
    main()
