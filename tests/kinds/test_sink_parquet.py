"""`sink: {parquet}`: one file that grows by row groups, whoever encodes them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

from flowctl.files.footers import row_groups, take_apart
from flowctl.files.thrift import decode, encode
from flowctl.syntax.node import Json
from tests.kinds.test_source_parquet import EVERY_TYPE
from tests.streams.running import Folder, op


def test_many_parts_are_one_file_for_every_reader(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": range(250_000)}).with_columns(
        b=pl.lit("x") + (pl.col("a") % 1000).cast(pl.String), c=pl.col("a") / 3
    )
    frame.write_csv(tmp_path / "in.csv")
    folder = Folder(tmp_path, split_bytes=300_000)
    result = folder.run(op("csv", "in.csv"), sink=op("parquet", "o.parquet"))
    assert result.counts.written == 250_000
    path = tmp_path / "o.parquet"
    sizes = [group.rows for group in row_groups(path, "o.parquet")]
    assert len(sizes) == 3
    assert all(size >= 100_000 for size in sizes[:-1])
    assert_frame_equal(pl.read_parquet(path), frame)
    assert pq.read_table(path).column("a").to_pylist() == frame["a"].to_list()
    query = f"select sum(a), count(distinct b) from '{path}'"
    assert duckdb.execute(query).fetchall() == [(frame["a"].sum(), 1000)]
    assert pl.scan_parquet(path).filter(pl.col("a") == 249_999).collect().height == 1


@pytest.mark.parametrize("compression", ["zstd", "snappy", "lz4", "gzip", "uncompressed"])
def test_compression(tmp_path: Path, compression: str) -> None:
    folder = Folder(tmp_path)
    sink = op("parquet", "o.parquet", compression=compression)
    folder.run(op("rows", [{"a": 1}]), sink=sink)
    codec = pq.read_metadata(tmp_path / "o.parquet").row_group(0).column(0).compression
    assert codec.lower() in (compression, "lz4_raw")


def test_no_records_still_make_a_file_of_those_types(tmp_path: Path) -> None:
    EVERY_TYPE.write_parquet(tmp_path / "in.parquet")
    folder = Folder(tmp_path)
    folder.run(op("parquet", "in.parquet"), op("filter", "false"), sink=op("parquet", "o.parquet"))
    assert_frame_equal(pl.read_parquet(tmp_path / "o.parquet"), EVERY_TYPE.clear())
    assert pq.read_table(tmp_path / "o.parquet").num_rows == 0
    query = f"select count(*) from '{tmp_path}/o.parquet'"
    assert duckdb.execute(query).fetchall() == [(0,)]


def test_workers_do_not_change_a_byte(tmp_path: Path) -> None:
    rows: Json = [{"a": n, "b": str(n)} for n in range(1000)]
    Folder(tmp_path).run(op("rows", rows), sink=op("ndjson", "in.ndjson"))
    for workers in (1, 2, 4):
        Folder(tmp_path, workers, 500).run(
            op("ndjson", "in.ndjson"),
            op("filter", "a % 3 > 0"),
            sink=op("parquet", f"{workers}.parquet"),
        )
    files = [(tmp_path / f"{workers}.parquet").read_bytes() for workers in (1, 2, 4)]
    assert files[0] == files[1] == files[2]


def test_a_footer_survives_being_read_and_written(tmp_path: Path) -> None:
    EVERY_TYPE.write_parquet(tmp_path / "in.parquet")
    _, footer = take_apart((tmp_path / "in.parquet").read_bytes())
    assert encode(decode(footer)) == footer
