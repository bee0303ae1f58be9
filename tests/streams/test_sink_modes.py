"""`mode` of a sink that writes one file: what becomes of what stands there."""

from __future__ import annotations

import bz2
import csv
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from tests.streams.running import Folder, op

UNPACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
    ".zst": lambda data: (
        zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).read()
    ),
}
PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.compress,
}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path, split_bytes=20)
    made.write("in.csv", "n,k\n1,a\n2,b\n3,c\n4,d\n5,e\n")
    return made


def added(folder: Folder, path: str, kind: str = "csv", **options: object) -> str:
    result = folder.run(
        op("csv", "in.csv"), op("select", ["k"]), sink=op(kind, path, mode="append", **options)
    )
    assert result.status == "succeeded", result.faults
    suffix = Path(path).suffix if Path(path).suffix in UNPACK else ""
    return UNPACK[suffix]((folder.base / path).read_bytes()).decode()


@pytest.mark.parametrize("suffix", UNPACK)
@pytest.mark.parametrize("end", ["", "\n"])
def test_records_are_added_behind_what_is_there(folder: Folder, suffix: str, end: str) -> None:
    """With one header, and a line's end where the old file has none, however often."""
    path = f"out.csv{suffix}"
    folder.write(path, PACK[suffix](f"k\nold{end}".encode()))
    assert added(folder, path) == "k\nold\na\nb\nc\nd\ne\n"
    assert added(folder, path).splitlines() == ["k", "old", *"abcdeabcde"]


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_new_or_empty_file_gets_a_header(folder: Folder, suffix: str) -> None:
    path = f"out.csv{suffix}"
    assert added(folder, path).splitlines() == ["k", *"abcde"]
    folder.write(path, PACK[suffix](b""))
    assert added(folder, path).splitlines() == ["k", *"abcde"]


def test_other_text_formats_take_records_too(folder: Folder) -> None:
    folder.write("out.txt", "old")
    assert added(folder, "out.txt", "text").split() == ["old", *"abcde"]
    assert added(folder, "out.ndjson", "ndjson").splitlines()[-1] == '{"k":"e"}'
    assert len(added(folder, "out.ndjson", "ndjson").splitlines()) == 10
    assert added(folder, "bare.csv", header=False).split() == [*"abcde"]
    assert added(folder, "bare.csv", header=False).split() == [*"abcdeabcde"]


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("k,n", "there are 2 there and 1 here"),
        ("K", "column 1 is `K` there and `k` here"),
        ('"n\n', "a quote that is opened"),
    ],
)
def test_other_columns_are_refused(folder: Folder, header: str, words: str) -> None:
    folder.write("out.csv", f"{header}\n1,a\n")
    before = folder.read("out.csv")
    sink = op("csv", "out.csv", mode="append")
    result = folder.run(op("csv", "in.csv"), op("select", ["k"]), sink=sink)
    (fault,) = result.faults
    assert (fault.code.id, fault.pointer) == ("E612", ("sink",))
    assert words in fault.message or header.startswith('"')
    assert folder.read("out.csv") == before


def test_a_damaged_file_is_not_added_to(folder: Folder) -> None:
    whole = gzip.compress(b"k\nold\n" * 100)
    folder.write("out.csv.gz", whole[:-9])
    sink = op("csv", "out.csv.gz", mode="append")
    result = folder.run(op("csv", "in.csv"), op("select", ["k"]), sink=sink)
    assert result.status == "failed"
    assert "out.csv.gz" in result.faults[0].message
    assert (folder.base / "out.csv.gz").read_bytes() == whole[:-9]


def test_a_link_leads_to_what_is_added_to(folder: Folder) -> None:
    folder.write("real.csv", "k\nold\n")
    (folder.base / "out.csv").symlink_to("real.csv")
    assert added(folder, "out.csv").startswith("k\nold\na\n")
    assert (folder.base / "out.csv").is_symlink()
    assert folder.read("real.csv").count("\n") == 7


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_place_that_must_be_free(folder: Folder, kind: str) -> None:
    sink = op(kind, "out", mode="error")
    assert folder.run(op("csv", "in.csv"), sink=sink).status == "succeeded"
    before = (folder.base / "out").read_bytes()
    for source in ("in.csv", "missing.csv"):
        (fault,) = folder.run(op("csv", source), sink=sink).faults
        assert (fault.code.id, fault.pointer) == ("E610", ("sink",))
        assert fault.message == "`out` stands there already"
    assert (folder.base / "out").read_bytes() == before


def test_what_comes_to_stand_there_meanwhile_stays(folder: Folder) -> None:
    """Refused again when all is written: by then another process may have been there."""
    calls = 0

    def cancelled() -> bool:
        nonlocal calls
        calls += 1
        if calls == 1:
            folder.write("out.csv", "somebody else's\n")
        return False

    sink = op("csv", "out.csv", mode="error")
    result = folder.run(op("csv", "in.csv"), sink=sink, cancelled=cancelled)
    assert [fault.code.id for fault in result.faults] == ["E610"]
    assert folder.read("out.csv") == "somebody else's\n"


def test_two_sinks_of_one_step(folder: Folder) -> None:
    folder.write("a.csv", "n,k\n0,z\n")
    result = folder.run(
        op("csv", "in.csv"),
        sink=(
            op("csv", "a.csv", mode="append"),
            op("csv", "b.csv"),
            op("ndjson", "c/", mode="append"),
        ),
    )
    assert result.sinks == ("a.csv", "b.csv", "c/")
    rows = list(csv.reader(folder.read("a.csv").splitlines()))
    assert rows == [["n", "k"], ["0", "z"], *csv.reader(folder.read("b.csv").splitlines()[1:])]
    assert folder.read("c/part-00000.ndjson").count("\n") == 5
