"""Work in a process beside this one, which has other things to load meanwhile."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO, NoReturn, TypeVar, cast

_Result = TypeVar("_Result")


class Helper:
    """A child process that begins to `load` what its work needs before anybody knows the work.

    Where there can be no child, or it ends without a result, as on an exception, a work is done
    here instead, when its result is asked for.

    >>> from functools import partial
    >>> helper = Helper()
    >>> power, length = helper.ask(partial(pow, 6, 2)), helper.ask(partial(len, "abc"))
    >>> power(), length()
    (36, 3)
    """

    def __init__(self, load: Callable[[], object] | None = None) -> None:
        self._orders: BinaryIO | None = None
        self._told: BinaryIO | None = None
        self._asked = 0
        self._answers: list[object] = []
        # The child of a process with threads, Polars' own among them, may wait for ever: it has the
        # locks that they held, but not the threads.
        threads = threading.active_count() > 1 or "polars" in sys.modules
        if load is None or threads or not hasattr(os, "fork"):
            return
        (orders, asking), (answers, answering) = os.pipe(), os.pipe()
        if os.fork() == 0:
            os.close(asking)
            os.close(answers)
            _serve(load, orders, answering)
        os.close(orders)
        os.close(answering)
        self._orders, self._told = os.fdopen(asking, "wb"), os.fdopen(answers, "rb")

    def ask(self, work: Callable[[], _Result]) -> Callable[[], _Result]:
        """Has a work done, one after the other; what is returned waits for the result.

        It must change nothing; it and its result can be pickled.
        """
        if self._orders is None:
            return work
        with suppress(BrokenPipeError):
            self._orders.write(pickle.dumps(work, pickle.HIGHEST_PROTOCOL))
            self._orders.flush()
        number, self._asked = self._asked, self._asked + 1

        def result() -> _Result:
            return cast(_Result, self._answers[number]) if self._has(number) else work()

        return result

    def _has(self, number: int) -> bool:
        """Whether the child has answered so many questions before this one, and this one."""
        with suppress(EOFError, pickle.UnpicklingError):
            while self._told is not None and len(self._answers) <= number:
                self._answers.append(pickle.load(self._told))
        return number < len(self._answers)

    def dismiss(self) -> None:
        """There is no more work: the child ends when it has done what it was asked."""
        orders, self._orders = self._orders, None
        if orders is not None:
            with suppress(BrokenPipeError):
                orders.close()


def _serve(load: Callable[[], object], orders: int, answers: int) -> NoReturn:
    """Never returns, nor runs what the parent has registered for its own end."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        load()
        with os.fdopen(orders, "rb") as asked, os.fdopen(answers, "wb") as answer:
            while True:
                work = pickle.load(asked)
                answer.write(pickle.dumps(work(), pickle.HIGHEST_PROTOCOL))
                answer.flush()
    finally:
        os._exit(0)
