"""Records in order, and groups in it: as Polars' own stable sort has them."""

from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from polars.testing.parametric import column, dataframes

from flowctl.gathering.order import Order, grouped
from flowctl.gathering.packing import packed

KINDS = [pl.Int64, pl.Int8, pl.UInt32, pl.UInt64, pl.Boolean, pl.Date, pl.Time, pl.Duration]
OTHERS: list[Any] = [pl.Float64, pl.String, pl.Int128, pl.Enum(["b", "a"])]
FRAMES = dataframes(
    [column(name, allow_null=True) for name in "abc"],
    allowed_dtypes=[*KINDS, *OTHERS],
    max_size=20,
)
FLAGS = st.tuples(st.booleans(), st.booleans(), st.booleans())


@given(FRAMES, FLAGS, st.integers(1, 3))
def test_any_columns_are_sorted_as_polars_sorts_them(
    frame: pl.DataFrame, flags: tuple[bool, ...], count: int
) -> None:
    columns, descending = tuple(frame.columns[:count]), flags[:count]
    frame = frame.with_columns(place=pl.int_range(pl.len()))
    expected = frame.sort(
        columns, descending=list(descending), nulls_last=True, maintain_order=True
    )
    assert Order(columns, descending).sorted(frame).equals(expected)


@given(FRAMES, st.integers(1, 3))
def test_groups_start_where_a_key_changes(frame: pl.DataFrame, count: int) -> None:
    columns = frame.columns[:count]
    places, starts = grouped(frame, columns)
    keys = frame.select(columns) if places is None else frame.select(columns)[places]
    assert keys.filter(starts).equals(frame.select(columns).unique().sort(columns, nulls_last=True))
    assert starts.to_list()[:1] == [True] * min(1, frame.height)


def test_what_fits_is_packed_and_what_does_not_is_not() -> None:
    small = pl.DataFrame({"a": [3, None, 1], "b": [True, False, None]})
    assert packed(small, ["a", "b"], [False, True]) is not None
    assert packed(pl.DataFrame({"a": [-(2**61), 2**61]}), ["a"], [False]) is None
    assert packed(pl.DataFrame({"a": [0.5]}), ["a"], [False]) is None
    assert packed(small, ["a"], [False]).starts.to_list() == [True] * 3  # type: ignore[union-attr]
