"""Groups of numbers that are merged by NumPy, judged by Polars."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from flowctl.gathering.grouping import MANY
from flowctl.gathering.stretches import folded
from flowctl.kinds.transforms.aggregate import COMPONENT
from flowctl.syntax.node import Json
from tests.kinds.gathering import gathered

STARTS = np.array([0, 1, 3, 4, 7])
NUMBERS = [5, None, None, -3, None, 1, 2, None, 7, 7]
DAYS = [None if number is None else date(2024, 1, 9) + timedelta(number) for number in NUMBERS]
VALUES = [
    pl.Series("v", NUMBERS, pl.Int64),
    pl.Series("v", NUMBERS, pl.Int8),
    pl.Series("v", [1, 2, 3, 4, 5, 6, 7, 8, 9, 0], pl.UInt32),
    pl.Series("v", NUMBERS, pl.Float64),
    pl.Series("v", [1.5, None, float("inf"), float("-inf"), 0.0, -0.0, None, None, None, None]),
    pl.Series("v", DAYS, pl.Date),
    pl.Series("v", DAYS).cast(pl.Datetime("us")),
    pl.Series("v", [None] * 10, pl.Int64),
    pl.Series("v", list("abcdefghij")),
    pl.Series("v", NUMBERS, pl.Int128),
]


@pytest.mark.parametrize("values", VALUES, ids=lambda values: str(values.dtype))
def test_a_stretch_gives_what_polars_gives(values: pl.Series) -> None:
    v = pl.col("v")
    by_polars = {
        "sum": pl.when(v.count() > 0).then(v.sum()),
        "least": v.min(),
        "greatest": v.max(),
    }
    lengths = [*np.diff(STARTS), len(values) - STARTS[-1]]
    frame = pl.DataFrame({"v": values, "g": np.repeat(np.arange(len(STARTS)), lengths)})
    some = False
    for fold in ("sum", "least", "greatest"):
        found = folded(values, STARTS, fold)
        if found is not None:
            expected = frame.group_by("g", maintain_order=True).agg(by_polars[fold].alias("v"))
            assert found.equals(expected["v"], check_dtypes=True)
            some = True
    assert some == (values.dtype not in (pl.String, pl.Int128))


def test_a_sum_does_not_depend_on_what_stands_around_it() -> None:
    dice = np.random.default_rng(3)
    values = pl.Series("v", dice.random(4000) * 10.0 ** dice.integers(-9, 9, 4000))
    values = values.set(pl.Series(dice.random(4000) < 0.1), None)
    starts = np.unique(np.append(0, dice.integers(0, 4000, 60)))
    ends = [*starts[1:], len(values)]
    alone = [
        folded(values.slice(start, end - start).rechunk(), np.array([0]), "sum")
        for start, end in zip(starts, ends, strict=True)
    ]
    found = folded(values, starts, "sum")
    assert found is not None
    assert found.equals(pl.concat([one for one in alone if one is not None]))


def test_memory_changes_no_bit_of_what_is_merged() -> None:
    dice = np.random.default_rng(4)
    rows = MANY + 70_000
    frame = pl.DataFrame(
        {
            "k": dice.integers(-40_000, 40_000, rows),
            "x": dice.random(rows) * 10.0 ** dice.integers(-9, 9, rows),
            "d": pl.Series(dice.integers(0, 20_000, rows)).cast(pl.Int32).cast(pl.Date),
        }
    )
    for name in frame.columns:
        hidden = pl.Series(dice.random(rows) < 0.05)
        frame = frame.with_columns(frame[name].set(hidden, None))
    arguments: dict[str, Json] = {
        "aggregate": {
            "n": "count(*)",
            "s": "sum(x)",
            "m": "avg(x)",
            "d": "max(d)",
            "t": "min(x)",
            "i": "sum(k)",
            "w": "count(*) filter (where x > 0.5)",
        },
        "by": ["k"],
    }
    splits = [*frame.iter_slices(60_000)]
    much = gathered(COMPONENT, arguments, splits)
    little = gathered(COMPONENT, arguments, splits, 8 << 20)
    assert much.bytes == little.bytes
    x = pl.col("x")
    expected = (
        frame.group_by("k")
        .agg(
            n=pl.len(),
            s=pl.when(x.count() > 0).then(x.sum()),
            m=x.mean(),
            d=pl.col("d").max(),
            t=x.min(),
            i=pl.when(pl.col("k").count() > 0).then(pl.col("k").sum()),
            w=(x > 0.5).sum(),
        )
        .sort("k", nulls_last=True)
    )
    assert_frame_equal(much.whole, expected, check_dtypes=False)
