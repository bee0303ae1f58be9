"""Whether what was read of a compressed file is still there, told without unpacking it again."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
import zstandard

from flowctl.dataflow import Split, Stretch
from flowctl.files import streams
from flowctl.files.fingerprints import Consumed, changes
from flowctl.files.lines import LineFiles, TextSplit
from flowctl.files.paths import DataFile
from flowctl.syntax.node import Json

LINES = b"".join(b"%d,%d\n" % (n, n * 7919 % 100_003) for n in range(40_000))
FORMATS: list[tuple[str, Callable[[bytes], bytes]]] = [
    (".gz", gzip.compress),
    (".zst", zstandard.ZstdCompressor().compress),
    (".bz2", bz2.compress),
    (".xz", lzma.compress),
]


class Reading:
    """A file of lines, and what was read of it in one process after the other."""

    def __init__(self, path: Path, pack: Callable[[bytes], bytes]) -> None:
        self.file = DataFile(path, path.name)
        self.pack = pack
        self.position: Json = None
        self.taken: list[Stretch] = []
        path.write_bytes(pack(LINES))
        self.size = path.stat().st_size

    def go_on(self, splits: int) -> list[bytes]:
        found = list(islice(self._splits(), splits))
        for split in found:
            self.position = split.after
            self.taken += split.taken()
        return [split.origins([0])[0].text.encode() for split in found]

    def _splits(self) -> Iterator[Split]:
        return LineFiles((self.file,), TextSplit).splits(50_000, self.position)

    def fault(self, further: str | None = None) -> str | None:
        """What has changed; of a further file, which comes behind, something was read too."""
        files, sizes, taken = [self.file], [self.size], [*self.taken]
        if further is not None:
            other = self.file.path.with_name(further)
            other.write_bytes(b"x\n")
            files.append(DataFile(other, other.name))
            sizes.append(2)
            taken += next(LineFiles((files[1],), TextSplit).splits(10)).taken()
        found = changes(Consumed([file.name for file in files], sizes, taken), files, "utf-8")
        return found[0].message if found else None

    def append(self, text: bytes) -> None:
        self.file.path.write_bytes(self.file.path.read_bytes() + self.pack(text))


@pytest.fixture(params=FORMATS, ids=[suffix for suffix, _ in FORMATS])
def reading(request: pytest.FixtureRequest, tmp_path: Path) -> Reading:
    suffix, pack = request.param
    return Reading(tmp_path / f"a.txt{suffix}", pack)


def test_what_is_the_same_can_be_gone_on_with(
    reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[bytes] = []
    while found := reading.go_on(3):
        lines += found
        with monkeypatch.context() as nothing_is_unpacked:
            nothing_is_unpacked.setattr(streams, "_member_factory", None)
            assert reading.fault() is None
    assert len(lines) == len(list(LineFiles((reading.file,), TextSplit).splits(50_000)))
    assert [line for line in lines if line not in LINES] == []
    assert reading.fault("b.txt") is None


def test_a_changed_byte_is_told(reading: Reading) -> None:
    reading.go_on(3)
    reading.go_on(3)
    data = bytearray(reading.file.path.read_bytes())
    data[100] ^= 1
    reading.file.path.write_bytes(data)
    assert (reading.fault() or "").startswith(f"`{reading.file.name}` has changed since it was")
    reading.file.path.write_bytes(data[:200])
    assert reading.fault() == f"`{reading.file.name}` is shorter than what was read of it before"


def test_a_file_may_grow_while_it_is_read(reading: Reading) -> None:
    reading.go_on(3)
    reading.append(b"further\n")
    assert reading.fault() is None
    assert reading.go_on(1000)[-1] in LINES + b"further\n"
    assert reading.fault("b.txt") is None
    reading.size = reading.file.path.stat().st_size
    reading.append(b"more\n")
    assert reading.fault() is None
    assert reading.fault("b.txt") == f"`{reading.file.name}` has grown since all of it was read"


def test_a_last_record_must_not_grow(reading: Reading) -> None:
    reading.append(b"no end")
    reading.size = reading.file.path.stat().st_size
    reading.go_on(1000)
    assert reading.fault() is None
    reading.append(b", but now")
    message = f"`{reading.file.name}` has grown in its last record, which was read before"
    assert reading.fault() == message
