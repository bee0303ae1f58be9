"""`source: {arrow}`: files and streams, record batches, dictionaries, damage."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path
from typing import Literal, TypeAlias

import polars as pl
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.ipc as ipc
import pytest
from polars.testing import assert_frame_equal

from flowctl.component import Situation
from flowctl.expressions.scope import Scope
from flowctl.files.arrowframes import find_frames
from flowctl.files.paths import DataFile, DataFiles
from flowctl.kinds.sources.arrow import COMPONENT
from tests.kinds.test_source_parquet import EVERY_TYPE
from tests.streams.running import Folder, op

Compression: TypeAlias = Literal["uncompressed", "lz4", "zstd"]
TABLE = pa.table(
    {
        "n": pa.array(range(1000), pa.int32()),
        "s": [f"text {n}" if n % 7 else None for n in range(1000)],
        "d": pa.array([f"d{n % 3}" for n in range(1000)]).dictionary_encode(),
        "t": pa.array([dt.datetime(2024, 1, 31, 12)] * 1000, pa.timestamp("ms", "UTC")),  # noqa: DTZ001
    }
)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path, split_bytes=1)


def written(folder: Folder, form: str, table: pa.Table = TABLE, rows: int = 64) -> None:
    new = ipc.new_file if form == "file" else ipc.new_stream
    with new(folder.base / "in.arrow", table.schema) as writer:
        writer.write_table(table, max_chunksize=rows)


def table(folder: Folder) -> pl.DataFrame:
    result = folder.run(op("arrow", "in.arrow"), sink=op("parquet", "out.parquet"))
    assert result.status == "succeeded", result.faults
    return pl.read_parquet(folder.base / "out.parquet")


@pytest.mark.parametrize("compression", ["uncompressed", "lz4", "zstd"])
@pytest.mark.parametrize("form", ["file", "stream"])
def test_every_type_comes_through(folder: Folder, form: str, compression: Compression) -> None:
    path = folder.base / "in.arrow"
    if form == "file":
        EVERY_TYPE.write_ipc(path, compression=compression)
    else:
        EVERY_TYPE.write_ipc_stream(path, compression=compression)
    assert_frame_equal(table(folder), EVERY_TYPE)


@pytest.mark.parametrize("split_bytes", [1, 5_000, 1 << 24])
@pytest.mark.parametrize("form", ["file", "stream"])
def test_record_batches_become_splits(folder: Folder, form: str, split_bytes: int) -> None:
    written(folder, form)
    found = Folder(folder.base, split_bytes=split_bytes).run(
        op("arrow", "in.arrow"),
        op("filter", "n % 7 = 0"),
        op("derive", [["l", "source_line()"], ["f", "source_file()"]]),
        sink=op("parquet", "out.parquet"),
    )
    assert (found.counts.read, found.counts.written) == (1000, 143)
    out = pl.read_parquet(folder.base / "out.parquet")
    assert (out["l"] == out["n"] + 1).all()
    assert out["f"].unique().to_list() == ["in.arrow"]
    expected = pl.DataFrame(TABLE).filter(pl.col("n") % 7 == 0)
    assert out["d"].to_list() == expected["d"].to_list()
    assert out["t"].to_list() == expected["t"].to_list()


def test_what_others_write(folder: Folder) -> None:
    feather.write_feather(TABLE, str(folder.base / "in.arrow"), chunksize=100)
    assert table(folder)["s"].to_list() == TABLE["s"].to_pylist()
    pl.DataFrame(TABLE).write_ipc(folder.base / "in.arrow", record_batch_size=100)
    assert len(find_frames(DataFile(folder.base / "in.arrow", "in.arrow")).batches) > 10
    assert table(folder)["d"].to_list() == TABLE["d"].to_pylist()


def test_a_dictionary_that_is_replaced(folder: Folder) -> None:
    batches = [
        pa.record_batch({"d": pa.array(texts).dictionary_encode()}) for texts in (["u"], ["v", "w"])
    ]
    with ipc.new_stream(folder.base / "in.arrow", batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    assert table(folder)["d"].to_list() == ["u", "v", "w"]


@pytest.mark.parametrize("form", ["file", "stream"])
def test_no_records(folder: Folder, form: str) -> None:
    written(folder, form, TABLE.slice(0, 0))
    assert table(folder).schema.names() == ["n", "s", "d", "t"]


@pytest.mark.parametrize("form", ["file", "stream"])
@pytest.mark.parametrize("keep", [0, 3, 9, 100, 5000, -1])
def test_files_that_end_too_early(folder: Folder, form: str, keep: int) -> None:
    written(folder, form)
    whole = (folder.base / "in.arrow").read_bytes()
    if form == "stream" and keep < 0:
        keep = -9  # only the mark of the end is missing otherwise, which is allowed
    folder.write("in.arrow", whole[:keep])
    result = folder.run(op("arrow", "in.arrow"), sink=op("csv", "out.csv"))
    assert result.status == "failed"
    assert "`in.arrow` is no whole Arrow file: " in result.faults[0].message


@pytest.mark.parametrize("form", ["file", "stream"])
def test_any_flipped_byte_is_a_fault_or_another_value(folder: Folder, form: str) -> None:
    written(folder, form, TABLE.slice(0, 20), 7)
    whole = (folder.base / "in.arrow").read_bytes()
    for at in range(0, len(whole), 41):
        data = bytearray(whole)
        data[at] ^= 0xFF
        folder.write("in.arrow", bytes(data))
        result = Folder(folder.base, workers=1).run(
            op("arrow", "in.arrow"), sink=op("ndjson", "out.ndjson")
        )
        assert result.status in ("failed", "succeeded")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it does not begin so"),
        (b"a,b\n1,2\n" * 9, "it does not begin so"),
        (b"FEA1" + bytes(100), "it is in the first version of Feather"),
        (b"\xff\xff\xff\xff" + bytes(4), "it has no schema"),
    ],
)
def test_what_is_no_arrow(folder: Folder, data: bytes, why: str) -> None:
    folder.write("in.arrow", data)
    found = COMPONENT.rule({"arrow": "in.arrow"}, Situation(Scope(), DataFiles(folder.base)))
    assert [fault.message for fault in found.faults] == [
        f"`in.arrow` is no whole Arrow file: {why}"
    ]


def test_files_that_differ(folder: Folder) -> None:
    pl.DataFrame({"a": [1], "b": ["x"]}).write_ipc(folder.base / "1.arrow")
    pl.DataFrame({"b": ["y"], "a": ["x"]}).write_ipc_stream(folder.base / "2.arrow")
    result = folder.run(op("arrow", "*.arrow"), sink=op("csv", "out.csv"))
    assert [fault.message for fault in result.faults] == [
        "`2.arrow`: column `a` is string, but int64 elsewhere"
    ]


def test_only_what_is_used_is_decoded(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    written(folder, "file")
    asked: list[object] = []
    decode = pl.read_ipc_stream

    def watched(source: io.BytesIO, *, columns: list[str] | None) -> pl.DataFrame:
        if len(source.getvalue()) > 2000:
            asked.append(columns)
        return decode(source, columns=columns)

    monkeypatch.setattr(pl, "read_ipc_stream", watched)
    folder.run(op("arrow", "in.arrow"), op("select", ["s"]), sink=op("text", "out.txt"))
    assert asked
    assert all(columns == ["s"] for columns in asked)
