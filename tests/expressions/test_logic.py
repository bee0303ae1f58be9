"""Comparisons, truth with three values, choices; only the branch that is taken can fail."""

from __future__ import annotations

import duckdb
import pytest

from tests.expressions.judge import disagreements
from tests.expressions.rows import columns_of

EXPRESSIONS = [
    "p < q",
    "p < f",
    "a < f",
    "a = b",
    "a = 1",
    "a > 1.5",
    "f = g",
    "f < g",
    "f <> g",
    "s < t",
    "s >= t",
    "d < m",
    "d = e",
    "m < n",
    "m > z",
    "a < u",
    "o = w",
    "l = l",
    "x <> x",
    "y = y",
    "bin < bin",
    "c > '10:00'",
    "dur > interval '1 day'",
    "o and w",
    "o or w",
    "not o",
    "o and w and a > 1",
    "o or not w",
    "o is true",
    "o is not true",
    "o is false",
    "o is not false",
    "a is null",
    "y is not null",
    "a is distinct from b",
    "s is not distinct from t",
    "a between b and 100",
    "s between 'a' and t",
    "a not between 1 and 2",
    "a in (1, 2, null)",
    "a in (1, 2)",
    "a not in (1, b)",
    "f in (1, 2.5)",
    "s in ('a', 'abc')",
    "d in ('2013-02-28', '1970-01-01')",
    "b <> 0 and a // b > 1",
    "b = 0 or a // b > 1",
    "a // b > 1 or b = 0",
    "greatest(f, g)",
    "greatest(a, null, 3)",
    "greatest(p, a, f)",
    "greatest(d, m)",
    "least(s, t)",
    "least(f, 2.5)",
    "nullif(f, g)",
    "nullif(s, 'a')",
    "nullif(a, 1)",
    "coalesce(a // b, 1)",
    "coalesce(a, b, 0)",
    "coalesce(d, '2013-01-01')",
    "ifnull(s, 'none')",
    "if(o, a, b)",
    "if(o, 1, 2.5)",
    "case when o then a // b when w then 7 end",
    "case when b = 0 then 0 else a // b end",
    "case k when 1 then 'one' when 2 then 'two' else s end",
    "case when o then null else d end",
    "try(a * b)",
    "try(cast(s as integer))",
    "try(a // b) is null",
    "m = '2013-02-28'",
    "d between '2000-01-01' and '2020-01-01'",
]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_agrees_with_duckdb(duck: duckdb.DuckDBPyConnection, text: str) -> None:
    assert not disagreements(duck, text, columns_of(text))
