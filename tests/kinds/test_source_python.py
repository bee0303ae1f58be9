"""`source: {python: module:function}`: what a function yields, typed, cut and traced."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flowctl.cli.main import main
from flowctl.component import Folders
from flowctl.diagnostics import Fault
from flowctl.interpreter.stream import StreamResult
from flowctl.interpreter.yielded import Trace
from flowctl.kinds.sources.python import COMPONENT
from flowctl.plan import OnError, Operation
from tests.kinds.transforming import situation
from tests.streams.running import Folder, op

ROOT = Path(__file__).parents[2]
MODULE = """
import datetime as dt
import decimal
import os
import time

import polars as pl

def mappings(most=3):
    for n in range(most):
        yield {
            "n": n,
            "day": dt.date(2024, 1, 1 + n % 9),
            "at": dt.datetime(2024, 1, 1, 12, n % 60, tzinfo=dt.timezone.utc),
            "price": decimal.Decimal("1.50"),
            "tags": ["a", "b"],
            "beside": "not asked for",
        }

def several():
    yield [{"n": 0}, {"n": 1}]
    yield pl.DataFrame({"n": [2, 3], "x": [float("nan"), 1.5]})
    yield {"n": 4, "x": float(4)}
    yield pl.DataFrame({"n": [5], "x": [float("inf")], "blob": [b"x"]})
    yield []
    yield pl.DataFrame({"n": []}, schema={"n": pl.Int64})

def unfit():
    yield {"n": 1}
    yield {"n": "one"}
    yield 7
    yield {"n": None}
    yield pl.DataFrame({"n": [None, 6]})

def raises():
    yield {"n": 1}
    raise ConnectionError("page 2 is gone")

def dies():
    yield {"n": 1}
    os._exit(7)

def nothing():
    yield from ()

def no_records():
    return 5

def text():
    return "one"

def not_finite():
    yield {"n": float("nan")}

def one_mapping():
    return {"n": 1}

def one_frame():
    return pl.DataFrame({"n": [1]})

def lazy():
    return pl.LazyFrame({"n": [1]})

def no_columns():
    yield pl.DataFrame({"m": [1]})

def hangs():
    yield {"n": 1}
    time.sleep(600)

def endless():
    n = 0
    while True:
        print("at", n) if n % 100_000 == 0 else None
        yield {"n": n}
        n += 1

def takes(day, /, *, most):
    yield {"n": 1}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path)
    folder.write("made.py", MODULE)
    return folder


def made(
    function: str, columns: dict[str, str], on_error: OnError = "fail", /, **given: object
) -> Operation:
    pairs = [[name, kind] for name, kind in columns.items()]
    options: dict[str, Any] = {"with": given} if given else {}
    where = {"root": ".", "file": "made.py"}
    return op("python", f"made:{function}", on_error, columns=pairs, **where, **options)


def read(folder: Folder) -> list[tuple[Any, ...]]:
    return pl.read_parquet(folder.base / "out.parquet").rows()


def run(folder: Folder, source: Operation, *transforms: Operation) -> StreamResult:
    return folder.run(source, *transforms, sink=op("parquet", "out.parquet"))


def test_values_of_python(folder: Folder) -> None:
    columns = {
        "n": "int32",
        "day": "date",
        "at": "datetime(UTC)",
        "price": "decimal(9,2)",
        "tags": "list<string>",
    }
    result = run(folder, made("mappings", columns, most=2))
    assert result.status == "succeeded", result.faults
    frame = pl.read_parquet(folder.base / "out.parquet")
    assert frame["day"].to_list()[1].isoformat() == "2024-01-02"
    assert frame["at"].to_list()[1].isoformat() == "2024-01-01T12:01:00+00:00"
    assert frame.select(pl.col("price").cast(pl.String), "tags").rows() == [
        ("1.50", ["a", "b"]),
        ("1.50", ["a", "b"]),
    ]


def test_mappings_lists_and_frames_in_order(folder: Folder) -> None:
    result = run(folder, made("several", {"n": "int64", "x": "float64?"}))
    assert result.status == "succeeded", result.faults
    assert result.counts.read == 6
    expected = "[(0, None), (1, None), (2, nan), (3, 1.5), (4, 4.0), (5, inf)]"
    assert str(read(folder)) == expected


def test_places_are_numbers_of_records(folder: Folder) -> None:
    place = op("derive", [["file", "source_file()"], ["line", "source_line()"]])
    run(folder, made("mappings", {"n": "int64"}, most=30_000), op("filter", "n % 9999 = 0"), place)
    lines = [1, 10_000, 19_999, 29_998]
    assert read(folder) == [(line - 1, "made.py", line) for line in lines]


def test_records_that_do_not_fit(folder: Folder) -> None:
    rejects = op("ndjson", "rejects.ndjson")
    sink = op("parquet", "out.parquet")
    result = folder.run(made("unfit", {"n": "int64"}, "reject"), sink=sink, rejects=rejects)
    assert (result.counts.read, result.counts.rejected) == (6, 4)
    assert read(folder) == [(1,), (6,)]
    found = [json.loads(line) for line in folder.read("rejects.ndjson").splitlines()]
    assert [(one["file"], one["line"], one["offset"], one["rule"]) for one in found] == [
        ("made.py", 2, None, "type"),
        ("made.py", 3, None, "syntax"),
        ("made.py", 4, None, "null"),
        ("made.py", 5, None, "null"),
    ]
    assert found[1]["message"] == "the record is no JSON object"
    assert found[0]["record"] == '{"n": "one"}'


def test_a_record_that_ends_the_step(folder: Folder) -> None:
    (fault,) = run(folder, made("unfit", {"n": "int64"})).faults
    assert fault.message == 'made.py:2: column `n`: `"one"` is no int64'


@pytest.mark.parametrize(
    ("function", "code", "words"),
    [
        ("raises", "E740", "raised ConnectionError: page 2 is gone at made.py:"),
        ("dies", "E740", "the worker process died in `made:dies`: exit code 7"),
        ("no_records", "E741", "it returned an `int`, which has no records"),
        ("text", "E741", "it returned a `str`, which has no records"),
        ("not_finite", "E741", "no JSON: nan and infinite numbers have no form in it"),
        ("lazy", "E741", "it returned a `LazyFrame`, not a `polars.DataFrame`; call `collect()`"),
        ("no_columns", "E741", "it has none of the columns"),
    ],
)
def test_failures(function: str, code: str, words: str, folder: Folder) -> None:
    result = run(folder, made(function, {"n": "int64"}))
    (fault,) = result.faults
    assert (result.status, fault.code.id, fault.pointer) == ("failed", code, ("source", "python"))
    assert words in fault.message
    assert not (folder.base / "out.parquet").exists()


@pytest.mark.parametrize("function", ["one_mapping", "one_frame"])
def test_what_is_returned_alone(function: str, folder: Folder) -> None:
    result = run(folder, made(function, {"n": "int64"}))
    assert (result.status, result.counts.read) == ("succeeded", 1), result.faults
    assert read(folder) == [(1,)]


def test_nothing_at_all(folder: Folder) -> None:
    assert run(folder, made("nothing", {"n": "int64"})).status == "succeeded"
    assert pl.read_parquet(folder.base / "out.parquet").columns == ["n"]


def test_it_is_ended_where_no_more_is_needed(folder: Folder) -> None:
    result = run(folder, made("endless", {"n": "int64"}), op("limit", 30_000))
    assert (result.status, result.counts.written) == ("succeeded", 30_000)


def test_it_can_be_cancelled_while_it_is_waited_for(folder: Folder) -> None:
    asked = iter([False] * 5)
    source, sink = made("hangs", {"n": "int64"}), op("csv", "out.csv")
    result = folder.run(source, sink=sink, cancelled=lambda: next(asked, True))
    assert result.status == "cancelled"


@pytest.mark.parametrize("split", [700, 1 << 24])
def test_the_cut_depends_on_the_records_alone(split: int, folder: Folder) -> None:
    folder = replace(folder, split_bytes=split)
    columns = {"n": "int64", "day": "date"}
    written = set()
    for workers in (1, 4):
        result = replace(folder, workers=workers).run(
            made("mappings", columns, most=5000),
            op("aggregate", [["rows", "count(*)"], ["sum", "sum(n / 3)"]], by=[["day", "day"]]),
            sink=op("parquet", "out.parquet"),
        )
        assert result.counts.read == 5000
        written.add((folder.base / "out.parquet").read_bytes())
    assert len(written) == 1


def _faults(folder: Folder, arguments: dict[str, Any]) -> list[Fault]:
    where = replace(situation(), folders=Folders(folder.base, folder.base))
    return [*COMPONENT.rule({"columns": {"n": "int64"}, **arguments}, where).faults]


@pytest.mark.parametrize(
    ("arguments", "code", "pointer"),
    [
        ({"python": "made:mapings"}, "E451", ("python",)),
        ({"python": "mad:mappings"}, "E450", ("python",)),
        ({"python": "made:mappings", "with": {"moast": 3}}, "E453", ("with", "moast")),
        ({"python": "made:takes", "with": {"most": 3}}, "E453", ("python",)),
        ({"python": "made:mappings", "columns": {"n": "binary"}}, "E606", ("columns", "n")),
    ],
)
def test_what_is_wrong(
    arguments: dict[str, Any], code: str, pointer: tuple[str, ...], folder: Folder
) -> None:
    (fault,) = _faults(folder, arguments)
    assert (fault.code.id, fault.pointer) == (code, pointer)


def test_a_trace_stays_small_and_tells_where() -> None:
    trace = Trace()
    for number in range(10_000):
        trace = trace.behind(b"%d" % number, 7)
    assert (trace.records, trace.splits) == (70_000, 10_000)
    assert 32 <= len(trace.marks) <= 64
    ends = [records for records, _ in trace.marks]
    gaps = {later - earlier for earlier, later in pairwise(ends)}
    assert gaps == {7 * trace.every}
    assert trace.marks[0][0] == 7 * trace.every


FLOW = """\
flowctl: 1
name: yielded
steps:
  a:
    source: {python: changing:numbers, columns: {n: int64}}
    transforms: [{filter: 1 // (n - 24999) <= 0, on_error: skip}]
    sink: {csv: out.csv}
"""
CHANGING = """
from pathlib import Path

def numbers():
    last, other = map(int, Path("state.txt").read_text().split())
    for n in range(30_000):
        if n == last:
            break
        yield {"n": -n if n == other else n}
"""


def _killed_at(rows: int) -> None:
    """Begins the flow of the working folder, and kills it behind so many records."""
    program = [sys.executable, "-W", "ignore", "-m", "tests.crash.stopping", str(rows)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipe = subprocess.PIPE
    with subprocess.Popen(program, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        process.kill()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("-1 3", "yields other records than before, the first of them among 1 to "),
        ("9000 -1", "has ended behind record 9,000, but "),
        ("-1 29999", ""),
    ],
)
def test_another_yield_is_refused(
    change: str,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What comes behind the checkpoint may be another."""
    monkeypatch.chdir(tmp_path)
    Path("flow.yaml").write_text(FLOW)
    Path("changing.py").write_text(CHANGING)
    Path("state.txt").write_text("-1 -1")
    _killed_at(15_000)
    assert main(["checkpoint", "show", "flow.yaml"]) == 0
    assert re.search(r"record 1\d,\d{3}  +1\d,\d{3}", capsys.readouterr().out)
    Path("state.txt").write_text(change)
    assert main(["run", "flow.yaml"]) == (4 if words else 0)
    told = capsys.readouterr().err
    assert words in told
    if words:
        assert "flow.yaml:5:22: error[E731]" in told
        Path("state.txt").write_text("-1 -1")
        assert main(["run", "flow.yaml"]) == 0
    lines = Path("out.csv").read_text().splitlines()
    assert len(lines) == 1 + 30_000 - 2  # one is skipped, one filtered
    assert lines[-1] == ("29999" if words else "-29999")
