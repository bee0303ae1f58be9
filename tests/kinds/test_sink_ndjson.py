"""`sink: {ndjson}`: one JSON object a line."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from flowctl.component import Situation
from flowctl.expressions.scope import Scope
from flowctl.files.paths import DataFiles
from flowctl.kinds.sinks.ndjson import COMPONENT
from flowctl.records import Schema
from tests.kinds.test_source_parquet import EVERY_TYPE
from tests.streams.running import Folder, op


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
    assert third["g"] is None
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
