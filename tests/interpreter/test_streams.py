"""Streams beside commands: what the graph makes of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from flowctl.errors import ResumeRefused
from flowctl.interpreter.counts import Counts
from flowctl.interpreter.events import StepProgress
from flowctl.plan import Operation, Plan, Step, Stream
from flowctl.registry import builtin
from flowctl.syntax.node import Json
from tests.interpreter.running import Runner, command, plan, statuses

ROWS = "a,b\n1,x\n2,y\n3,z\n"


@pytest.fixture
def streams(tmp_path: Path) -> Runner:
    (tmp_path / "in.csv").write_text(ROWS)
    return Runner(tmp_path, builtin())


def stream(id: str, source: dict[str, Json], *rest: dict[str, Json], needs: str = "") -> Step:
    """A step that moves records; sinks are the operations named `csv` and `parquet`."""
    operations = [Operation(next(iter(arguments)), arguments) for arguments in (source, *rest)]
    sinks = tuple(one for one in operations[1:] if one.kind in ("csv", "parquet", "ndjson"))
    transforms = tuple(one for one in operations[1:] if one not in sinks)
    needed = tuple(needs.split())
    return Step(id, Stream(operations[0], transforms, sinks), needed, needed)


def test_a_stream_and_a_command(streams: Runner) -> None:
    steps = plan(
        stream("s", {"csv": "in.csv"}, {"filter": "a > 1"}, {"csv": "out/s.csv"}),
        command(
            "c", "cat ${{ steps.s.sink }}; echo ${{ steps.s.read }} ${{ steps.s.written }}", "s"
        ),
    )
    result = streams(steps)
    assert result.status == "succeeded"
    assert result.steps["s"].counts == Counts(read=3, written=2, filtered=1)
    assert result.steps["s"].sink == ("out/s.csv",)
    assert streams.lines("c") == ["a,b", "2,y", "3,z", "3 2"]
    assert any(isinstance(event, StepProgress) and event.rows == 3 for event in streams.events)


def test_records_are_handed_on_without_a_sink(streams: Runner) -> None:
    """Read twice, by steps at once; what they were handed on in is gone in the end."""
    steps = plan(
        stream("s", {"csv": "in.csv"}, {"filter": "a > 1"}),
        stream("x", {"step": "s"}, {"filter": "a = 2"}, {"csv": "x.csv"}, needs="s"),
        stream("y", {"step": "s"}, {"csv": "y.csv"}, needs="s"),
        command("c", "ls .flowctl/runs/*/records", "x", "y"),
    )
    result = streams(steps)
    assert statuses(result) == dict.fromkeys("sxyc", "succeeded")
    assert (streams.base / "x.csv").read_text() == "a,b\n2,y\n"
    assert (streams.base / "y.csv").read_text() == "a,b\n2,y\n3,z\n"
    assert result.steps["s"].sink == ()
    assert streams.lines("c") == ["s.parquet"]
    assert not (streams.setting().folder / "records").exists()


def test_records_are_kept_for_those_who_have_not_read_them(streams: Runner) -> None:
    """Written once, kept while a reader still needs them, and gone with the end of the run."""
    steps = plan(
        stream("s", {"csv": "in.csv"}, {"filter": "a > 1"}),
        stream("x", {"step": "s"}, {"csv": "x.csv"}, needs="s"),
        stream("y", {"step": "s"}, {"csv": "out/y.csv"}, needs="s"),
    )
    (streams.base / "out").write_text("a file where a folder should be")
    result = streams(steps, keep_going=True)
    assert statuses(result) == {"s": "succeeded", "x": "succeeded", "y": "failed"}
    (kept,) = (streams.setting().folder / "records").iterdir()
    written = kept.stat().st_mtime_ns
    (streams.base / "in.csv").unlink()
    aside = kept.rename(streams.base / "aside")
    streams.runs -= 1
    with pytest.raises(ResumeRefused) as refused:
        streams(steps, keep_going=True)
    (fault,) = refused.value.diagnostics
    assert (fault.code.id, fault.message) == (
        "E732",
        "the records that `s` has left for `y` are gone",
    )
    aside.rename(kept)
    assert kept.stat().st_mtime_ns == written
    (streams.base / "out").unlink()
    streams.runs -= 1
    result = streams(steps, keep_going=True)
    assert set(statuses(result).values()) == {"succeeded"}
    assert (streams.base / "out/y.csv").read_text() == "a,b\n2,y\n3,z\n"
    assert not kept.exists()


def test_a_dataset_is_not_what_a_step_hands_on(streams: Runner) -> None:
    """Its folder may hold more than the step has written."""
    (streams.base / "data").mkdir()
    pl.DataFrame({"a": [9], "b": ["old"]}).write_parquet(streams.base / "data/part-00000.parquet")
    step = stream("s", {"csv": "in.csv"}, {"parquet": "data/", "mode": "append"})
    reader = stream("x", {"step": "s"}, {"csv": "x.csv"}, needs="s")
    assert streams(plan(step, reader)).status == "succeeded"
    assert (streams.base / "x.csv").read_text() == ROWS
    assert pl.read_parquet(streams.base / "data").height == 4


def test_records_are_read_where_a_step_writes_parquet(streams: Runner) -> None:
    steps = plan(
        stream("s", {"csv": "in.csv"}, {"parquet": "build/s[1].parquet"}, {"csv": "s.csv"}),
        stream("x", {"step": "s"}, {"csv": "x.csv"}, needs="s"),
        command("c", "ls .flowctl/runs/*/records || true", "x"),
    )
    result = streams(steps)
    assert statuses(result) == dict.fromkeys("sxc", "succeeded")
    assert result.steps["s"].sink == ("build/s[1].parquet", "s.csv")
    assert (streams.base / "x.csv").read_text() == ROWS


def test_no_records_are_handed_on_with_their_columns(streams: Runner) -> None:
    steps = plan(
        stream("s", {"csv": "in.csv"}, {"filter": "a > 9"}),
        stream("x", {"step": "s"}, {"csv": "x.csv"}, needs="s"),
    )
    assert streams(steps).status == "succeeded"
    assert (streams.base / "x.csv").read_text() == "a,b\n"


def test_records_of_a_matrix_come_in_its_order(streams: Runner) -> None:
    cells = [
        stream(f"s[{number}]", {"csv": "in.csv"}, {"filter": f"a = {number}"}) for number in (3, 1)
    ]
    names: list[Json] = [cell.id for cell in cells]
    reader = stream("x", {"step": names}, {"csv": "x.csv"}, needs="s[3] s[1]")
    assert streams(plan(*cells, reader)).status == "succeeded"
    assert (streams.base / "x.csv").read_text() == "a,b\n3,z\n1,x\n"


def test_a_stream_that_fails_publishes_nothing_and_skips_its_readers(streams: Runner) -> None:
    (streams.base / "in.csv").write_text("a,b\n1,x\nfive,y\n")
    source: dict[str, Json] = {"csv": "in.csv", "columns": [["a", "int64"], ["b", "string"]]}
    steps = plan(
        stream("s", source, {"csv": "out/s.csv"}),
        stream("x", {"step": "s"}, {"csv": "x.csv"}, needs="s"),
    )
    result = streams(steps)
    assert statuses(result) == {"s": "failed", "x": "skipped"}
    (fault,) = result.steps["s"].faults
    assert fault.code.id == "E701"
    assert "in.csv:3" in fault.message
    assert not list((streams.base / "out").glob("*"))


def test_who_runs_regardless_finds_no_records(streams: Runner) -> None:
    reader = stream("x", {"step": "s"}, {"csv": "x.csv"}, needs="s")
    steps = plan(
        stream("s", {"csv": "none.csv"}, {"csv": "s.csv"}), replace(reader, condition="always()")
    )
    (fault,) = streams(steps).steps["x"].faults
    assert (fault.code.id, fault.message) == (
        "E719",
        "step `s` has left no records: it has failed",
    )


def test_a_path_that_cannot_be_written_fails_the_step(streams: Runner) -> None:
    (streams.base / "out").write_text("a file where a folder should be")
    result = streams(plan(stream("s", {"csv": "in.csv"}, {"csv": "out/s.csv"})))
    assert statuses(result) == {"s": "failed"}
    assert result.steps["s"].faults


def test_a_missing_input_is_told_at_its_place(streams: Runner) -> None:
    steps = plan(stream("s", {"csv": "none.csv"}, {"csv": "s.csv"}))
    result = streams(Plan(steps.name, steps.steps))
    (fault,) = result.steps["s"].faults
    assert fault.code.id == "E601"
