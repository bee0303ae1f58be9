from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from flowctl.kinds.transforms.filter import COMPONENT
from tests.kinds.transforming import faults, judged, transformed, typed

COLUMNS = {"delay": "int64?", "carrier": "string?"}


def test_null_counts_as_false() -> None:
    frame = pl.DataFrame({"delay": [1, None, 30], "carrier": ["UA", "AA", None]})
    assert transformed(COMPONENT, {"filter": "delay > 5"}, frame).frame["delay"].to_list() == [30]
    assert transformed(COMPONENT, {"filter": "carrier = 'UA'"}, frame).frame.height == 1


def test_a_constant_is_a_value_and_never_text() -> None:
    frame = pl.DataFrame({"carrier": ["UA", "' or true --"]})
    constants = {"params": {"carrier": "' or true --"}}
    out = transformed(COMPONENT, {"filter": "carrier = params.carrier"}, frame, constants)
    assert out.frame["carrier"].to_list() == ["' or true --"]


def test_a_boolean_needs_no_quotes() -> None:
    frame = pl.DataFrame({"delay": [1, 2]})
    assert transformed(COMPONENT, {"filter": False}, frame).frame.height == 0
    assert transformed(COMPONENT, {"filter": True}, frame).frame.height == 2


def test_columns_leave_as_they_came() -> None:
    answer = typed(COMPONENT, {"filter": "delay > 5"}, COLUMNS)
    assert [str(column) for column in answer.schema] == ["delay: int64?", "carrier: string?"]


def test_what_is_wrong() -> None:
    assert faults(COMPONENT, {"filter": "dealy > 5"}, COLUMNS) == [("E505", ("filter",), 0, 5)]
    assert faults(COMPONENT, {"filter": "delay + 5"}, COLUMNS) == [("E510", ("filter",), 0, 9)]
    assert faults(COMPONENT, {"filter": "delay >"}, COLUMNS)[0][0] == "E501"
    assert faults(COMPONENT, {"filter": "carrier > 5 and x"}, COLUMNS) == [
        ("E509", ("filter",), 0, 11),
        ("E505", ("filter",), 16, 17),
    ]


def test_a_fault_of_one_record_is_its_own() -> None:
    frame = pl.DataFrame({"a": [10, 20, 30], "b": [5, 0, 2]})
    out = transformed(COMPONENT, {"filter": "a // b > 2"}, frame)
    assert out.faults.keys() == {1}
    assert out.frame["a"].to_list() == [30]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.none() | st.integers(-9, 9), st.none() | st.text("ab", max_size=2))),
    st.sampled_from(
        ["a > 3", "a between -2 and 5 or b = 'a'", "b like 'a%'", "not a = 2", "a is null"]
    ),
)
def test_keeps_what_duckdb_keeps(rows: list[tuple[int | None, str | None]], condition: str) -> None:
    frame = pl.DataFrame(rows, schema={"a": pl.Int64, "b": pl.String}, orient="row")
    expected = judged(f"select * from frame where {condition}", frame)
    assert transformed(COMPONENT, {"filter": condition}, frame).frame.rows() == expected
