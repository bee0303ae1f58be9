"""`sink: {csv}`: what is written is read back as it was."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import tempfile
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from flowctl.component import Situation
from flowctl.expressions.scope import Scope
from flowctl.files.paths import DataFiles
from flowctl.kinds.sinks.csv import COMPONENT
from flowctl.records import Schema
from flowctl.syntax.node import Json
from tests.streams.running import Folder, op

TEXT = st.none() | st.text(alphabet="ab,;\"\n\r 'é#", max_size=5)


@settings(deadline=None, max_examples=80)
@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8), st.sampled_from([",", ";", "\t"]))
def test_text_and_nulls_come_back(rows: list[tuple[str | None, str | None]], mark: str) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Folder(Path(place))
        table: Json = [{"a,b": first, "c": second} for first, second in rows]
        columns: Json = {"a,b": "string?", "c": "string?"}
        folder.run(op("rows", table, columns=columns), sink=op("csv", "o.csv", delimiter=mark))
        written = folder.read("o.csv")
        found = list(csv.reader(io.StringIO(written, newline=""), delimiter=mark, strict=True))
        assert found == [["a,b", "c"], *([first or "", second or ""] for first, second in rows)]
        source = op("csv", "o.csv", delimiter=mark, columns=columns)
        folder.run(source, sink=op("parquet", "o.parquet"))
        assert pl.read_parquet(folder.base / "o.parquet").rows() == rows


def test_every_type_of_text_comes_back(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "i": pl.Series([1, None, -(2**63)], dtype=pl.Int64),
            "u": pl.Series([1, 2**64 - 1, None], dtype=pl.UInt64),
            "f": [0.1, 1e300, None],
            "g": pl.Series([0.1, None, float("-inf")], dtype=pl.Float32),
            "b": [True, None, False],
            "c": pl.Series([Decimal("1.20"), None, Decimal("-0.01")], dtype=pl.Decimal(10, 2)),
            "d": [dt.date(2024, 1, 31), None, dt.date(1, 1, 1)],
            "t": [dt.time(12, 30, 0, 1), None, dt.time(0)],
            "m": pl.Series([dt.datetime(2024, 1, 31, 12, 0, 0, 5), None, None]),  # noqa: DTZ001
            "z": pl.Series([dt.datetime(2024, 3, 31, 1), None, None]).dt.replace_time_zone("UTC"),  # noqa: DTZ001
        }
    ).with_columns(pl.col("z").dt.convert_time_zone("Europe/Berlin").alias("y"))
    frame.write_parquet(tmp_path / "in.parquet")
    folder = Folder(tmp_path)
    folder.run(op("parquet", "in.parquet"), sink=op("csv", "o.csv"))
    types: Json = {
        "i": "int64?", "u": "uint64?", "f": "float64?", "g": "float32?", "b": "boolean?",
        "c": "decimal(10,2)?", "d": "date?", "t": "time?", "m": "datetime?", "z": "datetime(UTC)?",
        "y": "datetime(Europe/Berlin)?",
    }  # fmt: skip
    result = folder.run(op("csv", "o.csv", columns=types), sink=op("parquet", "out.parquet"))
    assert result.status == "succeeded", result.faults
    assert_frame_equal(pl.read_parquet(tmp_path / "out.parquet"), frame)


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst", ".bz2", ".xz"])
def test_compression_goes_by_the_name(tmp_path: Path, suffix: str) -> None:
    folder = Folder(tmp_path, split_bytes=40)
    folder.write("in.csv", "a,b\n" + "".join(f"{n},x{n}\n" for n in range(500)))
    for workers in (1, 3):
        moved = Folder(tmp_path, workers, 40)
        moved.run(op("csv", "in.csv"), sink=op("csv", f"{workers}.csv{suffix}"))
    once, again = ((tmp_path / f"{n}.csv{suffix}").read_bytes() for n in (1, 3))
    assert once == again
    match suffix:
        case ".gz":
            assert gzip.decompress(once).decode() == folder.read("in.csv")
        case ".zst":
            whole = zstandard.ZstdDecompressor().stream_reader(once, read_across_frames=True)
            assert whole.read().decode() == folder.read("in.csv")
    folder.run(op("csv", f"1.csv{suffix}"), sink=op("csv", "back.csv"))
    assert folder.read("back.csv") == folder.read("in.csv")


def test_no_header(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.run(op("rows", [{"a": 1}]), sink=op("csv", "deep/o.csv", header=False))
    assert folder.read("deep/o.csv") == "1\n"


@pytest.mark.parametrize("kind", ["list<int8>", "struct<a: int8>", "binary", "duration"])
def test_types_that_text_cannot_hold(tmp_path: Path, kind: str) -> None:
    situation = Situation(Scope(), DataFiles(tmp_path))
    (fault,) = COMPONENT.rule({"csv": "o.csv"}, Schema.of({"a": kind}), situation).faults
    assert fault.message == f"column `a` is {kind}, which CSV cannot hold"
    assert fault.pointer == ("csv",)


def test_canonical_arguments(tmp_path: Path) -> None:
    situation = Situation(Scope(), DataFiles(tmp_path))
    said: dict[str, Json] = {"csv": "o.csv", "delimiter": ",", "header": True}
    assert COMPONENT.rule(said, Schema(), situation).arguments == {"csv": "o.csv"}
    (fault,) = COMPONENT.rule({"csv": "o.csv", "delimiter": ""}, Schema(), situation).faults
    assert fault.pointer == ("delimiter",)
