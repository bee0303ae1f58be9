"""Sinks that write the folder of a dataset; pyarrow, Polars and DuckDB read what they wrote."""

from __future__ import annotations

import errno
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import dataset as arrow

from flowctl.interpreter.dataset import DatasetOutput
from flowctl.interpreter.folders import StagedFolder
from flowctl.interpreter.partitions import folder_of
from flowctl.kinds.sinks.csv import COMPONENT as CSV
from flowctl.records import Schema
from flowctl.store.disk import RealDisk
from tests.streams.running import Folder, op

ROWS = 3000


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path, split_bytes=4000)
    lines = "".join(
        f"{n},{'' if n % 9 == 4 else n % 9},town {n % 2},{n / 7}\n" for n in range(ROWS)
    )
    made.write("in.csv", "n,key,town,x\n" + lines)
    return made


def files(folder: Folder, path: str = "out") -> dict[str, bytes]:
    root = folder.base / path
    found = (file for file in sorted(root.rglob("*")) if file.is_file())
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in found}


@pytest.mark.parametrize("kind", ["parquet", "csv", "ndjson"])
def test_partitions_are_read_by_others(folder: Folder, kind: str) -> None:
    sink = op(kind, "out/", partition_by=["key", "town"])
    assert folder.run(op("csv", "in.csv"), sink=sink).status == "succeeded"
    source = pl.read_csv(folder.base / "in.csv")
    assert len(files(folder)) == 18
    reader = {"parquet": "read_parquet", "csv": "read_csv", "ndjson": "read_json"}[kind]
    everything = f"{reader}('{folder.base}/out/**/*.{kind}', hive_partitioning = true)"
    query = duckdb.sql(f"select n, key, town, x from {everything} order by n")
    assert query is not None
    found = query.pl()
    # An empty file name is no value: the null partition is Hive's own.
    assert found.with_columns(pl.col("key").cast(pl.Int64)).equals(source)
    if kind == "parquet":
        hive = arrow.partitioning(flavor="hive")
        table = arrow.dataset(folder.base / "out", partitioning=hive).to_table()
        other = pl.DataFrame(pl.from_arrow(table)).select("n", "key", "town", "x").sort("n")
        assert other.with_columns(pl.col("key").cast(pl.Int64)).equals(source)
        mine = pl.read_parquet(folder.base / "out/**/*.parquet", hive_partitioning=True).sort("n")
        assert mine.select(source.columns).equals(source)


def test_records_of_a_partition_stay_in_their_order(folder: Folder) -> None:
    """Whatever the memory and the workers are: the same files, byte by byte."""
    sink = op("parquet", "out/", partition_by=["town"])
    outcomes = []
    for workers, memory in ((2, 1 << 32), (1, 1 << 16)):
        other = Folder(folder.base, workers, folder.split_bytes, memory)
        assert other.run(op("csv", "in.csv"), op("sort", ["-x"]), sink=sink).status == "succeeded"
        outcomes.append(files(folder))
    assert outcomes[0] == outcomes[1]
    found = pl.read_parquet(folder.base / "out/town=town%200/part-00000.parquet")
    assert found.columns == ["n", "key", "x"]
    assert found["n"].to_list() == list(range(ROWS - 2, -1, -2))


def test_without_partitions_files_follow_each_other(folder: Folder) -> None:
    assert folder.run(op("csv", "in.csv"), sink=op("csv", "out/")).status == "succeeded"
    assert list(files(folder)) == ["part-00000.csv"]
    with ThreadPoolExecutor(1) as executor:
        target = StagedFolder.at(folder.base / "small/", "small/", "t", "replace")
        target.begin()
        writer = CSV.open({"csv": "small/"}, Schema.of({"n": "int64"}), folder.base)
        output = DatasetOutput(writer, target, executor, ".csv", file_bytes=10)
        for start in range(0, 20, 5):
            output.take(pl.DataFrame({"n": range(start, start + 5)}))
        output.finish()
    target.settle()
    target.publish()
    found = files(folder, "small")
    assert list(found) == [f"part-0000{number}.csv" for number in range(4)]
    assert found["part-00001.csv"] == b"n\n5\n6\n7\n8\n9\n"


def test_no_records(folder: Folder) -> None:
    nothing = op("filter", "n < 0")
    assert (
        folder.run(op("csv", "in.csv"), nothing, sink=op("parquet", "out/")).status == "succeeded"
    )
    assert pl.read_parquet(folder.base / "out").shape == (0, 4)
    sink = op("parquet", "none/", partition_by=["town"])
    assert folder.run(op("csv", "in.csv"), nothing, sink=sink).status == "succeeded"
    assert files(folder, "none") == {}


def test_the_whole_folder_is_replaced(folder: Folder) -> None:
    folder.write("out/town=gone/part-00007.csv", "x")
    folder.write("out/_SUCCESS", "")
    sink = op("csv", "out/", partition_by=["town"])
    assert folder.run(op("csv", "in.csv"), sink=sink).status == "succeeded"
    assert [*files(folder)] == [f"town=town%20{n}/part-00000.csv" for n in (0, 1)]


@pytest.mark.parametrize("other", ["notes.txt", "raw/part-00000.csv", "town=x/data.csv", ".git/x"])
def test_what_is_no_dataset_is_not_replaced(folder: Folder, other: str) -> None:
    """Else a slip in a path would delete what nobody can bring back."""
    folder.write("out/part-00000.csv", "x")
    folder.write(f"out/{other}", "precious")
    before = files(folder)
    (fault,) = folder.run(op("csv", "in.csv"), sink=op("csv", "out/")).faults
    assert (fault.code.id, fault.pointer) == ("E611", ("sink",))
    assert f"but it holds `{other.split('/')[0]}" in fault.message
    assert files(folder) == before


def test_files_are_added(folder: Folder) -> None:
    sink = op("csv", "out/", partition_by=["town"], mode="append")
    folder.write("out/notes.txt", "kept")
    folder.write("out/town=town%200/part-00004.csv", "n,key,x\n")
    for _ in range(2):
        assert folder.run(op("csv", "in.csv"), sink=sink).status == "succeeded"
    assert [*files(folder)] == [
        "notes.txt",
        *(f"town=town%200/part-0000{n}.csv" for n in (4, 5, 6)),
        *(f"town=town%201/part-0000{n}.csv" for n in (0, 1)),
    ]
    assert folder.read("out/town=town%200/part-00004.csv") == "n,key,x\n"


@pytest.mark.parametrize("kind", ["csv", "parquet", "arrow"])
def test_files_with_other_columns_are_not_added(folder: Folder, kind: str) -> None:
    """Else nobody could read the folder any more."""
    sink = op(kind, "out/", partition_by=["town"], mode="append")
    source = op("csv", "in.csv")
    assert folder.run(source, op("select", ["n", "town"]), sink=sink).status == "succeeded"
    before = files(folder)
    for transform in (op("drop", ["key"]), op("cast", [["n", "string"]])):
        (fault,) = folder.run(source, transform, sink=sink).faults
        assert (fault.code.id, fault.pointer) == ("E612", ("sink",))
        assert "out/town=town%200/part-00000." in fault.message
        assert files(folder) == before
    assert folder.run(source, op("select", ["n", "town"]), sink=sink).status == "succeeded"
    assert len(files(folder)) == 4


def test_only_partitions_that_occur_are_replaced(folder: Folder) -> None:
    folder.write("out/town=town%200/part-00004.csv", "old")
    folder.write("out/town=other/part-00000.csv", "kept")
    sink = op("csv", "out/", partition_by=["town"], mode="replace_partitions")
    assert folder.run(op("csv", "in.csv"), sink=sink).status == "succeeded"
    found = files(folder)
    assert [*found] == [
        "town=other/part-00000.csv",
        "town=town%200/part-00000.csv",
        "town=town%201/part-00000.csv",
    ]
    assert found["town=other/part-00000.csv"] == b"kept"
    folder.write("out/town=town%201/mine.csv", "precious")
    (fault,) = folder.run(op("csv", "in.csv"), sink=sink).faults
    assert fault.code.id == "E611"
    assert folder.read("out/town=town%201/mine.csv") == "precious"


def test_a_folder_that_must_not_exist(folder: Folder) -> None:
    sink = op("csv", "out/", mode="error")
    (folder.base / "out").mkdir()
    assert folder.run(op("csv", "in.csv"), sink=sink).status == "succeeded"
    before = files(folder)
    assert [fault.code.id for fault in folder.run(op("csv", "in.csv"), sink=sink).faults] == [
        "E610"
    ]
    assert files(folder) == before


@pytest.mark.parametrize("mode", ["replace", "append", "replace_partitions", "error"])
def test_a_file_where_the_folder_should_be(folder: Folder, mode: str) -> None:
    folder.write("out", "a file")
    sink = op("csv", "out/", partition_by=["town"], mode=mode)
    (fault,) = folder.run(op("csv", "in.csv"), sink=sink).faults
    assert (fault.code.id, fault.message) == ("E609", "cannot write `out/`: a file stands there")
    assert folder.read("out") == "a file"


def test_many_partitions_one_open_file(tmp_path: Path) -> None:
    """A thousand partitions are written with the descriptors of one."""
    import resource

    folder = Folder(tmp_path, split_bytes=8000)
    folder.write("in.csv", "n,k\n" + "".join(f"{n},{n * 7919 % 1200}\n" for n in range(6000)))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = len([*Path("/dev/fd").iterdir()]) + 64  # the tests before this one have some open, too
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, few), hard))
    try:
        sink = op("ndjson", "out/", partition_by=["k"])
        assert folder.run(op("csv", "in.csv"), sink=sink).status == "succeeded"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    found = files(folder)
    assert len(found) == 1200
    assert all(text.count(b"\n") == 5 for text in found.values())


class NoExchange(RealDisk):
    """A system on which two names cannot change places."""

    def exchange(self, one: Path, other: Path) -> None:
        raise OSError(errno.ENOSYS, "no such call")


def test_where_names_cannot_change_places(folder: Folder) -> None:
    """The old folder moves aside first; if the process ends there, it is found and comes back."""
    disk = NoExchange()
    for attempt in range(2):
        folder.write("out/part-00000.csv", "old")
        target = StagedFolder.at(folder.base / "out/", "out/", "t", "replace", disk)
        target.begin()
        target.begin_file("part-00000.csv")
        target.write(b"new")
        target.end_file()
        if attempt:
            aside = folder.base / ".out.t.part.old.part"
            (folder.base / "out").rename(aside)
            again = StagedFolder.at(folder.base / "out/", "out/", "t", "replace", disk)
            again.files = target.files
            target = again
        target.publish()
        assert files(folder) == {"part-00000.csv": b"new"}
        assert [path.name for path in folder.base.iterdir()] in (
            ["in.csv", "out"],
            ["out", "in.csv"],
        )


def test_a_value_too_long_for_a_name_is_told(folder: Folder) -> None:
    long = "x" * 300
    folder.write("long.csv", f"n,k\n1,{long}\n")
    sink = op("csv", "out/", partition_by=["k"])
    (fault,) = folder.run(op("csv", "long.csv"), sink=sink).faults
    assert fault.code.id == "E609"
    assert "file name too long" in fault.message
    assert not (folder.base / "out").exists()


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=12), st.text(min_size=1, max_size=6))
def test_no_value_leads_out_of_the_folder(value: str, name: str) -> None:
    part = folder_of([name], [value])
    assert "/" not in part
    assert part.isascii()
    assert part not in (".", "..")
    assert not part.startswith("/")
