from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from flowctl.gathering.distinct import Distinct


@pytest.mark.parametrize("keep", ["first", "last"])
def test_memory_does_not_change_the_frames_that_leave(tmp_path: Path, keep: str) -> None:
    """Those with a great key are wide, and come first in the input."""
    distinct = Distinct(("k",), "last" if keep == "last" else "first")
    keys = [range(start, start - 450, -1) for start in range(4200, 600, -300)]
    frames = [pl.DataFrame({"k": [*part], "t": ["x" * key for key in part]}) for part in keys]
    found = []
    for memory in (1 << 30, 1_000_000):
        records = distinct.open(tmp_path / str(memory), memory)
        for frame in frames:
            records.take(distinct.condense(frame))
        found.append([*records.leave()])
        records.close()
    much, little = found
    assert [frame.height for frame in much] == [frame.height for frame in little]
    assert pl.concat(much).equals(pl.concat(little))
    expected = pl.concat(frames).unique("k", keep=distinct.keep, maintain_order=True)
    assert pl.concat(much).equals(expected)
    assert len(much) > 1
