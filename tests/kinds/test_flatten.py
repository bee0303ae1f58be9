from __future__ import annotations

import polars as pl

from flowctl.kinds.transforms.flatten import COMPONENT
from tests.kinds.transforming import faults, transformed, typed

FRAME = pl.DataFrame({"a": [1, 2], "s": [{"x": 1, "y": "p"}, None], "b": [3, 4]})


def test_fields_become_columns_in_the_structs_place() -> None:
    out = transformed(COMPONENT, {"flatten": "s"}, FRAME).frame
    assert out.columns == ["a", "x", "y", "b"]
    assert out.rows() == [(1, 1, "p", 3), (2, None, None, 4)]
    assert out.equals(FRAME.unnest("s"))


def test_a_prefix_sets_them_apart() -> None:
    out = transformed(COMPONENT, {"flatten": "s", "prefix": "s_"}, FRAME).frame
    assert out.columns == ["a", "s_x", "s_y", "b"]


def test_what_is_wrong() -> None:
    columns = {"x": "int64", "s": "struct<x: int64, y: string>"}
    assert faults(COMPONENT, {"flatten": "s"}, columns) == [("E407", ("flatten",), None, None)]
    assert faults(COMPONENT, {"flatten": "x"}, columns) == [("E430", ("flatten",), None, None)]
    assert faults(COMPONENT, {"flatten": "z"}, columns) == [("E505", ("flatten",), None, None)]
    answer = typed(COMPONENT, {"flatten": "s", "prefix": ""}, {"s": columns["s"]})
    assert answer.arguments == {"flatten": "s"}
