"""`sink: {arrow}`: one Arrow file, put together from batches."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest
from pyarrow import ipc

from flowctl.files.arrowwriting import ArrowWriter
from flowctl.records import Schema
from tests.kinds.test_source_parquet import EVERY_TYPE
from tests.streams.running import Folder, op


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
def test_every_type_comes_back(tmp_path: Path, compression: str) -> None:
    EVERY_TYPE.write_parquet(tmp_path / "in.parquet")
    sink = op("arrow", "out.arrow", compression=compression)
    result = Folder(tmp_path).run(op("parquet", "in.parquet"), sink=sink)
    assert result.status == "succeeded", result.faults
    read = pl.read_parquet(tmp_path / "in.parquet")
    assert pl.read_ipc(tmp_path / "out.arrow").equals(read)
    assert pl.scan_ipc(tmp_path / "out.arrow").collect().equals(read)
    table = ipc.open_file(tmp_path / "out.arrow").read_all()
    table.validate(full=True)
    assert pl.DataFrame(pl.from_arrow(table)).equals(read)


@pytest.mark.parametrize("cuts", [(), (0,), (1, 2, 40), (7, 7, 50)])
def test_batches_stand_one_behind_the_other(cuts: tuple[int, ...]) -> None:
    """As a file, and behind the magic as a stream; pyarrow judges both."""
    frame = pl.DataFrame({"n": range(60), "t": [f"text {n}" * (n % 4) for n in range(60)]})
    writer = ArrowWriter(Schema.of({"n": "int64", "t": "string?"}))
    whole, footers = writer.begin(), []
    places = [0, *cuts, 60] if cuts else []
    for start, end in pairwise(places):
        part = writer.encode(frame.slice(start, end - start))
        footers.append((len(whole), part.footer))
        whole += part.body
    whole += writer.finish(footers)
    expected = frame if cuts else frame.clear()
    assert pl.read_ipc(io.BytesIO(whole)).equals(expected)
    file = ipc.open_file(pa.BufferReader(whole))
    assert file.num_record_batches == len({*places}) - bool(cuts)
    table = file.read_all()
    assert pl.DataFrame(pl.from_arrow(table)).equals(expected)
    assert ipc.open_stream(pa.BufferReader(whole[8:])).read_all().equals(table)


def test_records_are_gathered(tmp_path: Path) -> None:
    folder = Folder(tmp_path, split_bytes=50)
    folder.write("in.csv", "n\n" + "".join(f"{n}\n" for n in range(500)))
    folder.run(op("csv", "in.csv"), sink=op("arrow", "out.arrow"))
    assert ipc.open_file(tmp_path / "out.arrow").num_record_batches == 1
    folder.run(op("csv", "in.csv"), op("filter", "n < 0"), sink=op("arrow", "none.arrow"))
    assert pl.read_ipc(tmp_path / "none.arrow").equals(pl.DataFrame(schema={"n": pl.Int64}))
