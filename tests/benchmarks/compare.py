"""Ends with a message unless all contenders have written the same records in the same order."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

READERS = {"parquet": pl.read_parquet, "csv": pl.read_csv, "ndjson": pl.read_ndjson}


def main(folder: Path, sink: str, output: str, first: str, *others: str) -> None:
    """Compares the files `<contender>.<output>`."""
    ours = READERS[sink](folder / f"{first}.{output}")
    for name in others:
        theirs = READERS[sink](folder / f"{name}.{output}").cast(dict(ours.schema))
        if not ours.equals(theirs):
            raise SystemExit(f"{first} and {name} have written different records")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
