"""Runs the steps of a plan in order of need, as many at once as there are workers."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue

from flowctl.diagnostics import Fault
from flowctl.interpreter.cancellation import Cancellation
from flowctl.interpreter.events import StepStatus
from flowctl.interpreter.hands import Done, Hands
from flowctl.interpreter.nesting import Gates, Nest
from flowctl.interpreter.pace import Pace
from flowctl.interpreter.ready import Place, Pools, Ready, family, slots
from flowctl.interpreter.retrying import delay_before_next
from flowctl.interpreter.verdicts import (
    STOPPED,
    Below,
    End,
    Run,
    Stop,
    Verdict,
    asks_for_failures,
    judge,
)
from flowctl.interpreter.work import Ending, Work
from flowctl.plan import Plan, Step, endless

_WAKE = 0.1
"""Seconds after which the main thread lets signal handlers run, whatever keeps it waiting."""


class Scheduler:
    """Holds which steps are ready and which run; all of it belongs to the thread whose turn it is.

    Of the steps that are ready and have their slots, the one of the highest priority begins first,
    then the one that stands first in the plan. Between two attempts a step takes no worker's place
    and no slots. One that follows its source takes no worker's place at all, since it never comes
    to its end. One that uses a workflow never takes any: it begins when the first step within it
    could, and ends when all of them have.
    """

    def __init__(
        self,
        plan: Plan,
        work: Work,
        cancellation: Cancellation,
        pace: Pace,
        *,
        keep_going: bool,
    ) -> None:
        self._steps = list(plan.steps)
        self._places: list[Place] = [(index, 0) for index in range(len(plan.steps))]
        self._cells_left: dict[int, int] = {}
        self._index = {step.id: index for index, step in enumerate(plan.steps)}
        self._nest = Nest.of(plan)
        self._gates = Gates(self._nest, self._judged, self._begin_within)
        self._work = work
        self._cancellation = cancellation
        self._pace = pace
        self._keep_going = keep_going
        self._open = [len(step.needs) for step in plan.steps]
        self._followers = _followers(plan)
        self._status: dict[str, StepStatus] = {}
        self._failed_above: set[str] = set()
        self._due = [index for index, count in enumerate(self._open) if not count]
        self._ready = Ready(slots(plan))
        self._taken: dict[int, Pools] = {}
        self._recovering: set[int] = set()
        self._regardless: set[int] = set()
        self._attempts = [work.spent.get(step.id, 0) for step in plan.steps]
        self._waiting: list[tuple[float, int]] = []
        self._failed: set[str] = set()
        self._dropped_for = (0, False)
        self._running = self._beside = self._endless = self._workers = 0
        self._hands: Hands
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._error: BaseException | None = None

    def run(self, executor: Executor, workers: int) -> None:
        """Runs all steps to their end; raises what a step's work raised, once the others ended."""
        hands = self._hands = Hands(executor, self, self._cancellation.ask)
        self._workers = workers
        self._cancellation.listen(self.wake)
        try:
            while hands.turn():
                self._rest()
        except BaseException as error:
            hands.give_up(error)
            self._cancellation.ask()  # the executor waits for what still runs
            raise
        if self._error is not None:
            raise self._error

    def wake(self) -> None:
        """Has the scheduler look whether more may begin; safe on any thread."""
        self._bell.put(None)

    @property
    def waits(self) -> bool:
        """Whether a step waits for its next attempt."""
        return bool(self._waiting)

    def decide(self, done: Iterator[Done]) -> bool:
        """Takes in what was done and has begin what may; whether anything is left to do."""
        for one in done:
            self._take(one)
        # That the run stops is told before what it cancels.
        may_begin = self._work.may_begin()
        self._settle_what_is_due()
        self._wake()
        while may_begin and self._idle and (found := self._ready.pop()):
            index, self._taken[index] = found
            self._begin(self._steps[index])
            self._endless += endless(self._steps[index])
            self._running += 1
        return bool(self._running or self._waiting or self._ready or self._beside)

    @property
    def _idle(self) -> bool:
        """Whether a worker has nothing to do; a step without an end takes none."""
        return self._running - self._endless < self._workers

    def _take(self, done: Done) -> None:
        self._error = self._error or done.error
        if done.what != "attempt":
            self._beside -= 1
            if done.what == "look":
                self._looked(done)
            else:
                for index in self._gates.opened(done.step):
                    heapq.heappush(self._due, index)
        elif done.ending is not None:
            ended = not self._attempted(done.step, done.ending)
            self._endless -= ended and endless(done.step)
            self._running -= ended

    def _rest(self) -> None:
        """Waits for news, or for the next attempt of a step.

        With Polars loaded, SIGINT alone would not end the waiting for a lock.
        """
        while True:
            with self._hands.deciding:
                left = self._waiting[0][0] - self._pace.now() if self._waiting else _WAKE
            if left <= 0:
                return
            busy = bool(self._running or self._beside)
            with suppress(Empty):
                self._pace.next(self._bell, min(left, _WAKE), busy=busy)
                return

    def _wake(self) -> None:
        """Makes the steps ready again whose waiting is over; all of them if the run is to stop."""
        while self._waiting and (
            self._cancellation.stopping or self._waiting[0][0] <= self._pace.now()
        ):
            _, index = heapq.heappop(self._waiting)
            if self._cancellation.stopping:
                self._end(self._steps[index], Ending("cancelled", why=STOPPED["request"]))
            else:
                self._make_ready(index)

    def _make_ready(self, index: int) -> None:
        step = self._steps[index]
        own = ((family(step), 1),) if step.max_parallel is not None else ()
        self._ready.push(index, self._places[index], step.priority, (*step.pool, *own))

    def _stop(self, step: Step) -> Stop:
        """Why the step may not begin; what has begun in spite of failures looks within itself."""
        if self._cancellation.stopping:
            return "request"
        if not self._failed or self._keep_going:
            return "none"
        if step.within in self._failed:
            return "failure"
        for outer in self._nest.around(step):
            if self._gates.regardless(outer):
                return "none"
            if outer.within in self._failed:
                return "failure"
        return "none"

    def _begin(self, step: Step) -> None:
        index = self._index[step.id]
        self._attempts[index] += 1
        # What has begun goes on with its attempts, whatever becomes of others.
        self._regardless.add(index)
        self._work.began(step)
        self._hands.submit(step, lambda: self._work.perform(step))

    def _after(self, step: Step, status: StepStatus) -> None:
        """Has done what comes after a step's end, while others go on."""
        self._do_beside(step, self._work.after(step, status))

    def _do_beside(self, step: Step, act: Callable[[], None] | None) -> bool:
        if act is None:
            return False
        self._beside += 1
        self._hands.submit(step, act, "beside")
        return True

    def _begin_within(self, step: Step) -> bool:
        """A workflow within a step begins; whether something comes before its own steps."""
        if step.id in self._work.finished:
            return False
        self._work.began(step)
        return self._do_beside(step, self._work.before(step))

    def _settle_what_is_due(self) -> None:
        """Decides on all steps whose needs have ended, and so on with those that need them.

        The first in the plan comes first: what a failure cancels does not depend on who was told
        of it when.
        """
        while self._due or self._dropped():
            while self._due:
                self._settle(heapq.heappop(self._due))

    def _settle(self, index: int) -> None:
        step = self._steps[index]
        if before := self._work.finished.get(step.id):
            self._below(step)  # a failure above it counts for those below, as if it ended now
            self._settled(step, before)
            self._after(step, before)
            return
        verdict = self._gates.enter(step, index)
        if isinstance(verdict, Run):
            verdict = self._verdict(step)
        if isinstance(verdict, End):
            faults = (self._work.place(step, verdict.fault),) if verdict.fault else ()
            self._end(step, Ending(verdict.status, faults=faults, why=verdict.why))
        elif verdict is not None and step.id in self._nest.inner:
            self._conclude(step)
        elif verdict is not None and step.foreach is not None:
            self._fan_out(index, step, regardless=verdict.regardless)
        elif verdict is not None:
            if verdict.regardless:
                self._regardless.add(index)
            self._look(step, index)

    def _verdict(self, step: Step) -> Verdict:
        if step.id in self._work.fanned:
            # It had begun, and goes on whatever has become of others.
            return Run(step.condition is not None and asks_for_failures(step.condition))
        return self._gates.verdict(step) if step.id in self._nest.inner else self._judged(step)

    def _judged(self, step: Step) -> Verdict:
        holds = partial(self._work.holds, step)
        return judge(step, self._below(step), self._stop(step), holds)

    def _below(self, step: Step) -> Below:
        """What a step stands below; all that it needs has ended."""
        needs = self._nest.beside(step)
        below = Below(
            {need: self._status[need] for need in needs},
            any(need in self._failed_above or self._status[need] == "failed" for need in needs),
        )
        if below.failed_above:
            self._failed_above.add(step.id)
        return below

    def _conclude(self, step: Step) -> None:
        """Ends a step whose workflow has ended."""
        status, why = self._nest.ending(step, self._status)
        good = status == "succeeded"
        self._end(step, self._work.conclude(step) if good else Ending(status, why=why))

    def _fan_out(self, index: int, step: Step, *, regardless: bool) -> None:
        """Has the step's cells begin; it ends with the last of them."""
        cells = self._work.fan_out(step)
        if isinstance(cells, Fault):
            self._end(step, Ending("failed", faults=(self._work.place(step, cells),)))
            return
        first = len(self._steps)
        self._steps += cells
        self._places += [(index, number) for number in range(len(cells))]
        self._followers += [[] for _ in cells]
        spent = self._work.spent if step.id in self._work.fanned else {}
        self._attempts += [spent.get(cell.id, 0) for cell in cells]
        self._index |= {cell.id: first + number for number, cell in enumerate(cells)}
        self._cells_left[index] = len(cells)
        for number, cell in enumerate(cells):
            if before := self._work.finished.get(cell.id):
                self._settled(cell, before)
                self._after(cell, before)
                continue
            if regardless:
                self._regardless.add(first + number)
            self._look(cell, first + number)
        if not cells:
            self._end(step, self._work.together(step))

    def _look(self, step: Step, index: int) -> None:
        """Has it looked whether a step need not run; one that is not cached is ready at once."""
        if step.cache is None:
            self._make_ready(index)
            return
        self._beside += 1
        self._hands.submit(step, lambda: self._work.known(step), "look")

    def _looked(self, done: Done) -> None:
        """Ends a step that need not run, or makes it ready."""
        if done.ending is not None:
            self._end(done.step, done.ending)
        else:
            self._make_ready(self._index[done.step.id])

    def _attempted(self, step: Step, ending: Ending) -> bool:
        """Ends a step with an attempt, lets it wait for the next one, or begins its fallback.

        Tells whether the step is still at work.
        """
        index = self._index[step.id]
        attempt = self._attempts[index]
        mends = ending.status == "failed" and not self._cancellation.asked
        if mends and index not in self._recovering:
            delay = delay_before_next(step.retry, attempt, ending.causes, self._pace.chance())
            if delay is not None:
                self._ready.release(self._taken.pop(index))
                self._work.retrying(step, attempt, delay, ending)
                heapq.heappush(self._waiting, (self._pace.now() + delay, index))
                return False
            if step.fallback is not None and self._cancellation.stopping:
                ending = Ending("cancelled", exit_code=ending.exit_code, why=STOPPED["request"])
            elif step.fallback is not None:
                self._recovering.add(index)
                self._work.falling(step, ending)
                self._hands.submit(step, lambda: self._work.recover(step, ending))
                return True
        self._ready.release(self._taken.pop(index))
        self._end(step, ending)
        return False

    def _end(self, step: Step, ending: Ending) -> None:
        status = _as_seen(step, ending.status)
        if status == "failed":
            self._failed.update(self._nest.spoilt(step))
        self._work.ended(step, ending)
        self._settled(step, status)
        self._after(step, ending.status)

    def _settled(self, step: Step, status: StepStatus) -> None:
        index = self._index[step.id]
        self._status[step.id] = status
        for follower in self._followers[index]:
            self._open[follower] -= 1
            if not self._open[follower]:
                heapq.heappush(self._due, follower)
        fan, _ = self._places[index]
        if fan != index:
            self._cells_left[fan] -= 1
            if not self._cells_left[fan]:
                whole = self._steps[fan]
                self._end(whole, self._work.together(whole))

    def _dropped(self) -> bool:
        """Cancels the ready steps that may not begin any more; tells whether there were any."""
        reasons = (len(self._failed), self._cancellation.stopping)
        if reasons == self._dropped_for:
            return False  # nothing becomes ready that may not begin
        self._dropped_for = reasons
        dropped = self._ready.drop(self._may_begin)
        for index in dropped:
            step = self._steps[index]
            self._end(step, Ending("cancelled", why=STOPPED[self._stop(step)]))
        return bool(dropped)

    def _may_begin(self, index: int) -> bool:
        stop = self._stop(self._steps[index])
        return stop == "none" or (stop == "failure" and index in self._regardless)


def _as_seen(step: Step, status: StepStatus) -> StepStatus:
    """What those who need a step take its end for."""
    forgiven = status == "failed" and step.continue_on_error
    return "succeeded" if forgiven or status in ("recovered", "cached") else status


def _followers(plan: Plan) -> list[list[int]]:
    """For each step, by index, the steps that need it."""
    index = {step.id: index for index, step in enumerate(plan.steps)}
    followers: list[list[int]] = [[] for _ in plan.steps]
    for step in plan.steps:
        for need in step.needs:
            followers[index[need]].append(index[step.id])
    return followers
