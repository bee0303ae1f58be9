"""`sink: {ndjson}`: one JSON object a line."""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path

import polars as pl
import pytest

from flowctl.component import Situation
from flowctl.expressions.scope import Scope
from flowctl.files.paths import DataFiles
from flowctl.kinds.sinks.ndjson import COMPONENT
from flowctl.records import Schema
from flowctl.syntax.node import Json
from tests.kinds.test_source_parquet import EVERY_TYPE
from tests.streams.running import Folder, op

KINDS = {"g": "float32", "f": "float64", "s": "string", "t": "date"}


def test_every_type_but_two_is_json(tmp_path: Path) -> None:
    EVERY_TYPE.drop("y", "e").write_parquet(tmp_path / "in.parquet")
    folder = Folder(tmp_path)
    folder.run(op("parquet", "in.parquet"), sink=op("ndjson", "o.ndjson"))
    first, second, third = map(json.loads, folder.read("o.ndjson").splitlines())
    assert first == {
        "i": 1, "u": 1, "f": 1.5, "g": 1.5, "b": True, "s": "", "c": "1.25", "d": "2024-01-31",
        "t": "12:30:00.000001", "m": "2024-01-31 12:00:00", "z": "2024-01-31T12:00:00+00:00",
        "l": [1, None], "o": {"x": 1, "y": ["a"]},
    }  # fmt: skip
    assert second["u"] == 2**64 - 1
    assert third["g"] == "Infinity"
    assert not any(isinstance(value, float) and math.isnan(value) for value in second.values())


@pytest.mark.parametrize("kind", ["binary", "duration", "list<binary>", "struct<a: duration>"])
def test_types_that_json_cannot_hold(kind: str) -> None:
    situation = Situation(Scope(), DataFiles(Path()))
    (fault,) = COMPONENT.rule({"ndjson": "o"}, Schema.of({"a": kind}), situation).faults
    assert fault.message == f"column `a` is {kind}, which NDJSON cannot hold"


def test_no_records_make_an_empty_file(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.run(op("rows", [], columns={"a": "int8"}), sink=op("ndjson", "o.ndjson"))
    assert folder.read("o.ndjson") == ""


def test_no_number_of_json_comes_back_as_it_was(tmp_path: Path) -> None:
    odd = [0.1, math.nan, None, math.inf, -math.inf, 1e-7]
    table = pl.DataFrame(
        {
            "g": pl.Series(odd, dtype=pl.Float32),
            "f": odd,
            "s": ["\u2028\n", "NaN", None, "Infinity", "é", ""],
            "t": [dt.date(2024, 1, 31)] * 6,
        }
    )
    table.write_parquet(tmp_path / "in.parquet")
    folder = Folder(tmp_path)
    folder.run(op("parquet", "in.parquet"), sink=op("ndjson", "o.ndjson"))
    columns: Json = {name: f"{kind}?" for name, kind in KINDS.items()}
    folder.run(op("ndjson", "o.ndjson", columns=columns), sink=op("parquet", "out.parquet"))
    found = pl.read_parquet(tmp_path / "out.parquet")
    assert found.select("f", "g", "s").equals(table.select("f", "g", "s"))
    assert found["t"].to_list() == table["t"].to_list()


def test_no_number_of_json_inside_lists_and_structs(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {
            "l": [[1.0, math.nan], None, [], [None, -math.inf]],
            "o": [{"x": [{"y": math.inf}]}, {"x": None}, {"x": []}, {"x": [{"y": None}]}],
            "i": [2**63 - 1] * 4,
        }
    )
    table.write_parquet(tmp_path / "in.parquet")
    folder = Folder(tmp_path)
    folder.run(op("parquet", "in.parquet"), sink=op("ndjson", "o.ndjson"))
    assert folder.read("o.ndjson").splitlines() == [
        '{"l":[1.0,"NaN"],"o":{"x":[{"y":"Infinity"}]},"i":9223372036854775807}',
        '{"l":null,"o":{"x":null},"i":9223372036854775807}',
        '{"l":[],"o":{"x":[]},"i":9223372036854775807}',
        '{"l":[null,"-Infinity"],"o":{"x":[{"y":null}]},"i":9223372036854775807}',
    ]
