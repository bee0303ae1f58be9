"""Whatever bytes an input holds, a run ends with a result and never with an exception."""

from __future__ import annotations

import gzip
import io
import tempfile
from pathlib import Path

import polars as pl
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.streams.running import Folder, op

QUICK = settings(deadline=None, max_examples=120)
BYTES = st.binary(max_size=80) | st.text(alphabet='a1,;"\n\r\t{}[]:\0é', max_size=80).map(
    str.encode
)
DECLARED = {"a": "int64?", "b": "string?"}


def parquet() -> bytes:
    buffer = io.BytesIO()
    frame = pl.DataFrame({"a": range(200), "b": [f"x{n % 7}" for n in range(200)]})
    frame.write_parquet(buffer, compression="uncompressed")
    return buffer.getvalue()


PARQUET = parquet()
PACKED = gzip.compress(b"a,b\n" + b"1,x\n" * 200, mtime=0)


def ends_well(kind: str, name: str, data: bytes, declared: bool, split: int) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Folder(Path(place), 2, split)
        folder.write(name, data)
        options = {"columns": DECLARED} if declared and kind in ("csv", "ndjson") else {}
        result = folder.run(op(kind, name, "skip", **options), sink=op("parquet", "o.parquet"))
        assert result.status in ("succeeded", "failed")
        assert (result.status == "failed") == bool(result.faults)


@QUICK
@example("csv", b"a,b\r1,2\r", False, 5)
@example("ndjson", b'{"a": 1e400}', True, 5)
@example("text", b"x\x01\x02\x01", False, 5)
@given(
    st.sampled_from(["csv", "ndjson", "text", "parquet"]), BYTES, st.booleans(), st.integers(1, 60)
)
def test_any_bytes(kind: str, data: bytes, declared: bool, split: int) -> None:
    ends_well(kind, f"in.{kind}", data, declared, split)


@QUICK
@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=4),
    st.booleans(),
    st.floats(0, 1),
)
def test_mangled_files(changes: list[tuple[float, int]], packed: bool, kept: float) -> None:
    data = bytearray(PACKED if packed else PARQUET)
    for place, value in changes:
        data[int(place * (len(data) - 1))] = value
    if kept > 0.5:
        del data[int(len(data) * kept) :]
    kind, name = ("csv", "in.csv.gz") if packed else ("parquet", "in.parquet")
    ends_well(kind, name, bytes(data), declared=False, split=50)
