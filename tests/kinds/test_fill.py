from __future__ import annotations

import datetime as dt

import polars as pl

from flowctl.diagnostics import Fault
from flowctl.kinds.transforms.fill import COMPONENT
from tests.kinds.transforming import faults, transformed, typed

COLUMNS = {"delay": "int64?", "carrier": "string?", "day": "date?"}


def test_only_nulls_are_replaced() -> None:
    frame = pl.DataFrame(
        {"a": [1, None], "b": ["x", None], "c": [None, 2.5]},
        schema_overrides={"c": pl.Float64},
    )
    out = transformed(COMPONENT, {"fill": {"a": 0, "b": "'?'", "c": "a * 2"}}, frame)
    assert out.frame.rows() == [(1, "x", 2.0), (0, "?", 2.5)]


def test_a_literal_takes_the_columns_type() -> None:
    frame = pl.DataFrame({"day": [dt.date(2013, 1, 1), None]})
    out = transformed(COMPONENT, {"fill": {"day": "'2013-12-31'"}}, frame)
    assert out.frame["day"].to_list() == [dt.date(2013, 1, 1), dt.date(2013, 12, 31)]


def test_a_fault_counts_only_where_the_value_is_needed() -> None:
    frame = pl.DataFrame({"a": [1, None, None], "b": [0, 0, 2]})
    out = transformed(COMPONENT, {"fill": {"a": "10 // b"}}, frame)
    assert out.faults.keys() == {1}
    assert out.frame["a"].to_list() == [1, 5]


def test_columns_keep_type_and_place() -> None:
    answer = typed(COMPONENT, {"fill": {"carrier": "'UA'", "delay": "0"}}, COLUMNS)
    assert answer.schema.names == list(COLUMNS)
    assert answer.arguments == {"fill": [["carrier", "'UA'"], ["delay", "0"]]}


def test_what_is_wrong() -> None:
    assert faults(COMPONENT, {"fill": {"delay": "'none'"}}, COLUMNS)[0][0] in ("E510", "E511")
    assert faults(COMPONENT, {"fill": {"carrier": "0"}}, COLUMNS) == [
        ("E510", ("fill", "carrier"), 0, 1)
    ]
    found: tuple[Fault, ...] = typed(COMPONENT, {"fill": {"dealy": "0"}}, COLUMNS).faults
    assert [(fault.code.id, fault.pointer, fault.key) for fault in found] == [
        ("E505", ("fill", "dealy"), True)
    ]
