from __future__ import annotations

import polars as pl

from flowctl.diagnostics import Fault
from flowctl.kinds.transforms.rename import COMPONENT
from tests.kinds.transforming import faults, transformed, typed

COLUMNS = {"a": "int64", "b": "string?", "c": "date"}


def test_columns_keep_their_place() -> None:
    frame = pl.DataFrame({"a": [1], "b": ["x"], "c": [2.5]})
    out = transformed(COMPONENT, {"rename": {"z": "b"}}, frame).frame
    assert out.columns == ["a", "z", "c"]


def test_names_may_be_swapped() -> None:
    frame = pl.DataFrame({"a": [1], "b": ["x"]})
    out = transformed(COMPONENT, {"rename": {"a": "b", "b": "a"}}, frame).frame
    assert out.columns == ["b", "a"]
    assert out.rows() == [(1, "x")]


def test_what_is_wrong() -> None:
    assert faults(COMPONENT, {"rename": {"z": "d"}}, COLUMNS) == [
        ("E505", ("rename", "z"), None, None)
    ]
    assert faults(COMPONENT, {"rename": {"x": "a", "y": "a"}}, COLUMNS) == [
        ("E407", ("rename", "y"), None, None)
    ]
    found: tuple[Fault, ...] = typed(COMPONENT, {"rename": {"b": "a"}}, COLUMNS).faults
    assert [(fault.code.id, fault.pointer, fault.key) for fault in found] == [
        ("E407", ("rename", "b"), True)
    ]
