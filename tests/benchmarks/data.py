"""A table of sales lines, the same for everyone, of about as many megabytes as wanted."""

from __future__ import annotations

import gzip
import shutil
import sys
from pathlib import Path

import numpy as np
import polars as pl

_BLOCK = 250_000
_WORDS = ["quick", "careful", "final", "idle", "deposit", "request", "package", "fox", "silent"]
_HOW = ["DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"]


def block(index: int) -> pl.DataFrame:
    """So many records, drawn by their number alone."""
    random = np.random.default_rng([7, index])

    def choice(words: list[str]) -> list[str]:
        return [words[index] for index in random.integers(0, len(words), _BLOCK)]

    def days(first: str) -> pl.Series:
        drawn = np.datetime64(first) + random.integers(0, 2500, _BLOCK)
        return pl.Series(drawn.astype("datetime64[D]"))

    return pl.DataFrame(
        {
            "orderkey": np.arange(index * _BLOCK, (index + 1) * _BLOCK),
            "partkey": random.integers(1, 200_000, _BLOCK),
            "suppkey": random.integers(1, 10_000, _BLOCK),
            "linenumber": random.integers(1, 8, _BLOCK),
            "quantity": random.integers(1, 51, _BLOCK).astype(np.float64),
            "extendedprice": np.round(random.uniform(900, 105_000, _BLOCK), 2),
            "discount": random.integers(0, 11, _BLOCK) / 100,
            "tax": random.integers(0, 9, _BLOCK) / 100,
            "returnflag": choice(["A", "N", "R"]),
            "linestatus": choice(["O", "F"]),
            "shipdate": days("1992-01-02"),
            "commitdate": days("1992-02-01"),
            "receiptdate": days("1992-03-01"),
            "shipinstruct": choice(
                ["DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN"]
            ),
            "shipmode": choice(["AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB", "REG AIR"]),
            "comment": [
                f"{first} {second} {third}"
                for first, second, third in zip(
                    choice(_WORDS), choice(_WORDS), choice(_WORDS), strict=True
                )
            ],
        }
    )


def prepare(folder: Path, megabytes: int) -> None:
    """Makes the inputs that are not there yet: `lines.csv`, `.csv.gz`, `.ndjson`, `.parquet`."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "complete").exists():
        return
    with (folder / "lines.csv").open("wb") as csv, (folder / "lines.ndjson").open("wb") as ndjson:
        index = 0
        while csv.tell() < megabytes * 1_000_000:
            part = block(index)
            part.write_csv(csv, include_header=index == 0)
            part.write_ndjson(ndjson)
            index += 1
    with (
        (folder / "lines.csv").open("rb") as raw,
        gzip.open(folder / "lines.csv.gz", "wb", compresslevel=1) as packed,
    ):
        shutil.copyfileobj(raw, packed, 1 << 20)
    lines = pl.scan_csv(folder / "lines.csv", try_parse_dates=True)
    lines.sink_parquet(folder / "lines.parquet", row_group_size=122_880)
    (folder / "complete").touch()


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), int(sys.argv[2]))
