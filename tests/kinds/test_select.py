from __future__ import annotations

import polars as pl

from flowctl.dataflow import RECORD, SOURCE_FILE
from flowctl.expressions.scope import Scope
from flowctl.kinds.transforms.select import COMPONENT
from flowctl.operators import Rowwise
from flowctl.records import Schema
from tests.kinds.transforming import faults, transformed, typed

COLUMNS = {"a": "int64", "b": "string?", "c": "date"}


def test_columns_in_the_order_that_is_asked_for() -> None:
    frame = pl.DataFrame({"a": [1], "b": ["x"], "c": [2.5]})
    assert transformed(COMPONENT, {"select": ["c", "a"]}, frame).frame.rows() == [(2.5, 1)]


def test_types_are_kept() -> None:
    answer = typed(COMPONENT, {"select": ["c", "b"]}, COLUMNS)
    assert [str(column) for column in answer.schema] == ["c: date", "b: string?"]


def test_a_selected_stream_is_closed() -> None:
    answer = typed(COMPONENT, {"select": ["x"]}, Schema(open=True))
    assert not answer.schema.open
    assert answer.schema.names == ["x"]


def test_the_engines_own_columns_stay() -> None:
    frame = pl.DataFrame({"a": [1], "b": [2], SOURCE_FILE: ["f"], RECORD: [0]}).lazy()
    operator = COMPONENT.prepare(
        {"select": ["b"]}, Schema.of({"a": "int64", "b": "int64"}), Scope()
    )
    assert isinstance(operator, Rowwise)
    assert operator.apply(frame).collect().columns == ["b", SOURCE_FILE, RECORD]


def test_a_name_is_never_a_pattern() -> None:
    frame = pl.DataFrame({"^a.*$": [1], "ab": [2]})
    assert transformed(COMPONENT, {"select": ["^a.*$"]}, frame).frame.columns == ["^a.*$"]


def test_what_is_wrong() -> None:
    assert faults(COMPONENT, {"select": ["a", "B", "zz"]}, COLUMNS) == [
        ("E505", ("select", 1), None, None),
        ("E505", ("select", 2), None, None),
    ]
