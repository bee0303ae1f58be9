"""`source: {parquet}`: row groups, columns in any order, damage."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

from flowctl.component import Situation
from flowctl.expressions.scope import Scope
from flowctl.files.footers import row_groups
from flowctl.files.paths import DataFiles
from flowctl.kinds.sources.parquet import COMPONENT
from tests.streams.running import Folder, op


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path, split_bytes=1)


EVERY_TYPE = pl.DataFrame(
    {
        "i": pl.Series([1, None, -3], dtype=pl.Int16),
        "u": pl.Series([1, 2**64 - 1, None], dtype=pl.UInt64),
        "f": [1.5, float("nan"), None],
        "g": pl.Series([1.5, None, float("inf")], dtype=pl.Float32),
        "b": [True, None, False],
        "s": ["", None, "é"],
        "y": [b"\x00\xff", None, b""],
        "c": pl.Series([Decimal("1.25"), None, Decimal("-0.01")], dtype=pl.Decimal(10, 2)),
        "d": [dt.date(2024, 1, 31), None, dt.date(1, 1, 1)],
        "t": [dt.time(12, 30, 0, 1), None, dt.time(0)],
        "m": pl.Series([dt.datetime(2024, 1, 31, 12), None, None], dtype=pl.Datetime("us")),  # noqa: DTZ001
        "z": pl.Series([dt.datetime(2024, 1, 31, 12), None, None], dtype=pl.Datetime("us", "UTC")),  # noqa: DTZ001
        "l": [[1, None], None, []],
        "o": [{"x": 1, "y": ["a"]}, {"x": None, "y": None}, {"x": 2, "y": []}],
        "e": pl.Series([dt.timedelta(seconds=1), None, dt.timedelta(0)], dtype=pl.Duration("us")),
    }
)


def test_every_type_comes_through(folder: Folder) -> None:
    EVERY_TYPE.write_parquet(folder.base / "in.parquet")
    result = folder.run(op("parquet", "in.parquet"), sink=op("parquet", "out.parquet"))
    assert result.status == "succeeded", result.faults
    assert_frame_equal(pl.read_parquet(folder.base / "out.parquet"), EVERY_TYPE)


@pytest.mark.parametrize("split_bytes", [1, 20_000, 1 << 24])
def test_row_groups_become_splits(folder: Folder, split_bytes: int) -> None:
    frame = pl.DataFrame({"a": range(10_000), "b": [f"x{n}" for n in range(10_000)]})
    pq.write_table(frame.to_arrow(), folder.base / "in.parquet", row_group_size=1024)
    assert len(row_groups(folder.base / "in.parquet", "in.parquet")) == 10
    found = Folder(folder.base, split_bytes=split_bytes).run(
        op("parquet", "in.parquet"),
        op("filter", "a % 7 = 0"),
        op("derive", [["n", "source_line()"], ["f", "source_file()"]]),
        sink=op("parquet", "out.parquet"),
    )
    assert (found.counts.read, found.counts.written) == (10_000, 1429)
    out = pl.read_parquet(folder.base / "out.parquet")
    assert (out["n"] == out["a"] + 1).all()
    assert out["f"].unique().to_list() == ["in.parquet"]


def test_other_units_are_read_as_microseconds(folder: Folder) -> None:
    moments = pa.array([dt.datetime(2024, 1, 31, 12)], pa.timestamp("ns"))  # noqa: DTZ001
    pq.write_table(pa.table({"t": moments}), folder.base / "in.parquet")
    result = folder.run(op("parquet", "in.parquet"), sink=op("parquet", "out.parquet"))
    assert result.status == "succeeded", result.faults
    assert pl.read_parquet_schema(folder.base / "out.parquet")["t"] == pl.Datetime("us")


def test_files_with_columns_in_another_order(folder: Folder) -> None:
    pl.DataFrame({"a": [1], "b": ["x"]}).write_parquet(folder.base / "1.parquet")
    pl.DataFrame({"b": ["y"], "a": [2]}).write_parquet(folder.base / "2.parquet")
    folder.run(op("parquet", "*.parquet"), sink=op("csv", "out.csv"))
    assert folder.read("out.csv") == "a,b\n1,x\n2,y\n"


def test_files_that_differ(folder: Folder) -> None:
    pl.DataFrame({"a": [1], "b": ["x"]}).write_parquet(folder.base / "1.parquet")
    pl.DataFrame({"b": ["y"], "a": ["x"]}).write_parquet(folder.base / "2.parquet")
    result = folder.run(op("parquet", "*.parquet"), sink=op("csv", "out.csv"))
    assert [fault.message for fault in result.faults] == [
        "`2.parquet`: column `a` is string, but int64 elsewhere"
    ]


@pytest.mark.parametrize("keep", [0, 3, 100, -1])
def test_files_that_are_damaged(folder: Folder, keep: int) -> None:
    EVERY_TYPE.write_parquet(folder.base / "whole.parquet")
    whole = (folder.base / "whole.parquet").read_bytes()
    folder.write("in.parquet", whole[:keep])
    result = folder.run(op("parquet", "in.parquet"), sink=op("csv", "out.csv"))
    assert result.status == "failed"
    assert "no whole Parquet file" in result.faults[0].message


def test_damage_inside_a_row_group(folder: Folder) -> None:
    frame = pl.DataFrame({"a": [f"text {n}" for n in range(5_000)]})
    frame.write_parquet(folder.base / "in.parquet", compression="zstd")
    data = bytearray((folder.base / "in.parquet").read_bytes())
    data[200:1200] = bytes(1000)
    folder.write("in.parquet", bytes(data))
    result = folder.run(op("parquet", "in.parquet"), sink=op("ndjson", "out.ndjson"))
    assert result.status == "failed"
    assert "is damaged" in result.faults[0].message


def test_no_file_yet(folder: Folder) -> None:
    answer = COMPONENT.rule({"parquet": "x.parquet"}, Situation(Scope(), DataFiles(folder.base)))
    assert answer.schema.open
    assert answer.missing == ("no file matches `x.parquet`",)
