from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.kinds.transforms.explode import COMPONENT
from tests import duck
from tests.kinds.transforming import faults, passed, typed

LISTS = st.lists(st.none() | st.lists(st.none() | st.integers(0, 9), max_size=4), max_size=20)


@settings(max_examples=60, deadline=None)
@given(LISTS, st.integers(0, 20))
def test_items_are_those_of_unnest(lists: list[list[int | None] | None], cut: int) -> None:
    frame = pl.DataFrame(
        {"n": range(len(lists)), "l": lists}, schema={"n": pl.Int64, "l": pl.List(pl.Int64)}
    )
    frames, _ = passed(COMPONENT, {"explode": "l"}, [frame[:cut], frame[cut:]])
    connection = duck.connect()
    connection.register("rows", frame.to_arrow())
    query = "select n, unnest(l) from (select * from rows order by n)"
    expected = connection.execute(query).fetchall()
    assert [row for frame in frames for row in frame.rows()] == expected


def test_empty_lists_may_stay() -> None:
    frame = pl.DataFrame({"l": [[], None, [1]]}, schema={"l": pl.List(pl.Int64)})
    (out,), _ = passed(COMPONENT, {"explode": "l", "keep_empty": True}, [frame])
    assert out["l"].to_list() == [None, None, 1]


def test_what_is_wrong_and_what_leaves() -> None:
    columns = {"t": "string", "l": "list<int8>"}
    assert faults(COMPONENT, {"explode": "t"}, columns) == [("E430", ("explode",), None, None)]
    assert faults(COMPONENT, {"explode": "x"}, columns) == [("E505", ("explode",), None, None)]
    answer = typed(COMPONENT, {"explode": "l", "keep_empty": False}, columns)
    assert answer.arguments == {"explode": "l"}
    assert [str(column) for column in answer.schema] == ["t: string", "l: int8?"]
