"""Work in a process beside this one, which has other things to load meanwhile."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable
from typing import NoReturn, TypeVar

_Result = TypeVar("_Result")


def beside(work: Callable[[], _Result]) -> Callable[[], _Result]:
    """Begins the work in a child process; what is returned waits for its result.

    The work must change nothing but its own memory, and its result can be pickled. Where there can
    be no child, or it ends without a result, as on an exception, the work is done here instead.

    >>> beside(lambda: 6 * 7)()
    42
    """
    # The child of a process with threads, Polars' own among them, may wait for ever: it has the
    # locks that they held, but not the threads.
    threads = threading.active_count() > 1 or "polars" in sys.modules
    if threads or not hasattr(os, "fork"):
        return work
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _do(work, writing)
    os.close(writing)

    def result() -> _Result:
        with os.fdopen(reading, "rb") as answer:
            told = answer.read()
        os.waitpid(child, 0)
        if not told:
            return work()
        found: _Result = pickle.loads(told)
        return found

    return result


def _do(work: Callable[[], object], writing: int) -> NoReturn:
    """Never returns, nor runs what the parent has registered for its own end."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        told = pickle.dumps(work(), pickle.HIGHEST_PROTOCOL)
        with os.fdopen(writing, "wb") as answer:
            answer.write(told)
    except BaseException:
        os._exit(1)
    os._exit(0)
