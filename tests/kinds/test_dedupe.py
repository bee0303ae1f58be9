from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.kinds.transforms.dedupe import COMPONENT
from flowctl.syntax.node import Json
from tests.kinds.gathering import cut, steady
from tests.kinds.transforming import faults, typed

ROW = st.tuples(
    st.sampled_from([None, 1, 2, 3, -70, 300, 1 << 62]),
    st.sampled_from([None, "a", "b"]),
    st.integers(0, 9),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(ROW, max_size=80),
    st.lists(st.sampled_from("kt"), min_size=1, max_size=2, unique=True),
    st.sampled_from(["first", "last"]),
    st.lists(st.integers(0, 20)),
)
def test_one_record_of_each_key_in_input_order(
    rows: list[tuple[int | None, str | None, int]], keys: list[str], keep: str, sizes: list[int]
) -> None:
    types = {"k": pl.Int64, "t": pl.String, "n": pl.Int64}
    frame = pl.DataFrame(rows, schema=types, orient="row").with_row_index("place")
    arguments: dict[str, Json] = {"dedupe": list(keys), "keep": keep}
    out = steady(COMPONENT, arguments, cut(frame, sizes))
    kept: dict[tuple[object, ...], int] = {}
    for row in frame.rows(named=True):
        key = tuple(row[name] for name in keys)
        if keep == "last" or key not in kept:
            kept[key] = row["place"]
    assert (out["place"].to_list() if rows else []) == sorted(kept.values())


def test_nan_equals_nan_and_zero_minus_zero() -> None:
    frame = pl.DataFrame({"x": [float("nan"), 0.0, float("nan"), -0.0, None, None]})
    out = steady(COMPONENT, {"dedupe": ["x"]}, cut(frame, [2, 2]))
    assert out["x"].to_list()[1:] == [0.0, None]


def test_what_is_wrong_and_what_is_left_out() -> None:
    columns = {"a": "int64"}
    assert faults(COMPONENT, {"dedupe": ["b"]}, columns) == [("E505", ("dedupe", 0), None, None)]
    answer = typed(COMPONENT, {"dedupe": ["a"], "keep": "first"}, columns)
    assert answer.arguments == {"dedupe": ["a"]}
