"""What becomes of a step that fails or takes too long: ended whole, tried again, and when."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowctl.interpreter.cancellation import Cancellation
from flowctl.interpreter.events import Event, StepRetrying, StepStarted
from flowctl.interpreter.result import result_of
from flowctl.interpreter.retrying import delay_before_next
from flowctl.interpreter.state import fold
from flowctl.plan import Operation, Plan, Retry, Step, Stream
from tests.interpreter.running import Leaping, Runner, command, plan, statuses
from tests.interpreter.test_commands import alive

FAILS_TWICE = "echo x >> tries; [ $(wc -l < tries) -ge 3 ]"


def retried(step: Step, attempts: int, **options: object) -> Step:
    return replace(step, retry=Retry(attempts, **options))  # type: ignore[arg-type]


def retries(runner: Runner) -> list[StepRetrying]:
    return [event for event in runner.events if isinstance(event, StepRetrying)]


def test_a_step_is_tried_until_it_succeeds(runner: Runner) -> None:
    pace = Leaping()
    result = runner(plan(retried(command("s", FAILS_TWICE), 5, backoff="linear")), pace=pace)
    assert statuses(result) == {"s": "succeeded"}
    assert result.steps["s"].attempts == 3
    assert [(event.attempt, event.of, event.delay) for event in retries(runner)] == [
        (1, 5, 1.0),
        (2, 5, 2.0),
    ]
    assert [fault.code.id for fault in retries(runner)[0].faults] == ["E710"]
    assert pace.now() >= 3.0
    assert result_of(fold(runner.events)).steps == result.steps


def test_the_last_failure_is_the_steps(runner: Runner) -> None:
    result = runner(plan(retried(command("s", FAILS_TWICE), 2)), pace=Leaping())
    assert statuses(result) == {"s": "failed"}
    assert result.steps["s"].attempts == 2
    assert len(retries(runner)) == 1


@pytest.mark.parametrize(("on", "attempts"), [(("7",), 3), (("8", "timeout"), 1), ((), 3)])
def test_only_what_is_asked_for_is_tried_again(
    runner: Runner, on: tuple[str, ...], attempts: int
) -> None:
    result = runner(plan(retried(command("s", "exit 7"), 3, on=on)), pace=Leaping())
    assert result.steps["s"].attempts == attempts


def test_who_waits_takes_no_workers_place(runner: Runner) -> None:
    """With a single worker, `other` runs while `s` waits, and lets it succeed."""
    steps = plan(retried(command("s", "test -e there"), 2), command("other", "touch there"))
    result = runner(steps, workers=1, keep_going=True, pace=Leaping())
    assert statuses(result) == {"s": "succeeded", "other": "succeeded"}
    begun = [event.step for event in runner.events if isinstance(event, StepStarted)]
    assert begun == ["s", "other", "s"]


def test_what_has_begun_goes_on_with_its_attempts_when_another_fails(runner: Runner) -> None:
    steps = plan(retried(command("s", FAILS_TWICE), 3), command("bad", "false"))
    result = runner(steps, workers=1, pace=Leaping())
    assert statuses(result) == {"s": "succeeded", "bad": "failed"}


def test_waiting_ends_at_once_when_the_run_is_stopped(runner: Runner) -> None:
    cancellation = Cancellation()

    def stop(event: Event) -> None:
        if isinstance(event, StepRetrying):
            cancellation.ask()

    step = retried(command("s", "false"), 3, delay=3_600_000)
    result = runner(plan(step), stop, cancellation=cancellation)
    assert statuses(result) == {"s": "cancelled"}
    assert result.status == "cancelled"


@pytest.mark.parametrize(
    "script",
    [
        "sleep 1000",
        # A grandchild that outlives its parent and hears no TERM.
        "(trap '' TERM HUP; echo $BASHPID > grandchild; sleep 1000 & wait; sleep 1000) & sleep 999",
        "trap '' TERM; while :; do sleep 1000; done",
        # The command itself ends, and what it leaves behind has no more time than it had.
        "sleep 1000 & echo $! > grandchild; exit 0",
    ],
)
def test_a_timeout_ends_the_whole_group(runner: Runner, script: str) -> None:
    step = replace(command("s", f"echo $$ > pid; {script}"), timeout=200)
    result = runner(plan(step), grace=0.3)
    for name in ("pid", "grandchild"):
        file = runner.base / name
        assert not file.exists() or not alive(int(file.read_text()))
    if "exit 0" in script:
        return
    assert statuses(result) == {"s": "failed"}
    assert [fault.code.id for fault in result.steps["s"].faults] == ["E720"]
    assert result.unfinished


def test_each_attempt_has_the_whole_time(runner: Runner) -> None:
    script = "echo x >> tries; [ $(wc -l < tries) -ge 2 ] || sleep 1000"
    step = replace(retried(command("s", script), 2, on=("timeout",)), timeout=400)
    result = runner(plan(step), pace=Leaping())
    assert statuses(result) == {"s": "succeeded"}
    assert result.steps["s"].attempts == 2


def test_a_stream_that_takes_too_long_publishes_nothing(tmp_path: Path) -> None:
    """The pace is past the end of the time as soon as it is asked a second time."""
    from flowctl.registry import builtin

    class Hasty(Leaping):
        def now(self) -> float:
            self.time += 10
            return self.time

    (tmp_path / "in.csv").write_text("a\n1\n2\n")
    source = Operation("csv", {"csv": "in.csv", "columns": {"a": "int64"}})
    body = Stream(source, sinks=(Operation("csv", {"csv": "out.csv"}),))
    runner = Runner(tmp_path, registry=builtin())
    steps = Plan("w", (Step("s", body, timeout=5000),))
    result = runner(steps, pace=Hasty())
    assert [fault.code.id for fault in result.steps["s"].faults] == ["E720"]
    assert not (tmp_path / "out.csv").exists()
    # The same run goes on when there is time.
    runner.runs -= 1
    again = runner(steps)
    assert again.status == "succeeded"
    assert (tmp_path / "out.csv").read_text() == "a\n1\n2\n"


@given(
    st.integers(2, 1000),
    st.sampled_from(["constant", "linear", "exponential"]),
    st.integers(0, 10**9),
    st.none() | st.integers(0, 10**9),
    st.floats(0, 1, exclude_max=True),
)
def test_delays_never_shrink_and_keep_their_bounds(
    attempts: int, backoff: str, delay: int, most: int | None, chance: float
) -> None:
    options: dict[str, object] = {"backoff": backoff, "delay": delay, "max_delay": most}
    plain = Retry(attempts, **options)  # type: ignore[arg-type]
    delays = [delay_before_next(plain, attempt, (), chance) for attempt in range(1, attempts)]
    assert all(a is not None and b is not None and a <= b for a, b in pairwise(delays))
    assert delay_before_next(plain, attempts, (), chance) is None
    for attempt, whole in enumerate(delays, start=1):
        assert whole is not None
        assert most is None or whole <= most / 1000
        drawn = delay_before_next(replace(plain, jitter=True), attempt, (), chance)
        assert drawn is not None
        assert whole / 2 <= drawn <= whole
