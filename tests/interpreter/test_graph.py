"""Which steps run, which do not, and in what order: against a small model of the rules."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flowctl.interpreter.cancellation import Cancellation
from flowctl.interpreter.events import (
    Event,
    RunEnded,
    RunStarted,
    RunStopping,
    StepEnded,
    StepFannedOut,
    StepOutput,
    StepStarted,
)
from flowctl.interpreter.history import state_in
from flowctl.interpreter.result import Run, result_of
from flowctl.interpreter.state import fold
from flowctl.plan import Step
from tests.interpreter.model import (
    Node,
    acting,
    expected,
    graphs,
    plan_of,
    rich_graphs,
    rich_plan_of,
)
from tests.interpreter.running import Leaping, Runner, command, plan, statuses


@settings(max_examples=120, deadline=None)
@given(graphs(fanned=True))
def test_statuses_with_one_worker_are_those_of_the_model(nodes: list[Node]) -> None:
    with TemporaryDirectory() as folder:
        runner = Runner(Path(folder))
        for keep_going in (False, True):
            result = runner(plan_of(nodes), workers=1, keep_going=keep_going, checkpoints=None)
            assert statuses(result) == expected(nodes, keep_going=keep_going)
            assert result_of(fold(runner.events)).steps == result.steps


def test_what_comes_first_in_the_plan_is_decided_first(runner: Runner) -> None:
    """A fan-out over nothing ends at once, and so does what needs it, before a later one fails."""
    steps = [
        replace(command("empty", "true"), foreach="[]"),
        replace(command("after", "true", "empty"), foreach="[]"),
        command("broken", "true", condition="1 // 0 = 1"),
        replace(command("last", "true", "empty"), foreach="[]"),
    ]
    assert statuses(runner(plan(*steps))) == {
        "empty": "succeeded",
        "after": "succeeded",
        "broken": "failed",
        "last": "cancelled",
    }


@settings(max_examples=80, deadline=None)
@given(graphs(fanned=True))
def test_statuses_do_not_depend_on_the_workers_where_the_run_keeps_going(
    nodes: list[Node],
) -> None:
    with TemporaryDirectory() as folder:
        result = Runner(Path(folder))(plan_of(nodes), workers=3, keep_going=True, checkpoints=None)
        assert statuses(result) == expected(nodes, keep_going=True)
        assert result.status == ("failed" if "failed" in statuses(result).values() else "succeeded")


@settings(max_examples=100, deadline=None)
@given(rich_graphs(), st.booleans())
def test_retries_fallbacks_and_forgiveness_are_those_of_the_model(
    nodes: list[Node], keep_going: bool
) -> None:
    with TemporaryDirectory() as folder:
        runner = Runner(Path(folder), registry=acting())
        steps = rich_plan_of(nodes)
        result = runner(steps, workers=1, keep_going=keep_going, pace=Leaping(), checkpoints=None)
        assert statuses(result) == expected(nodes, keep_going=keep_going)
        for index, node in enumerate(nodes):
            for unit in node.units:
                name = f"s{index}" if node.cells is None else f"s{index}[{unit}]"
                tried = result.steps[name].attempts if name in result.steps else 0
                assert tried == (node.outcome(unit)[1] if tried else 0)
        spoilt = any(
            result.steps[f"s{index}"].status == "failed" and not node.forgiving
            for index, node in enumerate(nodes)
        )
        assert result.status == ("failed" if spoilt else "succeeded")
        assert result_of(fold(runner.events)).steps == result.steps


@settings(max_examples=40, deadline=None)
@given(graphs(fanned=True))
def test_no_step_begins_before_its_needs_have_ended(nodes: list[Node]) -> None:
    with TemporaryDirectory() as folder:
        runner = Runner(Path(folder))
        runner(plan_of(nodes), workers=3, keep_going=True, checkpoints=None)
        ended: set[str] = set()
        for event in runner.events:
            if isinstance(event, StepStarted):
                index = int(event.step[1:].partition("[")[0])
                assert {f"s{need}" for need in nodes[index].needs} <= ended
            if isinstance(event, StepEnded):
                ended.add(event.step)


class Cut(Exception):
    """Ends a run at once, with what is stored so far, as a crash does."""


BELOW_A_FAILURE = [
    Node((), True, ""),
    Node((0,), False, "always"),
    Node((), False, ""),
    Node((1,), False, "failure"),
]
"""The last one learns of the failure from a step that has ended before the cut."""


@settings(max_examples=60, deadline=None)
@given(graphs(fanned=True), st.lists(st.integers(1, 25), max_size=3), st.integers(1, 3))
@example(BELOW_A_FAILURE, [6], 1)
def test_a_run_that_is_cut_off_comes_to_the_same_end(
    nodes: list[Node], cuts: list[int], workers: int
) -> None:
    """What has succeeded is never done again, and each list is made once."""
    with TemporaryDirectory() as folder:
        runner = Runner(Path(folder))
        told: list[Event] = []

        def run(cut: int) -> Run:
            def keep(event: Event) -> None:
                nonlocal cut
                told.append(event)
                cut -= 1
                if not cut:
                    raise Cut

            runner.runs = 0
            return runner(plan_of(nodes), keep, workers=workers, keep_going=True)

        for cut in cuts:
            with suppress(Cut):
                run(cut)
        result = run(-1)
        assert statuses(result) == expected(nodes, keep_going=True)
        done = Counter(
            event.step
            for event in told
            if isinstance(event, StepEnded) and event.status in ("succeeded", "recovered")
        )
        assert max(done.values(), default=1) == 1
        lists = Counter(event.step for event in told if isinstance(event, StepFannedOut))
        assert max(lists.values(), default=1) == 1
        state = state_in(Path(folder) / ".flowctl", "r1")
        assert result_of(state).steps == result.steps


def test_independent_steps_run_side_by_side(runner: Runner) -> None:
    """Each of the two waits for the other to open a pipe, so neither ends alone."""
    here = "mkfifo a b 2> /dev/null || true"
    runner(plan(command("pipes", here)))
    meeting = plan(command("x", "echo > a; read _ < b"), command("y", "read _ < a; echo > b"))
    assert statuses(runner(meeting, workers=2)) == {"x": "succeeded", "y": "succeeded"}


def test_no_more_steps_run_than_there_are_workers(runner: Runner) -> None:
    running = most = 0

    def count(event: Event) -> None:
        nonlocal running, most
        running += isinstance(event, StepStarted)
        running -= isinstance(event, StepEnded)
        most = max(most, running)

    runner(plan(*(command(f"s{index}", ["true"]) for index in range(20))), count, workers=3)
    assert most == 3


def test_running_steps_end_where_another_fails(runner: Runner) -> None:
    """`slow` is running when `bad` fails: it goes on to its end, and what waits is cancelled."""
    runner(plan(command("pipe", "mkfifo go")))
    steps = plan(
        command("slow", "read _ < go; echo done"),
        command("bad", "exit 3"),
        command("later", "true"),
        command("cleanup", "echo cleaned", "bad", condition="always()"),
        command("alarm", "echo > go", condition="always()"),
        command("after", "true", "slow"),
    )
    result = runner(steps, workers=2)
    assert statuses(result) == {
        "slow": "succeeded",
        "bad": "failed",
        "later": "cancelled",
        "cleanup": "succeeded",
        "alarm": "succeeded",
        "after": "cancelled",
    }
    assert runner.lines("slow") == ["done"]
    assert result.status == "failed"


def test_events_tell_of_one_thread_at_a_time_and_in_order(runner: Runner) -> None:
    inside = threading.Lock()

    def alone(event: Event) -> None:
        assert inside.acquire(blocking=False)
        inside.release()

    steps = [command(f"s{index}", "echo a; echo b >&2; echo c") for index in range(12)]
    result = runner(plan(*steps), alone, workers=4)
    assert result.status == "succeeded"
    assert isinstance(runner.events[0], RunStarted)
    assert isinstance(runner.events[-1], RunEnded)
    for step in steps:
        lines = [
            event.line
            for event in runner.events
            if isinstance(event, StepOutput) and event.step == step.id and event.stream == "stdout"
        ]
        assert lines == ["a", "c"]


def test_a_subscriber_that_breaks_ends_the_run(runner: Runner) -> None:
    """Its exception comes out, and nothing is left running behind it."""
    for broken in (StepOutput, StepStarted, StepEnded):

        def breaks(event: Event, kind: type[Event] = broken) -> None:
            if isinstance(event, kind):
                raise BrokenPipeError("nobody listens")

        steps = [
            command(f"s{index}", f"echo $$ > pid{index}; echo a; sleep 1000") for index in (0, 1)
        ]
        last = command("quick", "true")
        with pytest.raises(BrokenPipeError, match="nobody listens"):
            runner(plan(*steps, last), breaks, workers=3)
        for file in runner.base.glob("pid*"):
            pid = file.read_text().strip()  # empty where the shell was ended before it wrote
            assert not pid or not Path(f"/proc/{pid}").exists()


def test_that_a_run_stops_is_told_before_what_it_cancels(runner: Runner) -> None:
    cancellation = Cancellation()

    def stop(event: Event) -> None:
        if isinstance(event, StepEnded):
            cancellation.wind_down()

    steps = [command("a", "true"), command("b", "true"), command("c", "true", "a")]
    runner(plan(*steps), stop, workers=1, cancellation=cancellation)
    told = [event for event in runner.events if isinstance(event, StepEnded | RunStopping)]
    assert [getattr(event, "status", "stopping") for event in told] == [
        "succeeded",
        "stopping",
        "cancelled",
        "cancelled",
    ]


def test_a_chain_of_thousands_is_skipped_without_recursion(runner: Runner) -> None:
    steps: list[Step] = [command("s0", ["false"])]
    steps += [command(f"s{index}", ["true"], f"s{index - 1}") for index in range(1, 5000)]
    result = runner(plan(*steps))
    assert list(statuses(result).values()) == ["failed"] + ["skipped"] * 4999


def test_the_clock_gives_the_times(runner: Runner) -> None:
    ticks = iter(range(100))

    def clock() -> datetime:
        return datetime(2024, 1, 1, 0, 0, next(ticks), tzinfo=UTC)

    result = runner(plan(command("a", ["true"])), clock=clock)
    assert result.steps["a"].duration == 1.0
