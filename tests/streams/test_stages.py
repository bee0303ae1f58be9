"""Streams that go through blocking transforms: what is written, and what becomes of each record."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from flowctl.interpreter.counts import Counts
from tests import duck
from tests.streams.running import Folder, op

LINES = "".join(f"{n},{'abcdefg'[n % 7]},{n * 37 % 1000 / 8}\n" for n in range(5000))
SUMS = op("aggregate", [["n", "count(*)"], ["total", "sum(x)"]], by=["k"])


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path, split_bytes=500)
    folder.write("in.csv", "i,k,x\n" + LINES)
    return folder


def judged(folder: Folder, query: str) -> list[tuple[object, ...]]:
    connection = duck.connect()
    found = connection.execute(query.replace("rows", f"'{folder.base}/in.csv'"))
    return found.fetchall()


def test_groups_are_written_in_the_order_of_their_keys(folder: Folder) -> None:
    result = folder.run(
        op("csv", "in.csv"), op("filter", "i >= 100"), SUMS, sink=op("parquet", "out.parquet")
    )
    assert result.faults == ()
    assert result.counts == Counts(read=5000, written=7, filtered=100, absorbed=4893)
    query = "select k, count(*), sum(x) from rows where i >= 100 group by k order by k"
    assert pl.read_parquet(folder.base / "out.parquet").rows() == judged(folder, query)


def test_stages_follow_each_other(folder: Folder) -> None:
    result = folder.run(
        op("csv", "in.csv"),
        op("dedupe", ["x"], keep="last"),
        op("sort", ["-x"]),
        op("limit", 50),
        SUMS,
        op("filter", "n > 6"),
        op("sort", ["-total"]),
        op("derive", [["twice", "total * 2"]]),
        sink=op("csv", "out.csv"),
    )
    assert result.faults == ()
    query = """
        with last as (
            select * from rows qualify row_number() over (partition by x order by i desc) = 1
        ),
        top as (select * from last order by x desc limit 50)
        select k, count(*) as n, sum(x) as total, total * 2 as twice from top group by k
        having n > 6 order by total desc"""
    expected = judged(folder, query)
    assert pl.read_csv(folder.base / "out.csv").rows() == expected
    assert result.counts.written == len(expected)
    assert result.counts.read == 5000


@pytest.mark.parametrize("empty", ["", "i,k,x\n"])
def test_nothing_is_one_group(folder: Folder, empty: str) -> None:
    folder.write("in.csv", "i,k,x\n")
    count = op("aggregate", [["n", "count(*)"]])
    source = op("csv", "in.csv", columns=[["i", "int64"], ["k", "string"], ["x", "float64"]])
    result = folder.run(source, count, sink=op("csv", "out.csv"))
    assert result.faults == ()
    assert folder.read("out.csv") == "n\n0\n"
    assert result.counts == Counts(made=1, written=1)


@pytest.mark.parametrize(("workers", "memory"), [(1, 1 << 32), (4, 1 << 32), (2, 1 << 12)])
def test_workers_and_memory_change_nothing(folder: Folder, workers: int, memory: int) -> None:
    transforms = (op("sort", ["k", "-x"]), op("dedupe", ["k", "x"]), op("sort", ["x"]))
    sink = (op("parquet", "a.parquet"), op("ndjson", "a.ndjson"))
    folder.run(op("csv", "in.csv"), *transforms, sink=sink)
    first = [(folder.base / name).read_bytes() for name in ("a.parquet", "a.ndjson")]
    other = Folder(folder.base, workers, 500, memory)
    assert other.run(op("csv", "in.csv"), *transforms, sink=sink).faults == ()
    assert [(folder.base / name).read_bytes() for name in ("a.parquet", "a.ndjson")] == first


def test_faults_before_within_and_behind_a_boundary(folder: Folder) -> None:
    result = folder.run(
        op("csv", "in.csv"),
        op("derive", [["y", "10 // (i - 3)"]], "reject"),
        op("aggregate", [["s", "sum(100 // (i - 5))"], ["n", "count(*)"]], "reject", by=["k"]),
        op("derive", [["z", "1 // (n - 714)"]], "reject"),
        sink=op("csv", "out.csv"),
        rejects=op("ndjson", "rejects.ndjson"),
    )
    assert result.faults == ()
    rejects = [json.loads(line) for line in folder.read("rejects.ndjson").splitlines()]
    places = [(one["line"], one["transform"]) for one in rejects]
    assert places[:2] == [(5, "transforms/0/derive"), (7, "transforms/1/aggregate")]
    assert {one["transform"] for one in rejects[2:]} == {"transforms/2/derive"}
    assert all(one["file"] == "" and one["line"] is None for one in rejects[2:])
    assert json.loads(rejects[2]["record"])["n"] == 714
    assert result.counts.rejected == len(rejects)


def test_a_result_that_does_not_fit_ends_the_run_and_names_it(folder: Folder) -> None:
    result = folder.run(
        op("csv", "in.csv"),
        op("aggregate", [["s", f"sum(i + {2**62})"]]),
        sink=op("csv", "out.csv"),
    )
    assert result.status == "failed"
    (fault,) = result.faults
    assert fault.pointer == ("transforms", 0, "aggregate", "s")
    assert not (folder.base / "out.csv").exists()


def test_records_have_no_line_behind_a_boundary(folder: Folder) -> None:
    lines = op("derive", [["line", "source_line()"]])
    before = folder.run(op("csv", "in.csv"), lines, op("sort", ["-i"]), sink=op("csv", "out.csv"))
    assert before.faults == ()
    assert folder.read("out.csv").splitlines()[1].endswith(",5001")
    behind = folder.run(op("csv", "in.csv"), op("sort", ["-i"]), lines, sink=op("csv", "out.csv"))
    assert [fault.code.id for fault in behind.faults] == ["E513"]


def test_cancelling_leaves_nothing_behind(folder: Folder, tmp_path: Path) -> None:
    asked = iter([False] * 20)
    result = folder.run(
        op("csv", "in.csv"),
        op("sort", ["x"]),
        sink=op("csv", "out.csv"),
        cancelled=lambda: next(asked, True),
    )
    assert result.status == "cancelled"
    assert not (folder.base / "out.csv").exists()


def test_faults_of_multiplied_records_are_told_of_their_home(folder: Folder) -> None:
    lines = [json.dumps({"n": n, "l": [1, n % 3, 2] if n % 4 else []}) for n in range(60)]
    folder.write("in.ndjson", "\n".join(lines) + "\n")
    result = folder.run(
        op("ndjson", "in.ndjson"),
        op("explode", "l"),
        op("derive", [["y", "10 // l"]], "reject"),
        op("filter", "l = 1 or n > 3"),
        sink=op("ndjson", "out.ndjson"),
        rejects=op("ndjson", "rejects.ndjson"),
    )
    assert result.faults == ()
    wrong = [n for n in range(60) if n % 4 and n % 3 == 0]
    rejects = [json.loads(line) for line in folder.read("rejects.ndjson").splitlines()]
    assert [one["line"] for one in rejects] == [n + 1 for n in wrong]
    assert [json.loads(one["record"])["n"] for one in rejects] == wrong
    assert result.counts.rejected == len(wrong)
    assert result.counts.made > 0 < result.counts.filtered
