"""Casts: rounding, ranges, and how values are read from text and written as text."""

from __future__ import annotations

import duckdb
import pytest

from tests.expressions.judge import disagreements
from tests.expressions.rows import columns_of

EXPRESSIONS = [
    "cast(a as tinyint)",
    "cast(a as utinyint)",
    "cast(a as ubigint)",
    "cast(a as hugeint)",
    "cast(a as double)",
    "cast(a as real)",
    "cast(a as decimal(10,2))",
    "cast(a as text)",
    "cast(a as boolean)",
    "cast(f as bigint)",
    "cast(f as tinyint)",
    "cast(f as ubigint)",
    "cast(f as real)",
    "cast(f as decimal(10,2))",
    "cast(f as decimal(38,0))",
    "cast(f as text)",
    "cast(f as boolean)",
    "cast(h as text)",
    "cast(h as double)",
    "cast(h as integer)",
    "cast(h as decimal(5,1))",
    "cast(p as text)",
    "cast(p as bigint)",
    "cast(p as tinyint)",
    "cast(p as double)",
    "cast(p as real)",
    "cast(p as decimal(20,5))",
    "cast(r as double)",
    "cast(r as decimal(10,1))",
    "cast(q as decimal(5,1))",
    "cast(p as boolean)",
    "cast(s as integer)",
    "cast(s as utinyint)",
    "cast(s as double)",
    "cast(s as real)",
    "cast(s as decimal(5,1))",
    "cast(s as date)",
    "cast(s as timestamp)",
    "cast(s as time)",
    "cast(s as boolean)",
    "cast(s as blob)",
    "cast(s as timestamptz)",
    "try_cast(s as integer)",
    "try_cast(f as tinyint)",
    "cast(d as text)",
    "cast(d as timestamp)",
    "cast(d as timestamptz)",
    "cast(m as text)",
    "cast(m as date)",
    "cast(m as time)",
    "cast(m as timestamptz)",
    "cast(z as timestamp)",
    "cast(z as date)",
    "cast(z as text)",
    "cast(c as text)",
    "cast(o as integer)",
    "cast(o as double)",
    "cast(o as decimal(3,1))",
    "cast(o as text)",
    "cast(l as double[])",
    "cast(l as tinyint[])",
    "cast(x as integer[])",
    "cast(y as struct(a tinyint, b text))",
    "cast(bin as text)",
    "cast(null as date)",
    "s::integer + 1",
    "a::text::integer",
]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_agrees_with_duckdb(duck: duckdb.DuckDBPyConnection, text: str) -> None:
    assert not disagreements(duck, text, columns_of(text))
