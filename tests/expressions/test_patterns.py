"""Patterns: DuckDB reads RE2, Polars reads Rust regular expressions."""

from __future__ import annotations

import duckdb
import pytest

from tests.expressions.judge import disagreements
from tests.expressions.rows import columns_of

EXPRESSIONS = [
    "s like '%a%'",
    "s like 'a%'",
    "s like '%c'",
    "s like '_b%'",
    "s like t",
    "s not like '%a%'",
    "s ilike '%A%'",
    "s ilike t",
    "s not ilike 'a_C'",
    r"s like '\%!_' escape '!'",
    "s like ''",
    "s like '%'",
    "s like '%%'",
    "s like 'a%b%'",
    "s glob 'a*'",
    "s glob '[a-c]??'",
    "s glob '*[!a]'",
    r"regexp_matches(s, '\d')",
    r"regexp_matches(s, '\w+')",
    r"regexp_matches(s, '\W')",
    "regexp_matches(s, 'a.b')",
    "regexp_matches(s, 'a.b', 's')",
    "regexp_matches(s, 'ABC', 'i')",
    "regexp_matches(s, 'a.b', 'l')",
    r"regexp_matches(s, '\bx\b')",
    r"regexp_matches(s, '[^\w\s]')",
    "regexp_matches(s, '[[&]')",
    "regexp_matches(s, '^$')",
    "s ~ '^a'",
    "s !~ '^a'",
    "regexp_full_match(s, '[a-z]+')",
    "s similar to 'a|abc'",
    "s not similar to 'a|abc'",
    "regexp_replace(s, 'a', 'x')",
    r"regexp_replace(s, '(a)(b)', '\2\1$', 'g')",
    "regexp_replace(s, '', '-', 'g')",
    "regexp_replace(s, 'A', '-', 'gi')",
    "regexp_extract(s, 'b.')",
    "regexp_extract(s, '(a)(b)?', 2)",
    "regexp_extract(s, '(a)(b)?', 3)",
    "regexp_extract_all(s, '[a-c]')",
    "regexp_extract_all(s, '([a-c])([a-c])?', 2)",
    "regexp_split_to_array(s, '[,.]')",
    "regexp_split_to_array(s, '')",
    "regexp_escape(s)",
]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_agrees_with_duckdb(duck: duckdb.DuckDBPyConnection, text: str) -> None:
    assert not disagreements(duck, text, columns_of(text))
