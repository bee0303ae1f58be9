from __future__ import annotations

import polars as pl

from flowctl.kinds.transforms.flatten import COMPONENT
from flowctl.records import Schema
from tests.kinds.transforming import faults, judged, transformed, typed

COLUMNS = {"id": "int64", "address": "struct<city: string, zip: string?>?", "name": "string"}


def test_fields_stand_in_the_place_of_the_struct() -> None:
    frame = pl.DataFrame(
        {"id": [1, 2, 3], "loc": [{"x": 1, "y": "a"}, {"x": None, "y": "b"}, None], "z": [4, 5, 6]}
    )
    out = transformed(COMPONENT, {"flatten": "loc"}, frame).frame
    assert out.columns == ["id", "x", "y", "z"]
    assert out.rows() == judged("select id, unnest(loc), z from frame", frame)


def test_types_follow() -> None:
    answer = typed(COMPONENT, {"flatten": "address"}, COLUMNS)
    shown = [str(column) for column in answer.schema]
    assert shown == ["id: int64", "city: string?", "zip: string?", "name: string"]


def test_a_field_may_have_the_name_of_its_struct() -> None:
    frame = pl.DataFrame({"at": [{"at": 1, "y": 2}]})
    assert transformed(COMPONENT, {"flatten": "at"}, frame).frame.rows() == [(1, 2)]


def test_an_unknown_type_opens_the_stream() -> None:
    answer = typed(COMPONENT, {"flatten": "x"}, Schema(open=True))
    assert not answer.faults
    assert answer.schema.open


def test_what_is_wrong() -> None:
    assert faults(COMPONENT, {"flatten": "adress"}, COLUMNS) == [("E505", ("flatten",), None, None)]
    assert faults(COMPONENT, {"flatten": "id"}, COLUMNS) == [("E509", ("flatten",), None, None)]
    clash = {**COLUMNS, "zip": "int64"}
    assert faults(COMPONENT, {"flatten": "address"}, clash) == [("E407", ("flatten",), None, None)]
