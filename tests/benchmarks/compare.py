"""Ends with a message unless all contenders have written the same records in the same order."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
from polars.testing import assert_frame_equal


def read(path: Path, form: str) -> pl.DataFrame:
    """The records of a file."""
    if form == "parquet":
        return pl.read_parquet(path)
    return pl.read_csv(path) if form == "csv" else pl.read_ndjson(path)


def main(folder: Path, form: str, output: str, by: str, first: str, *others: str) -> None:
    """Compares the files `<contender>.<output>`; sums of floats may differ in the last digits.

    The others' records are brought into the order of the columns `by`, if there are any; those of
    the first must stand in it.
    """
    ours = read(folder / f"{first}.{output}", form)
    for name in others:
        theirs = read(folder / f"{name}.{output}", form).cast(ours.schema)
        if by:
            theirs = theirs.sort(by.split(","))
        try:
            assert_frame_equal(ours, theirs, check_exact=False, rel_tol=1e-9, abs_tol=0)
        except AssertionError as error:
            message = f"{first} and {name} have written different records: {error}"
            raise SystemExit(message) from error


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
