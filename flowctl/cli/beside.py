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
    >>> helper.begin()
    >>> power(), length()
    (36, 3)
    """

    def __init__(self, load: Callable[[], object] | None = None) -> None:
        self._child = 0
        self._orders: BinaryIO | None = None
        self._told: BinaryIO | None = None
        self._works: list[Callable[[], object]] = []
        self._answers: list[object] = []
        # The child of a process with threads, Polars' own among them, may wait for ever: it has the
        # locks that they held, but not the threads.
        threads = threading.active_count() > 1 or "polars" in sys.modules
        if load is None or threads or not hasattr(os, "fork"):
            return
        (orders, asking), (answers, answering) = os.pipe(), os.pipe()
        self._child = os.fork()
        if self._child == 0:
            _serve(load, orders, answering, (asking, answers))
        os.close(orders)
        os.close(answering)
        self._orders, self._told = os.fdopen(asking, "wb"), os.fdopen(answers, "rb")

    def ask(self, work: Callable[[], _Result]) -> Callable[[], _Result]:
        """Has a work done behind those asked for before; what is returned waits for the result.

        It must change nothing; it and its result can be pickled. What is asked once the child has
        begun is done here.
        """
        if self._orders is None:
            return work
        number = len(self._works)
        self._works.append(work)

        def result() -> _Result:
            return cast(_Result, self._answers[number]) if self._has(number) else work()

        return result

    def begin(self) -> None:
        """Has the child begin, which ends when all is done."""
        orders, self._orders = self._orders, None
        if orders is not None:
            # At once: a child that answers already reads nothing, and both would wait.
            with suppress(BrokenPipeError), orders:
                orders.write(pickle.dumps(self._works, pickle.HIGHEST_PROTOCOL))

    def leave(self, options: int = 0) -> None:
        """Waits for the end of a child that has answered all, which takes it some milliseconds."""
        begun = self._orders is None
        if self._child and begun and len(self._answers) == len(self._works):
            ended, _ = os.waitpid(self._child, options)
            self._child = 0 if ended else self._child

    def dismiss(self) -> None:
        """Ends the child, whatever it does."""
        for pipe in (self._orders, self._told):
            if pipe is not None:
                pipe.close()
        self._orders = self._told = None
        child, self._child = self._child, 0
        if child:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

    def _has(self, number: int) -> bool:
        """Whether the child has answered so many questions before this one, and this one."""
        with suppress(EOFError, pickle.UnpicklingError):
            while self._told is not None and len(self._answers) <= number:
                self._answers.append(pickle.load(self._told))
        if number >= len(self._answers):
            self.dismiss()
            return False
        self.leave(os.WNOHANG)
        return True


def _serve(
    load: Callable[[], object], orders: int, answers: int, others: tuple[int, int]
) -> NoReturn:
    """Never returns, nor runs what the parent has registered for its own end."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        for descriptor in others:
            os.close(descriptor)
        load()
        with os.fdopen(orders, "rb") as asked:
            works = pickle.load(asked)
        with os.fdopen(answers, "wb") as answer:
            for work in works:
                answer.write(pickle.dumps(work(), pickle.HIGHEST_PROTOCOL))
                answer.flush()
    finally:
        os._exit(0)
