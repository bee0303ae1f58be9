from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.kinds.transforms.sort import COMPONENT
from tests import duck
from tests.kinds.gathering import cut, gathered, steady
from tests.kinds.transforming import faults, typed

NUMBERS = st.sampled_from([None, float("nan"), float("inf"), -0.0, 0.0, 1.5, -2.0])
TEXTS = st.sampled_from([None, "", "a", "Z", "ü", "\U0001f600", "\uffff", "ab"])
ROWS = st.lists(st.tuples(NUMBERS, TEXTS, st.integers(0, 3)), max_size=120)
COLUMNS = ("x", "t", "n")
KEYS = st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=3, unique=True)


def framed(rows: list[tuple[float | None, str | None, int]]) -> pl.DataFrame:
    frame = pl.DataFrame(
        rows, schema={"x": pl.Float64, "t": pl.String, "n": pl.Int64}, orient="row"
    )
    return frame.with_row_index("place")


@settings(max_examples=60, deadline=None)
@given(ROWS, KEYS, st.lists(st.booleans(), min_size=3, max_size=3), st.lists(st.integers(0, 30)))
def test_the_order_is_duckdbs(
    rows: list[tuple[float | None, str | None, int]],
    keys: list[str],
    down: list[bool],
    sizes: list[int],
) -> None:
    frame = framed(rows)
    written = [f"-{key}" if reverse else key for key, reverse in zip(keys, down, strict=False)]
    out = steady(COMPONENT, {"sort": list(written)}, cut(frame, sizes))
    order = ", ".join(
        f"{key} {'desc' if reverse else 'asc'} nulls last"
        for key, reverse in zip(keys, down, strict=False)
    )
    judge = duck.connect()
    judge.register("rows", frame.to_arrow())
    expected = judge.sql(f"select place from rows order by {order}, place").fetchall()
    assert [(place,) for place in out["place"]] == expected if rows else out.is_empty()


def test_many_equal_records_stay_in_their_order() -> None:
    frame = pl.DataFrame({"k": [1] * 4000, "i": range(4000)})
    out = steady(COMPONENT, {"sort": ["k"]}, cut(frame, [300] * 13))
    assert out["i"].to_list() == list(range(4000))


def test_frames_are_cut_by_the_data_alone() -> None:
    frame = pl.DataFrame({"k": range(300_000, 0, -1), "t": ["x" * 100] * 300_000})
    whole = gathered(COMPONENT, {"sort": ["k"]}, [frame])
    spilled = gathered(COMPONENT, {"sort": ["k"]}, [frame], memory=1 << 22)
    heights = [out.height for out in whole.frames]
    assert heights == [out.height for out in spilled.frames]
    assert len(set(heights[:-1])) == 1 and len(heights) > 2
    assert spilled.whole["k"].is_sorted()


def test_what_is_wrong() -> None:
    columns = {"a": "int64", "b": "string"}
    assert faults(COMPONENT, {"sort": ["-c", "a", "-a"]}, columns) == [
        ("E505", ("sort", 0), None, None),
        ("E407", ("sort", 2), None, None),
    ]
    assert typed(COMPONENT, {"sort": ["-a", "b"]}, columns).schema.names == ["a", "b"]
