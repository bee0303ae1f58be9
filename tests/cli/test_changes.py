"""What `watch` says of two plans."""

from __future__ import annotations

from dataclasses import replace

from flowctl.cli.changes import Change, changes
from flowctl.plan import Operation, Plan, Step, Stream
from flowctl.plan_file import sealed

SOURCE = Operation("csv", {"csv": "a.csv"})
FILTER = Operation("filter", {"filter": "x > 1"})
DERIVE = Operation("derive", {"derive": [["y", "x + 1"], ["z", "x"]]}, "reject")
SINK = Operation("parquet", {"parquet": "out.parquet"})
FIRST = Step("clean", Stream(SOURCE, (FILTER, DERIVE), (SINK,)))
SECOND = Step("late", Stream(Operation("step", {"step": "clean"})), ("clean",), ("clean",))


def plan(*steps: Step) -> Plan:
    return sealed(Plan("flights", steps))


def stream(step: Step, **changed: object) -> Step:
    assert isinstance(step.body, Stream)
    return replace(step, body=replace(step.body, **changed))  # type: ignore[arg-type]


def test_nothing() -> None:
    assert changes(plan(FIRST, SECOND), plan(FIRST, SECOND)) == []


def test_steps_come_and_go() -> None:
    third = replace(SECOND, id="early")
    assert changes(plan(FIRST, SECOND), plan(FIRST, third)) == [
        Change("late", "removed"),
        Change("early", "added"),
    ]


def test_an_argument_and_the_step_that_reads_it() -> None:
    derive = Operation("derive", {"derive": [["y", "x + 2"], ["z", "x"]]}, "skip")
    new = stream(FIRST, transforms=(FILTER, derive))
    assert changes(plan(FIRST, SECOND), plan(new, SECOND)) == [
        Change("clean", "changed", ("derive.y: x + 1 → x + 2", "on_error: reject → skip")),
        Change("late", "changed", ("reads clean",)),
    ]


def test_operations_come_and_go() -> None:
    limit = Operation("limit", {"limit": 3})
    new = stream(FIRST, transforms=(DERIVE, limit), max_rejects="1%")
    (change,) = changes(plan(FIRST), plan(new))
    assert change.details == ("+ max_rejects: 1%", "- filter: x > 1", "+ limit: 3")


def test_another_kind_of_sink() -> None:
    new = stream(FIRST, sinks=(Operation("csv", {"csv": "out.csv", "delimiter": ";"}),))
    (change,) = changes(plan(FIRST), plan(new))
    assert change.details == (
        "sink: parquet → csv",
        "sink: - parquet: out.parquet",
        "sink: + csv: out.csv",
        "sink: + delimiter: ;",
    )


def test_needs_and_condition() -> None:
    new = replace(SECOND, condition="steps.clean.written > 0")
    (change,) = changes(plan(FIRST, SECOND), plan(FIRST, new))
    assert change == Change("late", "changed", ("+ if: steps.clean.written > 0",))
