"""`sink: {json}`: one JSON array, valid wherever it is cut and gone on with."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import duckdb
import pytest

from flowctl.component import Situation
from flowctl.expressions.scope import Scope
from flowctl.files.paths import DataFiles
from flowctl.kinds.sinks.json import COMPONENT
from flowctl.records import Schema
from tests.kinds.test_source_parquet import EVERY_TYPE
from tests.streams.running import Folder, op


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path, split_bytes=30)
    made.write("in.csv", "n,t\n" + "".join(f'{n},"a\n,{n}"\n' for n in range(50)))
    return made


def test_the_same_objects_as_ndjson(folder: Folder) -> None:
    EVERY_TYPE.drop("y", "e").write_parquet(folder.base / "in.parquet")
    folder.run(op("parquet", "in.parquet"), sink=(op("json", "o.json"), op("ndjson", "o.ndjson")))
    lines = [json.loads(line) for line in folder.read("o.ndjson").splitlines()]
    assert json.loads(folder.read("o.json")) == lines


def test_an_object_a_line_from_many_splits(folder: Folder) -> None:
    result = folder.run(op("csv", "in.csv"), sink=(op("json", "o.json"), op("json", "o.json.gz")))
    assert result.counts.written == 50
    text = folder.read("o.json")
    assert json.loads(text) == [{"n": n, "t": f"a\n,{n}"} for n in range(50)]
    assert text.count("\n") == 50
    assert gzip.decompress((folder.base / "o.json.gz").read_bytes()).decode() == text
    query = duckdb.sql(f"select sum(n) from read_json('{folder.base}/o.json')")
    assert query is not None
    assert query.fetchall() == [(1225,)]


@pytest.mark.parametrize("path", ["o.json", "o/"])
def test_no_records_make_an_empty_array(folder: Folder, path: str) -> None:
    folder.run(op("csv", "in.csv"), op("filter", "n < 0"), sink=op("json", path))
    assert folder.read(path if path.endswith("json") else "o/part-00000.json") == "[]\n"


def test_an_array_in_each_partition(folder: Folder) -> None:
    derive = op("derive", [["k", "n % 2"]])
    folder.run(op("csv", "in.csv"), derive, sink=op("json", "o/", partition_by=["k"]))
    found = json.loads(folder.read("o/k=1/part-00000.json"))
    assert [record["n"] for record in found] == list(range(1, 50, 2))


@pytest.mark.parametrize("kind", ["binary", "duration"])
def test_types_that_json_cannot_hold(kind: str) -> None:
    situation = Situation(Scope(), DataFiles(Path()))
    (fault,) = COMPONENT.rule({"json": "o"}, Schema.of({"a": kind}), situation).faults
    assert fault.message == f"column `a` is {kind}, which JSON cannot hold"
