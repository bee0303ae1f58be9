"""`sink: {stdout}`: records as they come."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from flowctl.component import Situation
from flowctl.expressions.scope import Scope
from flowctl.files.paths import DataFiles
from flowctl.kinds.sinks.stdout import COMPONENT
from flowctl.records import Schema
from flowctl.syntax.node import Json
from tests.streams.running import Folder, op

ROWS: Json = [{"a": 1, "b": "x"}, {"a": None, "b": ""}]


@pytest.mark.parametrize(
    ("form", "text"),
    [("csv", 'a,b\n1,x\n,""\n'), ("ndjson", '{"a":1,"b":"x"}\n{"a":null,"b":""}\n')],
)
def test_formats(tmp_path: Path, form: str, text: str) -> None:
    out = io.BytesIO()
    result = Folder(tmp_path).run(op("rows", ROWS), sink=op("stdout", form), stdout=out)
    assert (out.getvalue().decode(), result.sinks) == (text, ())


class Closed(io.RawIOBase):
    """A pipe whose reader has gone."""

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        raise BrokenPipeError(32, "Broken pipe")


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    sinks = (op("stdout", "csv"), op("csv", "o.csv"))
    result = Folder(tmp_path).run(op("rows", ROWS), sink=sinks, stdout=Closed())  # type: ignore[arg-type]
    assert result.status == "failed"
    assert result.faults[0].message == "cannot write `standard output`: broken pipe"
    assert not (tmp_path / "o.csv").exists()


def test_types_that_csv_cannot_hold() -> None:
    situation = Situation(Scope(), DataFiles(Path()))
    schema = Schema.of({"a": "list<int8>"})
    (fault,) = COMPONENT.rule({"stdout": "csv"}, schema, situation).faults
    assert fault.pointer == ("stdout",)
    assert not COMPONENT.rule({"stdout": "ndjson"}, schema, situation).faults
