"""Compressed input is read whole or not at all."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from tests.streams.running import Folder, op

TEXT = b"a,b\n" + b"".join(b"%d,x%d\n" % (n, n) for n in range(30_000))
ZSTD = zstandard.ZstdCompressor(write_checksum=True)
FORMATS: list[tuple[str, Callable[[bytes], bytes]]] = [
    (".gz", gzip.compress),
    (".zst", ZSTD.compress),
    (".bz2", bz2.compress),
    (".xz", lzma.compress),
]


@pytest.mark.parametrize(("suffix", "pack"), FORMATS)
@pytest.mark.parametrize("split", [1000, 1 << 24])
def test_members_one_behind_the_other_are_one_file(
    tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes], split: int
) -> None:
    folder = Folder(tmp_path, split_bytes=split)
    third = len(TEXT) // 3
    parts = (TEXT[:third], b"", TEXT[third : third + 1], TEXT[third + 1 :])
    folder.write(f"in.csv{suffix}", b"".join(map(pack, parts)))
    result = folder.run(op("csv", f"in.csv{suffix}"), sink=op("csv", "out.csv"))
    assert result.counts.written == 30_000
    assert folder.read("out.csv").encode() == TEXT


@pytest.mark.parametrize(("suffix", "pack"), FORMATS)
@pytest.mark.parametrize("damage", ["cut", "cut early", "flipped", "empty", "text"])
def test_damage_is_a_fault_and_never_a_shorter_file(
    tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes], damage: str
) -> None:
    packed = bytearray(pack(TEXT))
    match damage:
        case "cut":
            del packed[-5:]
        case "cut early":
            del packed[len(packed) // 2 :]
        case "flipped":
            packed[len(packed) // 2] ^= 0xFF
            packed[len(packed) // 3] ^= 0xFF
        case "empty":
            packed.clear()
        case _:
            packed[:] = TEXT
    folder = Folder(tmp_path, split_bytes=1000)
    folder.write(f"in.csv{suffix}", bytes(packed))
    folder.write("out.csv", "before")
    columns = {"a": "int64", "b": "string"}
    source = op("csv", f"in.csv{suffix}", "skip", columns=columns)
    result = folder.run(source, sink=op("csv", "out.csv"))
    assert result.status == "failed"
    assert f"`in.csv{suffix}` is damaged" in result.faults[0].message
    assert folder.read("out.csv") == "before"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (TEXT, "it does not begin as .gz files do"),
        (gzip.compress(TEXT) + TEXT, "what follows its data does not begin as .gz files do"),
    ],
)
def test_what_is_not_packed_is_told_from_what_is_cut(
    tmp_path: Path, data: bytes, reason: str
) -> None:
    folder = Folder(tmp_path)
    folder.write("in.csv.gz", data)
    source = op("csv", "in.csv.gz", columns={"a": "int64", "b": "string"})
    result = folder.run(source, sink=op("csv", "out.csv"))
    assert result.faults[0].message == f"`in.csv.gz` is damaged: {reason}"


def test_padding_behind_a_gzip_member(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write("in.csv.gz", gzip.compress(TEXT) + bytes(512))
    assert folder.run(op("csv", "in.csv.gz"), sink=op("csv", "o.csv")).counts.written == 30_000


@pytest.mark.parametrize(
    ("suffix", "texts"), [(".gz", 300), (".zst", 300), (".bz2", 60), (".xz", 9)]
)
def test_bytes_hang_on_nothing_but_the_data(suffix: str, texts: int) -> None:
    """Whatever fresh memory holds, which glibc can be told to fill."""
    code = """
import hashlib, sys
from flowctl.files.compressing import compressed
digest = hashlib.sha256()
for n in range(int(sys.argv[2])):
    text = b"".join(b"%d,x%d\\n" % (i, i % 7) for i in range(n, n + n * 37 % 900))
    digest.update(compressed(text, "a" + sys.argv[1]))
print(digest.hexdigest())
"""
    found = {
        subprocess.run(
            [sys.executable, "-c", code, suffix, str(texts)],
            env={**os.environ, "MALLOC_PERTURB_": fill, "MALLOC_MMAP_THRESHOLD_": "100000000"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for fill in ("0", "85", "255")
    }
    assert len(found) == 1
