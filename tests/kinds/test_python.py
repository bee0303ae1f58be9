"""Functions of the project on records, in processes of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flowctl.component import Folders, Situation
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.interpreter.counts import Counts
from flowctl.interpreter.stream import StreamResult
from flowctl.kinds.transforms.python import COMPONENT
from flowctl.plan import Operation
from flowctl.records import Schema
from flowctl.syntax.node import Json
from tests.kinds.transforming import NoFiles
from tests.streams.running import Folder, op

MODULE = """
import os
import polars as pl

def double(frame):
    return pl.concat([frame, frame]).select(twice=pl.col("n") * 2, t="t")

def thin(frame):
    return frame.filter(pl.col("n") % 2 == 0).select(twice=pl.col("n").cast(pl.Int16), t="t")

def breaks(frame):
    if frame["n"].max() > 150:
        raise ValueError("too much")
    return double(frame)

def dies(frame):
    os._exit(7)

def lazy(frame):
    return frame.lazy()

def wrong_type(frame):
    return frame.select(twice=pl.col("t"), t="t")

def lacking(frame):
    return frame.select("t")

def more(frame):
    return frame.select(twice="n", t="t", other="n")

def nulls(frame):
    return frame.select(twice=pl.lit(None, pl.Int64), t="t")

def two(left, right):
    return left

def yields(frame):
    yield frame
"""
COLUMNS: dict[str, Json] = {"twice": "int64", "t": "string?"}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path, split_bytes=500)
    folder.write("in.csv", "n,t\n" + "".join(f"{n},text {n}\n" for n in range(200)))
    folder.write("code/given.py", MODULE)
    return folder


def arguments(folder: Folder, function: str) -> dict[str, Json]:
    given: dict[str, Json] = {"python": f"given:{function}", "columns": COLUMNS}
    situation = Situation(Scope(), NoFiles(), folders=Folders(folder.base, folder.base / "code"))
    answer = COMPONENT.rule(given, Schema.of({"n": "int64", "t": "string"}), situation)
    assert answer.faults == ()
    later = Situation(Scope(), NoFiles(), folders=Folders(folder.base))
    assert COMPONENT.rule(answer.arguments, Schema(), later).arguments == answer.arguments
    return answer.arguments


def run(folder: Folder, function: str, *behind: Operation) -> StreamResult:
    call = Operation("python", arguments(folder, function))
    filtered = op("filter", "n >= 20")
    return folder.run(op("csv", "in.csv"), filtered, call, *behind, sink=op("csv", "out.csv"))


def only(result: StreamResult) -> Fault:
    (fault,) = result.faults
    assert result.status == "failed"
    return fault


def test_records_are_made_and_absorbed(folder: Folder) -> None:
    result = run(folder, "double", op("filter", "twice > 100"))
    assert result.faults == ()
    assert result.counts == Counts(read=200, made=180, written=298, filtered=20 + 62)
    out = pl.read_csv(folder.base / "out.csv")
    assert sorted(out["twice"]) == sorted([n * 2 for n in range(51, 200)] * 2)
    result = run(folder, "thin")
    assert result.counts == Counts(read=200, written=90, filtered=20, absorbed=90)
    assert pl.read_csv(folder.base / "out.csv")["twice"].to_list() == [*range(20, 200, 2)]


def test_the_order_is_that_of_the_splits_whoever_is_faster(folder: Folder) -> None:
    run(folder, "double")
    first = folder.read("out.csv")
    run(Folder(folder.base, workers=1, split_bytes=500, memory=1 << 10), "double")
    assert folder.read("out.csv") == first


def test_an_exception_fails_the_step_at_its_own_line(folder: Folder) -> None:
    fault = only(run(folder, "breaks"))
    assert fault.pointer == ("transforms", 1, "python")
    assert fault.code.id == "E740"
    line = MODULE.split("\n").index('        raise ValueError("too much")') + 1
    file, _, rest = fault.message.partition(": ")
    assert file.startswith("in.csv:")
    first, last = map(int, file.removeprefix("in.csv:").split("-"))
    assert first <= 153 <= last
    assert f"`given:breaks` raised ValueError: too much at given.py:{line}" in rest
    assert not (folder.base / "out.csv").exists()


def test_a_worker_that_dies_is_the_steps_failure(folder: Folder) -> None:
    fault = only(run(folder, "dies"))
    assert fault.code.id == "E740" and "exit code 7" in fault.message
    assert run(folder, "double").status == "succeeded"


@pytest.mark.parametrize(
    ("function", "said"),
    [
        ("lazy", "call `collect()` on it"),
        ("wrong_type", "`twice` is string, and declared as int64"),
        ("lacking", "there is no column `twice`"),
        ("more", "the column `other` is not declared"),
        ("nulls", "`twice` has nulls, and is declared without `?`"),
    ],
)
def test_what_comes_back_must_be_as_declared(folder: Folder, function: str, said: str) -> None:
    fault = only(run(folder, function))
    assert fault.code.id == "E741"
    assert fault.message.startswith("in.csv:") and said in fault.message


@pytest.mark.parametrize(
    ("given", "code", "start"),
    [
        ({"python": "given:two"}, "E452", 6),
        ({"python": "given:yields"}, "E452", 6),
        ({"python": "given:doubel"}, "E451", 6),
        ({"python": "gven:double"}, "E450", 0),
        ({"python": "given:double", "code": "sha256:0", "root": "code"}, "E452", None),
    ],
)
def test_what_is_wrong(folder: Folder, given: dict[str, Any], code: str, start: int | None) -> None:
    situation = Situation(Scope(), NoFiles(), folders=Folders(folder.base, folder.base / "code"))
    (fault,) = COMPONENT.rule({**given, "columns": COLUMNS}, Schema(), situation).faults
    assert (fault.code.id, fault.pointer, fault.start) == (code, ("python",), start)


def test_the_digest_follows_the_code(folder: Folder) -> None:
    first = arguments(folder, "double")
    folder.write("code/given.py", MODULE + "# more\n")
    assert arguments(folder, "double")["code"] != first["code"]
