"""How fast streams are beside bare Polars and DuckDB: `python -m tests.benchmarks`."""
