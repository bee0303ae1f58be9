"""Only what is used of a source is read: also where records pass operators one after the other."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from flowctl.dataflow import RECORD, SOURCE_LINE
from flowctl.expressions.scope import Scope
from flowctl.interpreter.assembly import assemble
from flowctl.interpreter.calling import Callers
from flowctl.interpreter.sections import Opened, stages
from flowctl.operators import InOrder, Meeting
from flowctl.plan import Operation, Stream
from tests.streams.running import REGISTRY, Folder, op

COUNTS = op("aggregate", [["n", "count(*)"]], by=["k"])
ROWS = Operation("rows", {"rows": [{"k": 1, "name": "one"}]})
JOIN = Operation("join", {"join": None, "on": [["k", "k"]]}, inputs=(ROWS,))


class Held:
    """Further sources are held in memory; they have no record here."""

    def meet(self, meeting: Meeting, beside: Opened, boundary: int) -> InOrder:
        assert meeting.held is not None
        types = {"k": pl.Int64, "name": pl.String}
        return meeting.held(meeting.keep(pl.DataFrame(schema=types)))

    def follow(self, source: Opened) -> None:
        raise AssertionError("there is no union")


@pytest.mark.parametrize(
    ("transforms", "columns"),
    [
        ((op("limit", 5), op("select", ["x"])), ("x", RECORD)),
        ((op("limit", 5), COUNTS), ("k", RECORD)),
        ((op("sample", 0.5), op("filter", "i > 3"), op("select", ["x"])), ("i", "x", RECORD)),
        ((JOIN, op("select", ["name", "x"])), ("k", "x", RECORD)),
        ((JOIN, op("limit", 5), op("select", ["i", "k"])), ("i", "k", RECORD)),
        (
            (op("derive", [["all", "[i, i]"]]), op("explode", "all"), op("select", ["all", "x"])),
            ("i", "x", RECORD),
        ),
        (
            (op("unpivot", ["i", "x"], name="n", value="v"), op("select", ["n", "v"])),
            ("i", "x", RECORD),
        ),
        (
            (op("limit", 5), op("derive", [["line", "source_line()"]]), op("select", ["line"])),
            (SOURCE_LINE, RECORD),
        ),
    ],
)
def test_columns_that_are_read(
    tmp_path: Path, transforms: tuple[Operation, ...], columns: tuple[str, ...]
) -> None:
    Folder(tmp_path).write("in.csv", "i,k,x,t\n1,2,3,a\n")
    body = Stream(op("csv", "in.csv"), transforms, (op("csv", "out.csv"),))
    stream = assemble(body, Scope(), REGISTRY, Callers(tmp_path, {}, lambda stream, piece: None))
    (pipeline,) = stages(stream.source, stream.course, Held()).first
    assert set(pipeline.columns) == set(columns)
