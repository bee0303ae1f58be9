from __future__ import annotations

import polars as pl

from flowctl.kinds.transforms.unpivot import COMPONENT
from tests import duck
from tests.kinds.transforming import faults, passed, typed

FRAME = pl.DataFrame(
    {"k": ["x", "y", "z"], "a": [1, None, 3], "b": [2.5, 3.5, None], "t": ["p", None, "q"]}
)


def test_records_are_those_of_unpivot_with_nulls() -> None:
    arguments = {"unpivot": ["b", "a"], "name": "what", "value": "v"}
    (first, second), _ = passed(COMPONENT, dict(arguments), [FRAME[:1], FRAME[1:]])
    connection = duck.connect()
    connection.register("rows", FRAME.to_arrow())
    query = "from rows unpivot include nulls (v for what in (b, a))"
    assert first.rows() + second.rows() == connection.execute(query).fetchall()


def test_what_is_wrong_and_what_leaves() -> None:
    columns = {"a": "int8", "b": "float32?", "t": "string", "value": "date"}
    assert faults(COMPONENT, {"unpivot": ["a", "t"], "name": "b"}, columns) == [
        ("E430", ("unpivot",), None, None),
        ("E407", ("name",), None, None),
        ("E407", ("unpivot",), None, None),
    ]
    assert faults(COMPONENT, {"unpivot": ["a", "x"], "value": "v"}, columns)[0][1] == ("unpivot", 1)
    answer = typed(COMPONENT, {"unpivot": ["a", "b"], "name": "name", "value": "v"}, columns)
    assert answer.arguments == {"unpivot": ["a", "b"], "value": "v"}
    shown = [str(column) for column in answer.schema]
    assert shown == ["t: string", "value: date", "name: string", "v: float32?"]
