"""What a run shows while it goes on, made of its events."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from flowctl.cli.paint import Paint
from flowctl.cli.progress import Lines, Log
from flowctl.cli.render import Screen
from flowctl.cli.speed import Speed
from flowctl.cli.summary import as_text
from flowctl.diagnostics import Code, Diagnostic, Span
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
from flowctl.interpreter.state import fold
from flowctl.plan import Operation, Plan, Step, Stream

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
WRONG = Code("E799", "went wrong", "explained")


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


EVENTS: list[Event] = [
    RunStarted(at(0), "r1", "flights", "sha256:1", ("clean", "report", "late")),
    StepStarted(at(0), "clean", 1),
    StepProgress(at(1), "clean", 1000, 50_000_000, 200_000_000),
    StepProgress(at(10), "clean", 2000, 100_000_000, 200_000_000),
    StepEnded(
        at(20), "clean", "succeeded", Counts(read=3, written=1, rejected=2), ("build/a.parquet",)
    ),
    StepStarted(at(20), "report", 1),
    StepOutput(at(20), "report", "stdout", "it is \x1b[31mdone"),
    StepEnded(
        at(20.5),
        "report",
        "failed",
        exit_code=7,
        faults=(Diagnostic(WRONG, "exit code 7", Span.point("/x/a.yaml", 1, 2)),),
    ),
    StepEnded(at(20.5), "late", "skipped", why="it needs `report`, which failed"),
    RunEnded(at(20.5), "r1", "failed"),
]


def screen() -> Screen:
    return Screen(io.StringIO(), 80, Paint(False), False)


def written(shown: Screen) -> str:
    assert isinstance(shown.stream, io.StringIO)
    return shown.stream.getvalue()


def test_lines() -> None:
    shown = screen()
    lines = Lines(shown)
    for event in EVENTS:
        lines.show(event)
    assert written(shown).splitlines() == [
        "run r1: flights, 3 steps",
        "clean: started",
        "clean: 2,000 rows, 200 rows/s, 10.0 MB/s, 50%, 10.0 s left",
        "clean: succeeded, 1 row written, 2 rejected, 20.0 s",
        "report: started",
        "report | it is \ufffd[31mdone",
        "report: failed, exit code 7, 500 ms",
        "late: skipped, it needs `report`, which failed",
    ]


def test_log_is_an_event_a_line() -> None:
    shown = screen()
    log = Log(shown)
    for event in EVENTS:
        log.show(event)
    events = [json.loads(line) for line in written(shown).splitlines()]
    assert [event["event"] for event in events] == [
        "run_started",
        "step_started",
        "step_progress",
        "step_progress",
        "step_ended",
        "step_started",
        "step_output",
        "step_ended",
        "step_ended",
        "run_ended",
    ]
    assert events[0]["at"] == "2024-01-01T12:00:00+00:00"
    assert events[0]["steps"] == ["clean", "report", "late"]
    assert events[4]["counts"]["rejected"] == 2
    assert events[7]["faults"][0]["code"] == "E799"
    assert events[7]["faults"][0]["line"] == 1


def test_summary_is_the_accounting() -> None:
    rejects = Operation("ndjson", {"ndjson": "build/rejects.ndjson"})
    clean = Stream(Operation("csv", {"csv": "a.csv"}), rejects=rejects)
    other = Operation("run", {"run": "make"})
    plan = Plan("flights", (Step("clean", clean), Step("report", other), Step("late", other)))
    text = as_text(result_of(fold(EVENTS)), plan, "here/{}".format, Paint(False))
    assert text.splitlines() == [
        "step    status     read  written  filtered  rejected    time",
        "clean   succeeded     3        1         0         2  20.0 s",
        "report  failed                                        500 ms",
        "late    skipped",
        "wrote here/build/a.parquet",
        "wrote here/build/rejects.ndjson (2 rejects)",
        "run r1: failed",
    ]


def test_cells_of_many_steps_are_summed_up() -> None:
    ends = [
        StepEnded(
            at(index),
            f"load[{index}]",
            "failed" if index == 7 else "succeeded",
            Counts(read=10, written=10),
            (f"{index}.csv",),
        )
        for index in range(60)
    ]
    starts = [StepStarted(at(index - 1), f"load[{index}]", 1) for index in range(60)]
    steps = tuple(event.step for event in ends)
    begun = RunStarted(at(0), "r", "w", "d", (*steps, "after"))
    after = StepEnded(at(60), "after", "skipped")
    events: list[Event] = [begun, *starts, *ends, after, RunEnded(at(60), "r", "failed")]
    plan = Plan("w", tuple(Step(id, Operation("run", {})) for id in (*steps, "after")))
    text = as_text(result_of(fold(events)), plan, str, Paint(False))
    assert text.splitlines()[:3] == [
        "step       status                  read  written  filtered  rejected  time",
        "load (60)  59 succeeded, 1 failed   600      600         0         0  1:00",
        "after      skipped",
    ]
    assert text.splitlines()[-3:] == ["wrote 49.csv", "wrote 10 more files", "run r: failed"]


def test_speed_is_that_of_the_last_seconds_and_of_this_process_alone() -> None:
    """What an earlier process has read is no speed of this one."""
    speed = Speed(at(0), anew=False)
    speed.take(StepProgress(at(1), "s", 1_000_000, 500, 1000))
    assert (speed.rows, speed.left) == (0.0, None)
    speed.take(StepProgress(at(2), "s", 1_000_100, 600, 1000))
    assert (speed.rows, speed.bytes, speed.left) == (100.0, 100.0, 4.0)
    for second in range(3, 40):
        speed.take(StepProgress(at(second), "s", 1_000_100, 600 + second, 1000))
    assert speed.rows == 0.0
    assert speed.bytes == pytest.approx(1.0)
