"""Operators on numbers: result types, overflow, division by zero."""

from __future__ import annotations

import duckdb
import pytest

from tests.expressions.judge import disagreements
from tests.expressions.rows import columns_of

EXPRESSIONS = [
    "a + b",
    "a - b",
    "a * b",
    "a // b",
    "a % b",
    "-a",
    "-k",
    "-v",
    "k + k",
    "k * 2",
    "k + 300",
    "k + v",
    "u + a",
    "u - 1",
    "u * 2",
    "v - v",
    "i * j",
    "a / b",
    "f + g",
    "f / 3",
    "f / g",
    "f // g",
    "f % g",
    "h * h",
    "h * f",
    "h / 3",
    "p + q",
    "p * q",
    "p - a",
    "q * q",
    "r * r",
    "r + p",
    "r * p",
    "r - r",
    "p % q",
    "p / q",
    "p // q",
    "-p",
    "a + 1.5",
    "a * 0.5",
    "f * 1.5",
    "10 / a",
    "a + null",
    "1 + 2 * 3 - 4",
    "-2 ** 2",
    "2 ** -1",
]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_agrees_with_duckdb(duck: duckdb.DuckDBPyConnection, text: str) -> None:
    assert not disagreements(duck, text, columns_of(text))
