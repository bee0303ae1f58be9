"""A run as a tree of steps: what a terminal of 80 columns shows of it, whatever its size."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
from hypothesis import given, settings

from flowctl.cli.paint import Paint, width
from flowctl.cli.standing import Standing
from flowctl.cli.tree import Tree
from flowctl.interpreter.counts import Counts
from flowctl.interpreter.events import (
    Event,
    Resumed,
    RunPaused,
    RunStarted,
    StepEnded,
    StepFallingBack,
    StepFannedOut,
    StepProgress,
    StepRetrying,
    StepStarted,
    StepStatus,
)

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def standing(*events: Event) -> Standing:
    found = Standing()
    for event in events:
        found.take(event)
    return found


def started(*steps: str, resumed: tuple[Resumed, ...] | None = None) -> RunStarted:
    return RunStarted(NOON, "r", "w", "d", steps, resumed)


def lines(events: Sequence[Event], *, height: int = 18, **needs: tuple[str, ...]) -> list[str]:
    return Tree(needs, Paint(False)).lines(standing(*events), at(75), 80, height)


def test_each_step_says_what_it_is_at() -> None:
    events: list[Event] = [
        started("load[us,1]", "load[eu,1]", "clean", "flaky", "other", "old", "report"),
        StepStarted(at(0), "load[us,1]", 1),
        StepEnded(at(1), "load[us,1]", "succeeded", Counts(read=9, written=7, rejected=2)),
        StepStarted(at(1), "load[eu,1]", 1),
        StepStarted(at(65), "clean", 1),
        StepProgress(at(75), "clean", 20_000_000, 500_000_000, 1_000_000_000),
        StepStarted(at(60), "flaky", 1),
        StepRetrying(at(70), "flaky", 1, 4, 12.0, 3),
        StepStarted(at(70), "other", 2),
        StepFallingBack(at(72), "other", 3),
        StepEnded(at(60), "old", "skipped", why="its `if` is false"),
    ]
    assert lines(events, report=("load[us,1]", "load[eu,1]", "clean")) == [
        "1 of 7 steps done, 3 running, 1 waiting, 1 skipped, 1:15",
        "▶ load      1 of 2 done, 1 running",
        "  ✓ [us,1]  7 rows written, 2 rejected, 1.0 s",
        "  ▶ [eu,1]  1:14",
        "▶ clean     ━━━━━━──────   50%    2.0M rows/s    50 MB/s  0:10 left",
        "↻ flaky     attempt 2 of 4 in 0:07",
        "▶ other     attempt 2  fallback  0:05",
        "– old       its `if` is false",
        "· report    needs load, clean",
    ]


def test_a_run_that_goes_on_counts_what_had_ended() -> None:
    resumed = (Resumed("a", 5, "", ended=True), Resumed("b", 1000, "x.csv:9", ended=False))
    events: list[Event] = [started("a", "b", resumed=resumed), StepStarted(at(70), "b", 1)]
    first = StepProgress(at(71), "b", 2000, 2_000_000, None)
    then = StepProgress(at(73), "b", 6000, 22_000_000, None)
    assert lines([*events, first, then, RunPaused(at(74), "r")]) == [
        "paused, 1 of 2 steps done, 1 running, 1:15",
        "✓ a  had ended before",
        "▶ b  6.0k rows  2.0k rows/s    10 MB/s",
    ]


def test_a_terminal_without_marks_gets_letters() -> None:
    run = standing(
        started("a", "b"),
        StepStarted(at(65), "a", 1),
        StepProgress(at(75), "a", 10, 750, 1000),
    )
    assert Tree({"b": ("a",)}, Paint(False), ascii=True).lines(run, at(75), 80, 9)[1:] == [
        "> a  #########---   75%       1 rows/s   0.0 MB/s  0:03 left",
        ". b  needs a",
    ]


def test_cells_are_folded_where_they_do_not_fit() -> None:
    cells = [f"load[{number}]" for number in range(20_000)]
    events: list[Event] = [started(*cells, "after")]
    for number, cell in enumerate(cells[:12_000]):
        events.append(StepStarted(at(0), cell, 1))
        if number < 11_998:
            status: StepStatus = "failed" if number == 5000 else "succeeded"
            events.append(StepEnded(at(1), cell, status, exit_code=int(number == 5000)))
    assert lines(events, after=("load[0]",)) == [
        "11,997 of 20,001 steps done, 2 running, 1 failed, 1:15",
        "✗ load       11,997 of 20,000 done, 2 running, 1 failed",
        "  ▶ [11998]  1:15",
        "  ▶ [11999]  1:15",
        "  ✗ [5000]   exit code 1, 1.0 s",
        "· after",
    ]


def test_of_many_steps_those_at_work_and_the_next_are_shown() -> None:
    steps = [f"s{number}" for number in range(20_000)]
    events: list[Event] = [started(*steps)]
    for step in steps[:100]:
        events += [StepStarted(at(0), step, 1), StepEnded(at(1), step, "succeeded")]
    events += [StepStarted(at(70), "s100", 1), StepStarted(at(70), "s19999", 1)]
    assert lines(events, height=6) == [
        "100 of 20,000 steps done, 2 running, 1:15",
        "▶ s100    0:05",
        "· s101",
        "· s102",
        "· s103",
        "▶ s19999  0:05",
    ]


NAMES = st.sampled_from(
    ["a", "b", "load[us]", "load[eu]", "load[a long value of a matrix, and another]", "漢字" * 20]
)
STATUSES: st.SearchStrategy[StepStatus] = st.sampled_from(
    ["succeeded", "failed", "skipped", "cancelled", "recovered"]
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(NAMES, st.integers(1, 5), STATUSES), max_size=12),
    st.integers(1, 120),
    st.integers(0, 12),
    st.booleans(),
)
def test_it_fits_and_counts_right(
    work: list[tuple[str, int, StepStatus]], columns: int, height: int, colour: bool
) -> None:
    """Whatever happens, no line is too wide, and there are not too many."""
    names = list(dict.fromkeys(name for name, _, _ in work))
    run = standing(started(*names))
    for name, number, status in work:
        if run.status[name] == "pending":
            run.take(StepStarted(at(0), name, number))
        elif number == 1 and name in run.at_work:
            run.take(StepProgress(at(number), name, 10**number, 10**number, 10**6))
        elif number == 2 and run.status[name] == "running":
            run.take(StepRetrying(at(number), name, 1, 9, 100.0))
        elif name in run.at_work:
            run.take(StepEnded(at(9), name, status, why="a reason that is long" * number))
    plain = Tree({"a": names}, Paint(False)).lines(run, at(10), columns, height)
    assert len(plain) <= height
    assert all(width(line) < max(columns, 2) for line in plain)
    assert (
        sum(run.counts.values())
        == len(names)
        == sum(sum(unit.counts.values()) for unit in run.units.values())
    )
    painted = Tree({"a": names}, Paint(colour)).lines(run, at(10), columns, height)
    assert len(painted) == len(plain)


def test_cells_stand_in_the_place_of_the_step_that_they_are_of() -> None:
    events: list[Event] = [
        started("list", "each", "last"),
        StepStarted(at(0), "list", 1),
        StepEnded(at(1), "list", "succeeded"),
        StepFannedOut(at(1), "each", ("a", "b", "c")),
        StepStarted(at(1), "each[0]", 1),
        StepEnded(at(2), "each[0]", "succeeded"),
        StepStarted(at(2), "each[1]", 1),
    ]
    found = standing(*events)
    assert found.counts == {"succeeded": 2, "running": 1, "pending": 2}
    assert found.units["each"].steps == ["each[0]", "each[1]", "each[2]"]
    for index in (1, 2):
        found.take(StepEnded(at(3), f"each[{index}]", "succeeded"))
    found.take(StepEnded(at(3), "each", "succeeded"))
    assert found.counts["succeeded"] == 4
    assert found.ended["each"].began == at(1)
    assert lines(events)[0].startswith("2 of 5 steps done")
