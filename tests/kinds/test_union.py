"""`union`: one source behind the other, with the places of each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from flowctl.interpreter import beside
from flowctl.kinds.transforms.union import COMPONENT
from flowctl.plan import Operation
from flowctl.records import Schema
from tests.kinds.transforming import situation
from tests.streams.running import Folder, op


def union(*sources: Operation) -> Operation:
    return Operation("union", {}, inputs=sources)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path, split_bytes=500)
    folder.write("a.csv", "k,n\n" + "".join(f"a,{n}\n" for n in range(300)))
    folder.write("b.csv", "n,k\n" + "".join(f"{n}.5,b\n" for n in range(200)))
    folder.write("c.ndjson", "".join(f'{{"k": "c", "n": {n}}}\n' for n in range(100)))
    return folder


def test_one_behind_the_other(folder: Folder) -> None:
    result = folder.run(
        op("csv", "a.csv"),
        op("filter", "n < 250"),
        union(op("csv", "b.csv"), op("ndjson", "c.ndjson")),
        op("derive", [["line", "source_line()"], ["file", "source_file()"]]),
        sink=op("parquet", "out.parquet"),
    )
    assert result.status == "succeeded", result.faults
    a = [("a", float(n), n + 2, "a.csv") for n in range(250)]
    b = [("b", n + 0.5, n + 2, "b.csv") for n in range(200)]
    c = [("c", float(n), n + 1, "c.ndjson") for n in range(100)]
    assert pl.read_parquet(folder.base / "out.parquet").rows() == [*a, *b, *c]
    assert (result.counts.read, result.counts.filtered) == (600, 50)


def test_limits_before_and_behind(folder: Folder) -> None:
    """A limit before a union holds for the sources before it, one behind for all."""
    result = folder.run(
        op("csv", "a.csv"),
        op("limit", 3),
        union(op("csv", "b.csv")),
        op("limit", 6),
        union(op("csv", "a.csv", columns=[["n", "float64"]])),
        op("limit", 8),
        sink=op("csv", "out.csv"),
    )
    assert result.status == "succeeded", result.faults
    expected = "k,n\na,0.0\na,1.0\na,2.0\nb,0.5\nb,1.5\nb,2.5\na,0.0\na,1.0\n"
    assert folder.read("out.csv") == expected


def test_behind_what_blocks_and_before_it(folder: Folder) -> None:
    folder.run(
        op("csv", "a.csv"),
        op("aggregate", [["n", "count(*)"]], by=["k"]),
        union(op("ndjson", "c.ndjson")),
        op("aggregate", [["n", "count(*)"], ["total", "sum(n)"]], by=["k"]),
        sink=op("csv", "out.csv"),
    )
    assert folder.read("out.csv") == "k,n,total\na,1,300\nc,100,4950\n"


@pytest.mark.parametrize("most", [1 << 20, -1])
def test_faults_lead_to_the_right_source(
    most: int, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind a join, too, with its right side in memory or in files."""
    monkeypatch.setattr(beside, "HELD_MOST", most)
    right = Operation("join", {"on": [["k", "k"]]}, inputs=(op("rows", [{"k": "b"}, {"k": "c"}]),))
    result = folder.run(
        op("csv", "a.csv"),
        op("limit", 10),
        union(op("csv", "b.csv"), op("ndjson", "c.ndjson")),
        right,
        op("validate", "n not in (150.5, 50)", "reject"),
        sink=op("csv", "out.csv"),
        rejects=op("ndjson", "rejects.ndjson"),
    )
    assert result.status == "succeeded", result.faults
    rejects = pl.read_ndjson(folder.base / "rejects.ndjson")
    assert rejects.select("file", "line").rows() == [("b.csv", 152), ("c.ndjson", 51)]


def test_a_source_that_cannot_be_read(folder: Folder) -> None:
    (folder.base / "bad.csv").write_bytes(b'n,k\n1,"x\n')
    columns = [["n", "int64"], ["k", "string"]]
    sources = (op("csv", "b.csv"), op("csv", "bad.csv", columns=columns))
    result = folder.run(op("csv", "a.csv"), union(*sources), sink=op("csv", "out.csv"))
    assert result.status == "failed"
    assert result.faults[0].pointer[:3] == ("transforms", 0, "union")
    assert result.faults[0].pointer[3] == 1


def test_types_widen() -> None:
    stream = Schema.of({"a": "int32", "b": "string", "c": "int64"})
    other = Schema.of({"c": "float64?", "b": "string?", "a": "uint32"})
    answer = COMPONENT.rule({}, stream, replace(situation(), inputs=(other,)))
    assert not answer.faults
    assert [str(column) for column in answer.schema] == ["a: int64", "b: string?", "c: float64?"]


def test_what_does_not_fit_is_told_of_the_source() -> None:
    stream = Schema.of({"a": "int64", "b": "string"})
    fits, other = stream, Schema.of({"a": "uint64", "x": "string"})
    answer = COMPONENT.rule({}, stream, replace(situation(), inputs=(fits, other)))
    assert [(fault.code.id, fault.pointer) for fault in answer.faults] == [
        ("E441", ("union", 1)),
        ("E441", ("union", 1)),
        ("E442", ("union", 1)),
    ]
