"""Work in a process beside this one, which has other things to load meanwhile."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NoReturn, TypeVar

_Result = TypeVar("_Result")
_Other = TypeVar("_Other")


def beside(
    first: Callable[[], _Result], second: Callable[[], _Other]
) -> tuple[Callable[[], _Result], Callable[[], _Other]]:
    """Begins two works in a child process, one after the other; what is returned waits for each.

    They must change nothing but their own memory, and their results can be pickled. Where there can
    be no child, or it ends without a result, as on an exception, a work is done here instead.

    >>> answer, question = beside(lambda: 6 * 7, lambda: "?")
    >>> answer(), question()
    (42, '?')
    """
    # The child of a process with threads, Polars' own among them, may wait for ever: it has the
    # locks that they held, but not the threads.
    threads = threading.active_count() > 1 or "polars" in sys.modules
    if threads or not hasattr(os, "fork"):
        return first, second
    pipes = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        _do((first, second), pipes)
    for _, writing in pipes:
        os.close(writing)
    (one, _), (other, _) = pipes
    return _waiting(first, one, child), _waiting(second, other, child)


def _waiting(work: Callable[[], _Result], reading: int, child: int) -> Callable[[], _Result]:
    def result() -> _Result:
        with os.fdopen(reading, "rb") as answer:
            told = answer.read()
        with suppress(ChildProcessError):
            os.waitpid(child, os.WNOHANG)
        if not told:
            return work()
        found: _Result = pickle.loads(told)
        return found

    return result


def _do(works: Sequence[Callable[[], object]], pipes: Sequence[tuple[int, int]]) -> NoReturn:
    """Never returns, nor runs what the parent has registered for its own end."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        for reading, _ in pipes:
            os.close(reading)
        for work, (_, writing) in zip(works, pipes, strict=True):
            told = pickle.dumps(work(), pickle.HIGHEST_PROTOCOL)
            with os.fdopen(writing, "wb") as answer:
                answer.write(told)
    except BaseException:
        os._exit(1)
    os._exit(0)
