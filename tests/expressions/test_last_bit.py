"""Results to the last bit, of records among which no null is: there Polars divides otherwise."""

from __future__ import annotations

import random

import duckdb
import polars as pl
import pytest

from tests.expressions.judge import disagreements

EXPRESSIONS = [
    "f / 10",
    "f / 3",
    "f / (2 + 1)",
    "f / i",
    "i / 10",
    "i / 100.0",
    "h / 10",
    "cast(q as double)",
    "cast(q as float)",
    "round(f, 1)",
    "round(f, 2)",
    "round(f, -1)",
    "round(h, 2)",
    "trunc(f, 1)",
    "trunc(f, 2)",
    "trunc(h, 1)",
    "epoch(t)",
    "julian(t)",
]


@pytest.fixture(scope="module")
def records() -> pl.DataFrame:
    dice = random.Random(3)
    whole = [dice.randrange(-(10**5), 10**5) for _ in range(3000)]
    frame = pl.DataFrame({"i": whole, "f": [one / 1000 for one in whole]})
    return frame.with_columns(
        h=pl.col("f").cast(pl.Float32),
        q=pl.col("f").cast(pl.Decimal(12, 3)),
        t=(pl.col("i") * 9_999_991_337).cast(pl.Datetime("us")),
    )


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_is_duckdbs(duck: duckdb.DuckDBPyConnection, records: pl.DataFrame, text: str) -> None:
    assert not disagreements(duck, text, records, tolerance=0)


@pytest.mark.parametrize("text", ["f / 10", "trunc(f, 1)", "round(f, 1)", "cast(q as double)"])
def test_hangs_on_no_null_beside_it(
    duck: duckdb.DuckDBPyConnection, records: pl.DataFrame, text: str
) -> None:
    """Else where the input is cut into splits would show in what leaves."""
    nulls = pl.DataFrame([dict.fromkeys(records.columns)], schema=records.schema)
    assert not disagreements(duck, text, pl.concat([records, nulls]), tolerance=0)
