"""The example of every function runs here, and gives what the example says, in DuckDB as well."""

from __future__ import annotations

import duckdb
import polars as pl
import pytest

from flowctl.expressions import FUNCTIONS, Scope, check
from flowctl.expressions.evaluate import Refused, evaluate
from tests.expressions.judge import disagreements, same

ROW = pl.DataFrame({"a": [1]})


@pytest.mark.parametrize("name", FUNCTIONS)
def test_example(duck: duckdb.DuckDBPyConnection, name: str) -> None:
    function = FUNCTIONS[name]
    text, _, expected = function.example.partition(" → ")
    assert expected, "an example reads `expression → value`"
    assert not disagreements(duck, text, ROW)
    left, right = _value(text), _value(expected)
    assert same(left, right) or left == right, (left, right)


def _value(text: str) -> object:
    checked = check(text, Scope())
    assert checked.tree is not None, [fault.message for fault in checked.faults]
    found = evaluate(checked.tree, {})
    assert not isinstance(found, Refused), found
    return found


def test_there_are_enough() -> None:
    assert len(FUNCTIONS) > 150


@pytest.mark.parametrize("name", FUNCTIONS)
def test_documentation(name: str) -> None:
    function = FUNCTIONS[name]
    assert function.doc.endswith(".")
    assert function.family
    assert all(str(signature) for signature in function.signatures)
