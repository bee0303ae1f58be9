from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.kinds.transforms.limit import COMPONENT
from tests.kinds.transforming import passed


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.integers(0, 12))
def test_the_first_records_of_all_splits(sizes: list[int], count: int) -> None:
    rows = iter(range(100))
    frames = [
        pl.DataFrame({"a": [next(rows) for _ in range(size)]}, schema={"a": pl.Int64})
        for size in sizes
    ]
    out, read = passed(COMPONENT, {"limit": count}, frames)
    found = [value for frame in out for value in frame["a"].to_list()]
    assert found == list(range(min(count, sum(sizes))))
    if read < len(sizes):
        assert sum(sizes[:read]) >= count
        assert read == 0 or sum(sizes[: read - 1]) < count
