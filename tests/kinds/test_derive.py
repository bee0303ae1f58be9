from __future__ import annotations

import polars as pl

from flowctl.kinds.transforms.derive import COMPONENT
from flowctl.records import Schema
from tests.kinds.transforming import faults, judged, transformed, typed

COLUMNS = {"distance": "int64", "air_time": "int64?", "carrier": "string?"}


def test_all_expressions_see_the_columns_that_come_in() -> None:
    frame = pl.DataFrame({"a": [1, 2], "b": [10, 20]})
    out = transformed(COMPONENT, {"derive": {"a": "b", "b": "a", "c": "a + b"}}, frame).frame
    assert out.rows() == [(10, 1, 11), (20, 2, 22)]


def test_new_columns_come_last_and_others_stay_in_place() -> None:
    answer = typed(COMPONENT, {"derive": {"z": "1", "air_time": "air_time / 60"}}, COLUMNS)
    assert answer.schema.names == ["distance", "air_time", "carrier", "z"]
    assert str(answer.schema["air_time"].type) == "float64"


def test_the_order_is_kept_in_canonical_arguments() -> None:
    answer = typed(COMPONENT, {"derive": {"z": "1", "a": " 2"}}, COLUMNS)
    assert answer.arguments == {"derive": [["z", "1"], ["a", "2"]]}


def test_constants_stand_in_canonical_arguments_as_literals() -> None:
    constants = {"params": {"limit": 15}}
    answer = typed(COMPONENT, {"derive": {"late": "distance > params.limit"}}, COLUMNS, constants)
    assert answer.arguments == {"derive": [["late", "distance > 15"]]}


def test_values_are_those_of_duckdb() -> None:
    frame = pl.DataFrame(
        {"distance": [100, 7, -3], "air_time": [60, None, 7], "carrier": ["a", None, "B"]}
    )
    derive = {
        "speed": "distance / (air_time / 60.0)",
        "whole": "distance // 2",
        "rest": "distance % 2",
        "upper": "upper(carrier)",
        "known": "case when air_time is null then 'no' else 'yes' end",
    }
    ours = transformed(COMPONENT, {"derive": derive}, frame).frame
    columns = ", ".join(f"{text} as {name}" for name, text in derive.items())
    assert ours.rows() == judged(f"select *, {columns} from frame", frame)


def test_overflow_is_a_fault_of_its_record() -> None:
    frame = pl.DataFrame({"a": [1, 2**62, 3]})
    out = transformed(COMPONENT, {"derive": {"b": "a * 4", "c": "1 // (a - 3)"}}, frame)
    assert out.faults.keys() == {1, 2}
    assert out.frame["b"].to_list() == [4]


def test_what_is_wrong() -> None:
    wrong = {"derive": {"x": "distnace + 1", "y": "carrier * 2", "z": "nope(1)"}}
    assert faults(COMPONENT, wrong, COLUMNS) == [
        ("E505", ("derive", "x"), 0, 8),
        ("E509", ("derive", "y"), 0, 11),
        ("E507", ("derive", "z"), 0, 4),
    ]


def test_behind_an_unknown_stream_everything_is_possible() -> None:
    answer = typed(COMPONENT, {"derive": {"x": "whatever + 1"}}, Schema(open=True))
    assert not answer.faults
    assert answer.schema.open
