"""A file that is followed goes its own ways, while processes that follow it die."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import polars as pl
import pytest

from flowctl.interpreter import Setting, run
from flowctl.interpreter.checkpoint import JOURNAL
from flowctl.interpreter.events import Event, OnEvent, StepProgress
from flowctl.registry import builtin
from flowctl.store.disk import REAL
from flowctl.store.journal import read_records
from tests.crash.conftest import Places
from tests.crash.crashing import left_over
from tests.crash.driver import setting_in
from tests.crash.flows import FIRST, FLOWS, ROWS, outputs, write_inputs
from tests.crash.following import Followed

FLOW = "followed to files"
HEAD_AND_ALL_BUT_80 = 121
LATE = 30


def written_in_part(path: Path) -> list[str]:
    """Leaves a part of the file; gives the lines that are to come."""
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:HEAD_AND_ALL_BUT_80]))
    return lines


def goes_on(path: Path, lines: list[str], way: str) -> None:
    """Its writer writes what is left, and rotates the file when some of that stands there."""
    late = HEAD_AND_ALL_BUT_80 + LATE
    with path.open("a") as file:
        file.write("".join(lines[HEAD_AND_ALL_BUT_80:late]))
        if way == "grown":
            file.write("".join(lines[late:]))
            return
    old = path.with_name(f"{path.name}.1")
    if way == "renamed":
        path.rename(old)
    else:
        shutil.copy(path, old)
        os.truncate(path, 0)
    with path.open("a") as file:
        file.write(lines[0] + "".join(lines[late:]))


@pytest.mark.parametrize("way", ["grown", "renamed", "truncated"])
@pytest.mark.parametrize("at", [13, 22])
def test_it_goes_on_while_nobody_looks(places: Places, way: str, at: int) -> None:
    place = places(FLOW)
    folder = place.fresh()
    path = folder / "in/b.csv"
    lines = written_in_part(path)
    assert place.server.run(folder, FLOW, at, "after") is None
    goes_on(path, lines, way)
    for attempt in range(100):
        told = place.server.run(folder, FLOW, 18 + attempt % 11, "after")
        if told is not None:
            assert told["status"] == "succeeded", told
            break
    assert outputs(folder) == place.expected
    assert not left_over(folder)


def test_others_that_write_to_the_output(places: Places) -> None:
    """What is not ours is never cut off: the run is refused."""
    place = places(FLOW)
    folder = place.fresh()
    before = (folder / "old/a.csv").stat().st_size
    for at in range(18, 34):
        folder = place.fresh()
        assert place.server.run(folder, FLOW, at, "before") is None
        if (folder / "old/a.csv").stat().st_size == before:
            continue
        path = folder / "old/a.csv"
        os.truncate(path, before)
        with path.open("a") as file:
            file.write("theirs\n")
        told = place.server.run(folder, FLOW)
        assert told is not None
        if told["status"] != "succeeded":
            assert "`old/a.csv` was written to by others" in str(told["faults"])
            assert path.read_text().endswith("theirs\n")
            return
    pytest.fail("nothing was published before the end")


def test_checkpoints_of_what_never_ends_are_few(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal begins again and again, and each time holds what is needed to go on."""
    monkeypatch.setattr("flowctl.interpreter.keeper.KEPT_MOST", 2)
    write_inputs(tmp_path)
    plan, registry = FLOWS[FLOW], builtin()
    for _ in range(3):
        setting = setting_in(tmp_path, REAL, 300)
        result = run(plan, setting, stopping_at_once(setting), registry)
        assert result.status == "cancelled"
        journal = setting.step_folder("s0") / JOURNAL
        assert len(read_records(journal).values) <= 2
    result = run(plan, setting_in(tmp_path, REAL, 300), lambda event: None, registry)
    assert result.status == "succeeded"
    found = pl.read_csv(tmp_path / "old/a.csv")["n"].to_list()
    assert found == [-1, *(n for n in range(FIRST, ROWS) if n % 3)]


def stopping_at_once(setting: Setting) -> OnEvent:
    """Ends a run when its first records have been read."""

    def stop(event: Event) -> None:
        if isinstance(event, StepProgress):
            setting.cancellation.ask()

    return stop


@pytest.mark.slow
@pytest.mark.parametrize("way", ["rename", "copy"])
def test_killed_while_another_process_writes(tmp_path: Path, way: str) -> None:
    followed = Followed.made(tmp_path, 100_000)
    assert followed.killed(way, seed=1, most=6) > 0
    followed.judge()
