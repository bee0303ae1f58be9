from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest

from flowctl.diagnostics import Fault
from flowctl.kinds.transforms.cast import COMPONENT
from tests.kinds.transforming import faults, judged, transformed, typed

COLUMNS = {"flight": "string", "delay": "float64?", "day": "date", "tags": "list<string>"}


def test_types_and_places() -> None:
    answer = typed(COMPONENT, {"cast": {"delay": "int64?", "flight": " int32 "}}, COLUMNS)
    assert [str(column) for column in answer.schema][:2] == ["flight: int32", "delay: int64?"]
    assert answer.arguments == {"cast": [["delay", "int64?"], ["flight", "int32"]]}


def test_a_value_that_the_type_lacks_is_a_fault_of_its_record() -> None:
    frame = pl.DataFrame({"a": ["1", "x", "300", None]})
    out = transformed(COMPONENT, {"cast": {"a": "int8?"}}, frame)
    assert out.faults.keys() == {1, 2}
    assert out.frame["a"].to_list() == [1, None]


def test_a_null_needs_a_nullable_type() -> None:
    frame = pl.DataFrame({"a": ["1", None]})
    out = transformed(COMPONENT, {"cast": {"a": "int64"}}, frame)
    assert out.faults == {1: "`a` is null, but is to be int64; `int64?` would admit nulls"}
    same = transformed(COMPONENT, {"cast": {"a": "string"}}, frame)
    assert same.faults.keys() == {1}


@pytest.mark.parametrize(
    ("values", "kind", "sql"),
    [
        ([1.5, 2.5, -0.5, None], "int64?", "bigint"),
        (["2013-01-31", None], "date?", "date"),
        (["2013-01-31 05:06:07.5"], "datetime?", "timestamp"),
        (["1.25", "3"], "decimal(10,2)?", "decimal(10,2)"),
        ([1, 0, None], "boolean?", "boolean"),
        (["true", "f"], "boolean?", "boolean"),
        ([True, False], "string?", "varchar"),
        ([1, -2], "float64?", "double"),
        ([dt.date(2013, 1, 2)], "datetime?", "timestamp"),
        ([dt.date(2013, 1, 2)], "string?", "varchar"),
        ([Decimal("1.50")], "string?", "varchar"),
        ([[1, 2], None], "list<string?>?", "varchar[]"),
        ([1e300, 2.0], "float32?", "real"),
    ],
)
def test_values_are_those_of_duckdb(values: list[object], kind: str, sql: str) -> None:
    frame = pl.DataFrame({"a": values})
    out = transformed(COMPONENT, {"cast": {"a": kind}}, frame)
    expected = judged(f"select try_cast(a as {sql}) from frame", frame)
    sound = [row for index, row in enumerate(expected) if index not in out.faults]
    assert out.frame.rows() == sound
    refused = [index for index, row in enumerate(expected) if row == (None,)]
    assert [index for index in refused if values[index] is not None] == list(out.faults)


def test_what_is_wrong() -> None:
    wrong = {"cast": {"flight": "int46", "delay": "decimal(50,2)", "tags": "date"}}
    assert faults(COMPONENT, wrong, COLUMNS) == [
        ("E409", ("cast", "flight"), 0, 5),
        ("E409", ("cast", "delay"), 7, 13),
        ("E410", ("cast", "tags"), None, None),
    ]
    found: tuple[Fault, ...] = typed(COMPONENT, {"cast": {"dely": "int64"}}, COLUMNS).faults
    assert [(fault.code.id, fault.key, fault.help) for fault in found] == [
        ("E505", True, "did you mean `delay`?")
    ]
