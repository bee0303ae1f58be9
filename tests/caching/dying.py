"""`python -m tests.caching.dying FOLDER MOMENT RUN`: runs a project, and dies at a moment.

The moment is before or behind one of the changes to what the store knows of successes, or, for
`told`, behind the last of them, before the end of the step is told.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flowctl.interpreter.caching import Caching
from flowctl.store.successes import Successes
from tests.caching.project import Project

MOMENTS = ("before begin", "after begin", "before keep", "after keep", "after told")


def die() -> None:
    """As if the power were cut: no handler runs, nothing is flushed."""
    os.kill(os.getpid(), signal.SIGKILL)


def main(folder: str, moment: str, run: str) -> None:
    when, what = moment.split()
    owner: Any = Caching if what == "told" else Successes
    name = "keep" if what == "told" else what
    whole: Callable[..., Any] = getattr(owner, name)

    def dying(*arguments: Any) -> Any:
        if when == "before":
            die()
        found = whole(*arguments)
        die()
        return found

    setattr(owner, name, dying)
    Project(Path(folder), runs=int(run) - 1).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
