"""`sink: {text}`: one column as lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from flowctl.component import Situation
from flowctl.expressions.scope import Scope
from flowctl.files.paths import DataFiles
from flowctl.kinds.sinks.text import COMPONENT
from flowctl.records import UNKNOWN_SCHEMA, Schema
from tests.streams.running import Folder, op


def test_lines(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.run(op("rows", [{"a": "x"}, {"a": None}, {"a": "é,"}]), sink=op("text", "o.txt"))
    assert folder.read("o.txt") == "x\n\né,\n"


@pytest.mark.parametrize(
    ("types", "message"),
    [
        ({"a": "string", "b": "string"}, "text holds one column, but there are 2"),
        ({"a": "int8"}, "text holds a column of text, but `a: int8` is none"),
    ],
)
def test_other_columns(types: dict[str, str], message: str) -> None:
    situation = Situation(Scope(), DataFiles(Path()))
    (fault,) = COMPONENT.rule({"text": "o"}, Schema.of(types), situation).faults
    assert fault.message == message
    assert not COMPONENT.rule({"text": "o"}, UNKNOWN_SCHEMA, situation).faults
