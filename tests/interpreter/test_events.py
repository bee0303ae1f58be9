"""What events add up to, and which cannot follow each other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from flowctl.interpreter.counts import Counts
from flowctl.interpreter.events import (
    Event,
    RunEnded,
    RunStarted,
    StepEnded,
    StepOutput,
    StepProgress,
    StepStarted,
)
from flowctl.interpreter.result import result_of
from flowctl.interpreter.state import IllegalMove, fold

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
LATER = NOON + timedelta(seconds=1.5)
BEGUN: list[Event] = [RunStarted(NOON, "r", "w", "sha256:0", ("a", "b"))]
WHOLE: list[Event] = [
    *BEGUN,
    StepStarted(NOON, "a", 1),
    StepProgress(NOON, "a", 10, 100, None),
    StepOutput(NOON, "a", "stdout", "x"),
    StepEnded(LATER, "a", "succeeded", Counts(read=10, written=10), ("out.csv",)),
    StepEnded(LATER, "b", "skipped", why="its `if` is false"),
    RunEnded(LATER, "r", "succeeded"),
]


def test_events_add_up_to_a_result() -> None:
    assert result_of(fold(WHOLE)).to_json() == {
        "run": "r",
        "status": "succeeded",
        "resumed_from": None,
        "steps": {
            "a": {
                "status": "succeeded",
                "attempts": 1,
                "read": 10,
                "made": 0,
                "written": 10,
                "filtered": 0,
                "rejected": 0,
                "skipped": 0,
                "absorbed": 0,
                "sink": "out.csv",
                "outputs": {},
                "exit_code": None,
                "duration": 1.5,
            },
            "b": {
                "status": "skipped",
                "attempts": 0,
                "read": None,
                "made": None,
                "written": None,
                "filtered": None,
                "rejected": None,
                "skipped": None,
                "absorbed": None,
                "sink": None,
                "outputs": {},
                "exit_code": None,
                "duration": None,
            },
        },
        "outputs": {},
    }


def test_several_sinks_are_a_list() -> None:
    ended = StepEnded(NOON, "a", "succeeded", Counts(), ("a.csv", "b.csv"))
    state = fold([*BEGUN, StepStarted(NOON, "a", 1), ended])
    steps = result_of(state).to_json()["steps"]
    assert isinstance(steps, dict)
    assert isinstance(steps["a"], dict)
    assert steps["a"]["sink"] == ["a.csv", "b.csv"]


@pytest.mark.parametrize(
    "events",
    [
        [StepStarted(NOON, "a", 1)],
        [*BEGUN, *BEGUN],
        [*BEGUN, StepStarted(NOON, "c", 1)],
        [*BEGUN, StepOutput(NOON, "a", "stdout", "x")],
        [*BEGUN, StepStarted(NOON, "a", 1), StepStarted(NOON, "a", 1)],
        [*BEGUN, StepEnded(NOON, "a", "running")],
        [*BEGUN, StepEnded(NOON, "a", "skipped"), StepEnded(NOON, "a", "failed")],
        [*BEGUN, StepEnded(NOON, "a", "skipped"), StepStarted(NOON, "a", 1)],
        [*BEGUN, RunEnded(NOON, "r", "succeeded")],
        [*WHOLE, RunEnded(LATER, "r", "failed")],
        [*WHOLE, StepStarted(LATER, "a", 2)],
    ],
)
def test_illegal_moves_are_refused(events: list[Event]) -> None:
    with pytest.raises(IllegalMove):
        fold(events)
