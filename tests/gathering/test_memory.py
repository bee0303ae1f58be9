"""Blocking transforms over far more data than the memory that they may take."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

ROWS = 1_600_000
LIMIT = 280 << 20
"""With memory without end each of them takes more than half as much again."""
JOIN_LIMIT = 360 << 20
"""Beside the program and the splits under way less would leave nothing to gather in; it is 670 MB
without end."""
PROGRAM = """
import sys
from pathlib import Path
from flowctl.files.allocation import settled

base, limit = Path(sys.argv[1]), int(sys.argv[2])
with settled(limit):
    import polars
from flowctl.expressions.scope import Scope
from flowctl.interpreter.stream import run_stream
from flowctl.interpreter.streamsetting import StreamSetting
from flowctl.plan import Operation, Step, Stream
from flowctl.registry import builtin

transform = {
    "sort": Operation("sort", {"sort": ["k", "-x"]}),
    "aggregate": Operation(
        "aggregate", {"aggregate": [["n", "count(*)"], ["s", "sum(x)"]], "by": ["t"]}
    ),
    "dedupe": Operation("dedupe", {"dedupe": ["t"]}),
    "window": Operation(
        "window", {"window": [["n", "row_number()"], ["s", "sum(x)"]], "by": ["k"], "order": ["-x"]}
    ),
    "join": Operation(
        "join",
        {"on": [["t", "t"]], "how": "left"},
        inputs=(Operation("parquet", {"parquet": "right.parquet"}),),
    ),
}[sys.argv[3]]
body = Stream(
    Operation("parquet", {"parquet": "in.parquet"}),
    (transform,),
    (Operation("parquet", {"parquet": f"{transform.kind}.parquet"}),),
)
setting = StreamSetting(base, Scope(), "test", memory=limit, work=base / "work")
result = run_stream(Step("s", body), setting, builtin())
assert result.status == "succeeded", result.faults
# Of the program alone: what `getrusage` tells counts the process that it was forked from.
status = Path("/proc/self/status").read_text()
print(status.partition("VmHWM:")[2].split()[0])
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    dice = np.random.default_rng(5)
    frame = pl.DataFrame(
        {
            "k": dice.integers(0, 1000, ROWS),
            "x": dice.random(ROWS),
            "t": dice.integers(0, ROWS, ROWS),
        }
    )
    frame = frame.with_columns(t=pl.format("a text that takes room {}", "t"))
    frame.write_parquet(folder / "in.parquet", row_group_size=200_000)
    right = frame.select(pl.col("t").unique(maintain_order=True)).with_row_index("y")
    right.write_parquet(folder / "right.parquet", row_group_size=200_000)
    return folder


def peak(base: Path, limit: int, transform: str) -> int:
    """Runs a stream; the most memory that its process had, in bytes."""
    command = [sys.executable, "-c", PROGRAM, str(base), str(limit), transform]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return int(done.stdout) * 1024


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
@pytest.mark.parametrize("transform", ["sort", "aggregate", "dedupe", "window", "join"])
def test_the_limit_is_held(base: Path, transform: str) -> None:
    limit = JOIN_LIMIT if transform == "join" else LIMIT
    assert peak(base, limit, transform) < 1.25 * limit
    out = pl.scan_parquet(base / f"{transform}.parquet")
    source = pl.scan_parquet(base / "in.parquet")
    if transform == "sort":
        found = out.select("k", x=-pl.col("x")).collect()
        assert found.equals(found.sort("k", "x"))
        assert found.height == ROWS
    elif transform == "window":
        number = pl.col("x").rank("ordinal", descending=True).over("k").cast(pl.Int64)
        expected = source.with_columns(n=number).select("k", "x", "t", "n").collect()
        assert out.select(expected.columns).collect().equals(expected)
    elif transform == "join":
        right = pl.scan_parquet(base / "right.parquet")
        met = source.join(right, on="t", how="left", maintain_order="left")
        expected = met.select("k", "t", "y").collect()
        assert out.select(expected.columns).collect().equals(expected)
    else:
        keys = source.select(pl.col("t").n_unique()).collect().item()
        assert out.select(pl.len()).collect().item() == keys
    if transform == "aggregate":
        total = source.select(pl.col("x").sum()).collect().item()
        sums = out.select(pl.col("n").sum(), pl.col("s").sum()).collect().row(0)
        assert sums == (ROWS, pytest.approx(total))
    assert not list((base / "work").rglob("*.run"))
