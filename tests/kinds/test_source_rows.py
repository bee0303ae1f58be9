"""`source: {rows}`: a table in the workflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowctl.component import Situation, Typed
from flowctl.expressions.scope import Scope
from flowctl.files.paths import DataFiles
from flowctl.kinds.sources.rows import COMPONENT
from flowctl.syntax.node import Json
from tests.streams.running import Folder, op

ROWS: Json = [{"code": "UA", "n": 1}, {"n": 2.5, "since": "1926-04-06"}]


def typed(argument: Json, **options: Json) -> Typed:
    return COMPONENT.rule({"rows": argument, **options}, Situation(Scope(), DataFiles(Path())))


def test_types_are_those_of_the_values() -> None:
    assert list(map(str, typed(ROWS).schema)) == ["code: string?", "n: float64?", "since: date?"]
    assert not typed(ROWS).observed.columns


def test_declared_columns_come_first() -> None:
    answer = typed(ROWS, columns={"since": "string?", "extra": "int8?"})
    assert answer.schema.names == ["since", "extra", "code", "n"]
    assert answer.arguments["columns"] == [["since", "string?"], ["extra", "int8?"]]


def test_rows_leave_in_order(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    derived = op("derive", [["at", "source_line()"]])
    assert folder.run(op("rows", ROWS), derived, sink=op("csv", "o.csv")).counts.read == 2
    assert folder.read("o.csv") == "code,n,since,at\nUA,1.0,,1\n,2.5,1926-04-06,2\n"


def test_no_rows(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    result = folder.run(op("rows", [], columns={"a": "int8"}), sink=op("csv", "o.csv"))
    assert (result.status, folder.read("o.csv")) == ("succeeded", "a\n")


@pytest.mark.parametrize(
    ("row", "message"),
    [({"a": "x"}, 'rows:2: column `a`: `"x"` is no int8'), ({}, "rows:2: column `a` is empty")],
)
def test_rows_at_fault(tmp_path: Path, row: Json, message: str) -> None:
    source = op("rows", [{"a": 1}, row], columns={"a": "int8"})
    result = Folder(tmp_path).run(source, sink=op("csv", "o.csv"))
    assert result.faults[0].message.startswith(message)
