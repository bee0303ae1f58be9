"""The one DuckDB that judges: to make one takes ten times as long as to ask it."""

from __future__ import annotations

from functools import cache

import duckdb


def connect() -> duckdb.DuckDBPyConnection:
    """A connection of its own: what is registered with it nobody else sees."""
    return _database().cursor()


@cache
def _database() -> duckdb.DuckDBPyConnection:
    database = duckdb.connect()
    database.execute("set threads = 1")
    return database
