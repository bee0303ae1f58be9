"""Whole streams: order, faults, accounting, and what is left when something fails."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import polars as pl
import pytest

from flowctl.syntax.node import Json
from tests.streams.running import Folder, op

NUMBERS = "a,b\n" + "".join(f"{n},x{n}\n" for n in range(5000))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path, split_bytes=500)
    folder.write("in.csv", NUMBERS)
    return folder


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_records_leave_in_the_order_of_the_input(folder: Folder, workers: int) -> None:
    result = Folder(folder.base, workers, 500).run(op("csv", "in.csv"), sink=op("csv", "out.csv"))
    assert result.counts.written == 5000
    assert folder.read("out.csv") == NUMBERS


@pytest.mark.parametrize("workers", [1, 3])
def test_a_limit_ends_the_reading_at_the_same_record(folder: Folder, workers: int) -> None:
    result = Folder(folder.base, workers, 500).run(
        op("csv", "in.csv"),
        op("filter", "a % 2 = 1"),
        op("limit", 100),
        op("derive", [["c", "a * 2"]]),
        op("filter", "c % 3 = 0"),
        sink=op("csv", "out.csv"),
    )
    counts = result.counts
    found = pl.read_csv(folder.base / "out.csv")
    assert found["a"].to_list() == [n for n in range(1, 200, 2) if n % 3 == 0]
    assert counts.written == 33
    assert 200 <= counts.read < 300
    assert Folder(folder.base, 2, 500).run(
        op("csv", "in.csv"), op("limit", 0), sink=op("csv", "out.csv")
    ).counts.read == 0  # fmt: skip
    assert folder.read("out.csv") == "a,b\n"


def test_what_stands_behind_a_limit_is_not_read(folder: Folder) -> None:
    folder.write("in.csv", "a,b\n" + "1,x\n" * 1000 + "bad\n" * 2000)
    source = op("csv", "in.csv", columns={"a": "int64"})
    result = folder.run(source, op("limit", 10), sink=op("csv", "out.csv"))
    assert (result.status, result.counts.written) == ("succeeded", 10)


def test_several_sinks_hold_the_same(folder: Folder) -> None:
    sinks = (op("csv", "o/1.csv"), op("ndjson", "o/2.ndjson.gz"), op("parquet", "o/3.parquet"))
    result = folder.run(op("csv", "in.csv"), op("filter", "a < 10"), sink=sinks)
    assert result.sinks == ("o/1.csv", "o/2.ndjson.gz", "o/3.parquet")
    assert pl.read_parquet(folder.base / "o/3.parquet").equals(pl.read_csv(folder.base / "o/1.csv"))


def test_the_first_fault_in_the_input_is_told(folder: Folder) -> None:
    folder.write("in.csv", "a,b\n" + "".join(f"{n},{n}\n" for n in range(3000)) + "x,1\n")
    source = op("csv", "in.csv", columns={"a": "int64", "b": "int64"})
    derive = op("derive", [["c", "1 // (b - 2990)"], ["d", "1 // (b - 2500)"]])
    for workers in (1, 4):
        result = Folder(folder.base, workers, 500).run(source, derive, sink=op("csv", "out.csv"))
        (fault,) = result.faults
        assert fault.message.startswith("in.csv:2502: division by zero")
        assert fault.pointer == ("transforms", 0, "derive", "d")
    assert result.counts.written < 2500


def test_skip_and_reject_are_counted_apart(folder: Folder) -> None:
    rows: Json = [{"a": n} for n in range(10)]
    result = folder.run(
        op("rows", rows),
        op("derive", [["b", "1 // (a - 3)"]], "skip"),
        op("derive", [["c", "1 // (a % 4 - 1)"]], "reject"),
        op("filter", "a > 1"),
        sink=op("csv", "out.csv"),
        rejects=op("ndjson", "rejects.ndjson"),
    )
    counts = result.counts
    assert (counts.skipped, counts.rejected, counts.filtered, counts.written) == (1, 3, 1, 5)
    assert folder.read("rejects.ndjson").splitlines()[0] == (
        '{"file":"rows","line":2,"offset":9,"step":"s","transform":"transforms/1/derive",'
        '"rule":"derive","message":"division by zero in 1 // (a % 4 - 1)","record":"{\\"a\\": 1}"}'
    )


@pytest.mark.parametrize(
    ("allowed", "status"),
    [("3", "succeeded"), ("2", "failed"), ("30%", "succeeded"), ("29%", "failed")],
)
def test_no_more_rejects_than_allowed(folder: Folder, allowed: str, status: str) -> None:
    rows: Json = [{"a": n} for n in range(10)]
    folder.write("out.csv", "before")
    result = folder.run(
        op("rows", rows),
        op("derive", [["c", "1 // (a % 4 - 1)"]], "reject"),
        sink=op("csv", "out.csv"),
        rejects=op("ndjson", "rejects.ndjson"),
        max_rejects=allowed,
    )
    assert result.status == status
    assert (folder.read("out.csv") == "before") == (status == "failed")
    assert (folder.base / "rejects.ndjson").exists() == (status == "succeeded")


def test_a_share_is_exact(folder: Folder) -> None:
    result = folder.run(
        op("rows", [{"a": n} for n in range(100)]),
        op("derive", [["c", "1 // (case when a < 29 then 0 else 1 end)"]], "reject"),
        sink=op("csv", "out.csv"),
        rejects=op("ndjson", "rejects.ndjson"),
        max_rejects="29%",
    )
    assert (result.status, result.counts.rejected) == ("succeeded", 29)


def test_a_column_of_nothing_but_nulls(folder: Folder) -> None:
    folder.write("in.csv", "a,b\n1,\n2,\n")
    sinks = (op("csv", "o.csv"), op("ndjson", "o.ndjson"), op("parquet", "o.parquet"))
    result = folder.run(op("csv", "in.csv"), op("filter", "b is null"), sink=sinks)
    assert result.status == "succeeded", result.faults
    assert folder.read("o.csv") == "a,b\n1,\n2,\n"
    assert folder.read("o.ndjson") == '{"a":1,"b":null}\n{"a":2,"b":null}\n'
    result = folder.run(op("parquet", "o.parquet"), sink=op("csv", "again.csv"))
    assert folder.read("again.csv") == folder.read("o.csv")


def test_a_record_that_is_too_long(folder: Folder) -> None:
    folder.write("in.csv", b"a,b\n1,x\n" + b"x" * (65 << 20))
    folder.write("in.txt", b"x" * (65 << 20))
    columns = {"a": "string", "b": "string"}
    result = folder.run(op("csv", "in.csv", columns=columns), sink=op("csv", "o.csv"))
    assert result.faults[0].message == "`in.csv`, line 3: a record is longer than 64 MiB"
    result = folder.run(op("text", "in.txt"), sink=op("text", "o.txt"))
    assert result.faults[0].message == "`in.txt`, line 1: a record is longer than 64 MiB"


def test_a_fault_behind_a_limit_knows_its_record(folder: Folder) -> None:
    derive = op("derive", [["c", "1 // (a - 150)"]])
    result = folder.run(op("csv", "in.csv"), op("limit", 200), derive, sink=op("csv", "out.csv"))
    assert result.faults[0].message.startswith("in.csv:152: division by zero")


def test_a_run_that_is_told_to_stop_leaves_nothing(folder: Folder) -> None:
    folder.write("out.csv", "before")
    asked = iter([False, False, True])
    result = folder.run(
        op("csv", "in.csv"), sink=op("csv", "out.csv"), cancelled=lambda: next(asked, True)
    )
    assert result.status == "cancelled"
    assert folder.read("out.csv") == "before"
    assert threading.active_count() < 10


def test_outputs_have_the_rights_of_a_new_file(folder: Folder) -> None:
    before = os.umask(0o027)
    try:
        folder.run(op("csv", "in.csv"), sink=op("csv", "new/out.csv"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((folder.base / "new/out.csv").stat().st_mode) == 0o640


def test_a_link_stays_and_what_it_leads_to_is_replaced(folder: Folder) -> None:
    folder.write("real/out.csv", "before")
    (folder.base / "out.csv").symlink_to("real/out.csv")
    folder.run(op("csv", "in.csv"), sink=op("csv", "out.csv"))
    assert (folder.base / "out.csv").is_symlink()
    assert folder.read("real/out.csv") == NUMBERS


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("taken", "cannot write `taken`: a folder stands there"),
        ("pipe", "cannot write `pipe`: a device or a pipe stands there"),
        ("in.csv/deep/out.csv", "cannot write `in.csv/deep/out.csv`: not a directory"),
    ],
)
def test_outputs_that_cannot_be(folder: Folder, path: str, message: str) -> None:
    (folder.base / "taken").mkdir()
    os.mkfifo(folder.base / "pipe")
    result = folder.run(op("csv", "in.csv"), sink=(op("csv", "first.csv"), op("csv", path)))
    assert [fault.message for fault in result.faults] == [message]
    assert not (folder.base / "first.csv").exists()
    assert (folder.base / "pipe").is_fifo()


def test_an_input_that_cannot_be_read(folder: Folder) -> None:
    (folder.base / "loop.csv").symlink_to("loop.csv")
    (folder.base / "dir.csv").mkdir()
    os.mkfifo(folder.base / "pipe.csv")
    for path in ("loop.csv", "dir.csv", "pipe.csv"):
        result = folder.run(op("csv", path), sink=op("csv", "out.csv"))
        assert result.status == "failed", path


FULL = """
import resource, signal, sys
from pathlib import Path
from tests.streams.running import Folder, op
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
result = Folder(Path(sys.argv[1]), 2, 500).run(op("csv", "in.csv"), sink=op("csv", "out.csv"))
print(result.status, result.faults[0].message)
"""


def test_a_disk_that_takes_no_more(folder: Folder) -> None:
    folder.write("out.csv", "before")
    ran = subprocess.run(
        [sys.executable, "-c", FULL, folder.base], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "failed cannot write `out.csv`: file too large\n"
    assert folder.read("out.csv") == "before"
    assert sorted(path.name for path in folder.base.iterdir()) == ["in.csv", "out.csv"]


def test_many_columns(folder: Folder) -> None:
    names = [f"c{index}" for index in range(1500)]
    row = ",".join(map(str, range(1500)))
    folder.write("in.csv", ",".join(names) + f"\n{row}\n" * 3)
    source = op("csv", "in.csv", columns=dict.fromkeys(names, "int64"))
    derived = [[f"d{index}", f"c{index} + 1"] for index in range(100)]
    result = folder.run(source, op("derive", derived), sink=op("parquet", "out.parquet"))
    assert result.counts.written == 3
    assert pl.read_parquet(folder.base / "out.parquet").width == 1600
