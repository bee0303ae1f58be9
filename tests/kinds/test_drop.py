from __future__ import annotations

import polars as pl

from flowctl.kinds.transforms.drop import COMPONENT
from tests.kinds.transforming import faults, transformed, typed

COLUMNS = {"a": "int64", "b": "string?"}


def test_the_others_stay_in_order() -> None:
    frame = pl.DataFrame({"a": [1], "b": ["x"], "c": [2.5]})
    assert transformed(COMPONENT, {"drop": ["b"]}, frame).frame.rows() == [(1, 2.5)]
    assert typed(COMPONENT, {"drop": ["a"]}, COLUMNS).schema.names == ["b"]


def test_what_is_wrong() -> None:
    assert faults(COMPONENT, {"drop": ["bb"]}, COLUMNS) == [("E505", ("drop", 0), None, None)]
    assert faults(COMPONENT, {"drop": ["b", "a"]}, COLUMNS) == [("E408", ("drop",), None, None)]
