from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.kinds.transforms.pivot import COMPONENT
from flowctl.kinds.transforms.unpivot import COMPONENT as UNPIVOT
from flowctl.syntax.node import Json
from tests import duck
from tests.kinds.gathering import cut, steady
from tests.kinds.transforming import faults, passed, typed

ROWS = st.lists(
    st.tuples(
        st.sampled_from([None, "a", "b"]),
        st.sampled_from([None, "x", "y", "it's", "other"]),
        st.sampled_from([None, 1, -7, 2**40]),
    ),
    max_size=40,
)
VALUES = ["sum(n)", "count(*)", "count(n)", "max(k)", "coalesce(sum(n), 0) + 1"]
TYPES = {"k": pl.String, "what": pl.String, "n": pl.Int64}


@settings(max_examples=25, deadline=None)
@given(ROWS, st.sampled_from(VALUES), st.lists(st.integers(0, 12), max_size=3))
def test_groups_are_duckdbs(rows: list[tuple[Any, ...]], value: str, sizes: list[int]) -> None:
    frame = pl.DataFrame(rows, schema=TYPES, orient="row")
    arguments: dict[str, Json] = {
        "pivot": "what",
        "in": ["x", "it's", "never"],
        "value": value,
        "by": ["k"],
    }
    out = steady(COMPONENT, arguments, cut(frame, sizes))
    query = f"pivot frame on what in ('x', 'it''s', 'never') using {value} group by k"
    with duck.connect() as connection:
        connection.register("frame", frame.to_arrow())
        expected = connection.execute(f"from ({query}) order by k nulls last").fetchall()
    assert out.columns == ["k", "x", "it's", "never"]
    assert out.rows() == expected


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.sampled_from("abcdef"), st.one_of(st.none(), st.integers(-9, 9))),
        st.lists(st.one_of(st.none(), st.floats(allow_nan=False)), min_size=3, max_size=3),
        min_size=1,
    )
)
def test_it_is_the_way_back_from_unpivot(
    rows: dict[tuple[str, int | None], list[float | None]],
) -> None:
    frame = pl.DataFrame(
        [(*key, *values) for key, values in rows.items()],
        schema={"k": pl.String, "j": pl.Int64, **dict.fromkeys("xyz", pl.Float64)},
        orient="row",
    )
    names: dict[str, Json] = {"name": "what", "value": "v"}
    (long,), _ = passed(UNPIVOT, {"unpivot": ["x", "y", "z"], **names}, [frame])
    back: dict[str, Json] = {"pivot": "what", "in": ["x", "y", "z"], "value": "any_value(v)"}
    out = steady(COMPONENT, back, cut(long, [7, 5]))
    assert out.equals(frame.sort("k", "j", nulls_last=True))


def test_values_of_every_sort() -> None:
    frame = pl.DataFrame({"m": [1, 2, None, 2], "b": [True, False, None, True], "x": [1, 2, 4, 8]})
    by_number: dict[str, Json] = {"pivot": "m", "in": {"one": 1, "none": None}, "value": "sum(x)"}
    out = steady(COMPONENT, {**by_number, "by": [{"all": "true"}]}, [frame])
    assert out.rows() == [(True, 1, 4)]
    by_truth: dict[str, Json] = {"pivot": "b", "in": [True, False, None], "value": "sum(x)"}
    out = steady(COMPONENT, {**by_truth, "by": ["m"]}, [frame])
    assert out.columns == ["m", "true", "false", "null"]
    assert out.rows() == [(1, 1, None, None), (2, 8, 2, None), (None, None, None, 4)]


def test_other_columns_are_keys() -> None:
    columns = {"carrier": "string", "day": "date", "origin": "string", "delay": "int64?"}
    arguments: dict[str, Json] = {
        "pivot": "origin",
        "in": ["EWR", "JFK"],
        "value": "AVG(delay)filter(where delay>0)",
    }
    answer = typed(COMPONENT, arguments, columns)
    assert answer.arguments == {
        "pivot": "origin",
        "in": [["EWR", "EWR"], ["JFK", "JFK"]],
        "value": "avg(delay) filter (where delay > 0)",
        "by": ["carrier", "day"],
    }
    shown = [f"{column.name} {column.type}" for column in answer.schema]
    assert shown == ["carrier string", "day date", "EWR float64", "JFK float64"]


def test_what_is_wrong() -> None:
    columns = {"k": "string", "m": "int64", "x": "int64"}

    def found(values: Json = None, **arguments: Json) -> list[tuple[str, tuple[str | int, ...]]]:
        given: dict[str, Json] = {"pivot": "m", "value": "sum(x)", "by": ["k"]}
        given["in"] = values or [1]
        return [fault[:2] for fault in faults(COMPONENT, {**given, **arguments}, columns)]

    assert found(pivot="mm") == [("E505", ("pivot",))]
    assert found(value="x") == [("E518", ("value",))]
    assert found({"a": "b", "k": 1}) == [("E509", ("in", "a")), ("E407", ("in", "k"))]
    assert found([1, "1"]) == [("E509", ("in", 1)), ("E407", ("in", 1))]
