"""One DuckDB for all comparisons."""

from __future__ import annotations

import duckdb
import pytest

from tests.expressions.judge import connect


@pytest.fixture(scope="session")
def duck() -> duckdb.DuckDBPyConnection:
    return connect()
