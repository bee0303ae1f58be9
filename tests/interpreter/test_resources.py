"""What steps share: slots, the order in which they begin, and breakers that outlive the run."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowctl.interpreter.breakers import Breaker
from flowctl.interpreter.events import Event, StepEnded, StepStarted
from flowctl.interpreter.ready import Ready
from flowctl.plan import Operation, Resource, Step
from tests.interpreter.running import Leaping, Runner, command, plan, statuses

DB = Resource("db", slots=3)


def test_slots_bound_what_runs_at_once(runner: Runner) -> None:
    weights = {f"s{index}": 1 + index % 3 for index in range(12)}
    running: Counter[str] = Counter()
    most = 0

    def count(event: Event) -> None:
        nonlocal most
        if isinstance(event, StepStarted):
            running[event.step] = weights[event.step]
        if isinstance(event, StepEnded):
            del running[event.step]
        most = max(most, running.total())

    steps = [replace(command(id, ["true"]), pool=(("db", n),)) for id, n in weights.items()]
    result = runner(replace(plan(*steps), resources=(DB,)), count, workers=6)
    assert set(statuses(result).values()) == {"succeeded"}
    assert most == 3


def test_who_uses_no_pool_is_not_held_up(runner: Runner) -> None:
    """`b` waits for the slot of `a`, which waits for `c` to open the pipe."""
    os.mkfifo(runner.base / "go")
    steps = [
        replace(command("a", "read _ < go"), pool=(("db", 3),)),
        replace(command("b", ["true"]), pool=(("db", 1),)),
        command("c", "echo > go"),
    ]
    result = runner(replace(plan(*steps), resources=(DB,)), workers=2)
    assert set(statuses(result).values()) == {"succeeded"}


def test_the_highest_priority_begins_first(runner: Runner) -> None:
    steps = [replace(command(f"s{n}", ["true"]), priority=n % 3) for n in range(6)]
    runner(plan(*steps), workers=1)
    begun = [event.step for event in runner.events if isinstance(event, StepStarted)]
    assert begun == ["s2", "s5", "s1", "s4", "s0", "s3"]


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(-2, 2)), max_size=30))
def test_nobody_is_overtaken_in_a_pool(steps: list[tuple[int, int]]) -> None:
    ready = Ready({"db": 4})
    for index, (weight, priority) in enumerate(steps):
        ready.push(index, (index, 0), priority, (("db", weight), ("free", 9)))
    order, held = [], []
    while True:
        found = ready.pop()
        if found is not None:
            order.append(found[0])
            held.append(found[1])
            assert sum(weight for pools in held for _, weight in pools) <= 4
        elif held:
            ready.release(held.pop(0))
        else:
            break
    assert order == sorted(range(len(steps)), key=lambda index: (-steps[index][1], index))


class Clock:
    """A clock that goes on where it is told to."""

    def __init__(self) -> None:
        self.now = datetime(2024, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def on(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def user(script: str) -> Step:
    return replace(command("s", script), pool=(("db", 1),))


def test_a_breaker_outlives_the_run(runner: Runner) -> None:
    resources = (Resource("db", failures=2, reset=30_000),)
    clock = Clock()

    def end(script: str) -> str:
        step = runner(replace(plan(user(script)), resources=resources), clock=clock).steps["s"]
        return step.faults[0].code.id if step.faults else step.status

    assert [end("exit 1"), end("true"), end("exit 1"), end("exit 1")] == [
        "E710",
        "succeeded",
        "E710",
        "E710",
    ]
    assert end("touch ran") == "E722"  # two in a row: nothing runs
    assert not (runner.base / "ran").exists()
    clock.on(29)
    assert end("touch ran") == "E722"
    clock.on(1)
    assert end("exit 1") == "E710"  # one tries, and it rests again
    assert end("touch ran") == "E722"
    clock.on(30)
    assert end("touch ran") == "succeeded"
    assert end("true") == "succeeded"


def test_only_one_tries_and_a_fallback_steps_in(runner: Runner) -> None:
    resources = (Resource("db", failures=1, reset=30_000),)
    clock = Clock()
    runner(replace(plan(user("exit 1")), resources=resources), clock=clock)
    clock.on(31)
    os.mkfifo(runner.base / "go")
    instead = Operation("run", {"run": "echo copy; echo > go"})
    steps = [replace(user("read _ < go"), id=id, fallback=instead) for id in ("one", "other")]
    result = runner(replace(plan(*steps), resources=resources), workers=2, clock=clock)
    found = {status: id for id, status in statuses(result).items()}
    assert found.keys() == {"succeeded", "recovered"}
    assert runner.lines(found["recovered"]) == ["copy"]


def test_a_retry_waits_for_the_end_of_the_rest(runner: Runner) -> None:
    """The pace is the clock here: the third attempt comes when the rest is over."""
    pace = Leaping()
    began = datetime(2024, 1, 1, tzinfo=UTC)
    resources = (Resource("db", failures=1, reset=1500),)
    from flowctl.plan import Retry

    step = replace(user("echo x >> tries; [ $(wc -l < tries) -ge 2 ]"), retry=Retry(3))
    result = runner(
        replace(plan(step), resources=resources),
        pace=pace,
        clock=lambda: began + timedelta(seconds=pace.now()),
    )
    assert statuses(result) == {"s": "succeeded"}
    assert result.steps["s"].attempts == 3
    assert (runner.base / "tries").read_text() == "x\nx\n"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"failures": "x"}', '{"failures": 3}'])
def test_a_damaged_breaker_says_nothing(text: str) -> None:
    assert Breaker.from_json(text) == Breaker()


def test_what_forgives_lets_the_rest_go_on(runner: Runner) -> None:
    steps = [
        replace(command("a", "exit 3"), continue_on_error=True),
        command("b", "echo ${{ steps.a.status }} ${{ steps.a.exit_code }} ${{ run.failed }}", "a"),
        command("c", "true", "a", condition="failure()"),
    ]
    result = runner(plan(*steps))
    assert statuses(result) == {"a": "failed", "b": "succeeded", "c": "skipped"}
    assert runner.lines("b") == ["failed 3 false"]
    assert result.status == "succeeded"


def test_a_fallback_that_fails_tells_both_faults(runner: Runner) -> None:
    step = replace(command("a", "exit 3"), fallback=Operation("run", {"run": "exit 4"}))
    result = runner(plan(step))
    assert [fault.message for fault in result.steps["a"].faults] == [
        "the command ended with exit code 3",
        "the command ended with exit code 4",
    ]
    assert result.steps["a"].exit_code == 4


def test_at_most_so_many_cells_at_once(runner: Runner) -> None:
    running = most = 0

    def count(event: Event) -> None:
        nonlocal running, most
        running += isinstance(event, StepStarted)
        running -= isinstance(event, StepEnded)
        most = max(most, running)

    cells = [replace(command(f"load[{n}]", ["true"]), max_parallel=2) for n in range(9)]
    runner(plan(*cells), count, workers=4)
    assert most == 2
