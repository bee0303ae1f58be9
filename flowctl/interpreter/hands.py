"""The threads that do what the scheduler decides, and decide themselves once they have done it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from queue import SimpleQueue
from typing import Literal, Protocol, TypeAlias

from flowctl.dataclass import dataclass
from flowctl.interpreter.work import Ending
from flowctl.plan import Step

What: TypeAlias = Literal["attempt", "look", "beside"]


@dataclass(frozen=True, slots=True)
class Done:
    """What a thread has done: an attempt with its ending, or something else.

    That is a look for how a step has ended before, or what is done beside it, before or after.
    """

    step: Step
    ending: Ending | None
    what: What = "attempt"
    error: BaseException | None = None


_Act: TypeAlias = Callable[[], Done]


class Decider(Protocol):
    """Decides what begins; it is asked by one thread at a time."""

    def decide(self, done: Iterator[Done]) -> bool:
        """Takes in what was done and has begin what may; whether anything is left to do."""
        ...

    @property
    def waits(self) -> bool:
        """Whether something is to begin at a moment, for which the main thread waits."""
        ...

    def wake(self) -> None:
        """Has the main thread look; safe on any thread."""
        ...


class Hands:
    """Does things on an executor's threads; who has done one takes a turn at what is next.

    To wait until another thread has decided would take longer than the decision. What begins first
    is done by who has decided it; other threads have the rest.
    """

    def __init__(self, executor: Executor, decider: Decider, stop: Callable[[], None]) -> None:
        """`stop` has all that runs end, where a thing raises; it is raised once nothing is left."""
        self._executor = executor
        self._decider = decider
        self._stop = stop
        self._mine: deque[_Act] | None = None
        self._done: SimpleQueue[Done] = SimpleQueue()
        self._broken: BaseException | None = None
        self.deciding = threading.Lock()

    def turn(self, mine: deque[_Act] | None = None) -> bool:
        """Has it decided what is next, part of which may be `mine`; whether anything is left."""
        with self.deciding:
            self._mine = mine
            if self._broken is not None:
                raise self._broken
            return self._decider.decide(self._news())

    def submit(self, step: Step, act: Callable[[], Ending | None], what: What = "attempt") -> None:
        """Has something done, by the thread whose turn it is or by another one."""

        def work() -> Done:
            try:
                return Done(step, act(), what)
            except BaseException as error:
                # A bug, or a subscriber that broke: the rest is stopped, and the run raises it.
                self._stop()
                return Done(step, Ending("failed") if what == "attempt" else None, what, error)

        if self._mine is not None and not self._mine:
            self._mine.append(work)
        else:
            self._executor.submit(self._go_on, work)

    def give_up(self, error: BaseException) -> None:
        """Nobody takes a turn any more: what was to be decided could not be."""
        self._broken = error

    def _news(self) -> Iterator[Done]:
        while not self._done.empty():
            yield self._done.get()

    def _go_on(self, act: _Act) -> None:
        """Does one thing after the other, as long as there are any for this thread."""
        mine = deque((act,))
        while mine:
            self._done.put(mine.popleft()())
            try:
                if not self.turn(mine) or self._decider.waits:
                    self._decider.wake()
            except BaseException as error:
                self.give_up(error)
                self._decider.wake()
                return
