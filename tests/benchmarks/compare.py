"""Ends with a message unless all contenders have written the same records in the same order."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl


def read(path: Path, form: str) -> pl.DataFrame:
    """The records of a file."""
    if form == "parquet":
        return pl.read_parquet(path)
    return pl.read_csv(path) if form == "csv" else pl.read_ndjson(path)


def main(folder: Path, sink: str, output: str, first: str, *others: str) -> None:
    """Compares the files `<contender>.<output>`."""
    ours = read(folder / f"{first}.{output}", sink)
    for name in others:
        theirs = read(folder / f"{name}.{output}", sink).cast(ours.schema)
        if not ours.equals(theirs):
            raise SystemExit(f"{first} and {name} have written different records")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
