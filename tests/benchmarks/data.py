"""A table of sales lines as TPC-H has them, of about as many megabytes as wanted, and of suppliers.

Orders of four lines follow each other; parts, two million of them, and suppliers are scattered.
"""

from __future__ import annotations

import gzip
import shutil
import sys
from pathlib import Path

import numpy as np
import polars as pl

PARTS = 2_000_000
SUPPLIERS = 100_000
_COMPLETE = "complete-2"
_BLOCK = 250_000
_WORDS = ["quick", "careful", "final", "idle", "deposit", "request", "package", "fox", "silent"]


def block(index: int) -> pl.DataFrame:
    """So many records, drawn by their number alone."""
    random = np.random.default_rng([7, index])
    number = np.arange(index * _BLOCK, (index + 1) * _BLOCK)

    def choice(words: list[str]) -> list[str]:
        return [words[index] for index in random.integers(0, len(words), _BLOCK)]

    def days(first: str) -> pl.Series:
        drawn = np.datetime64(first) + random.integers(0, 2500, _BLOCK)
        return pl.Series(drawn.astype("datetime64[D]"))

    return pl.DataFrame(
        {
            "orderkey": number // 4,
            "partkey": random.integers(0, PARTS, _BLOCK),
            "suppkey": random.integers(0, 2 * SUPPLIERS, _BLOCK),
            "linenumber": number % 4,
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


def suppliers() -> pl.DataFrame:
    """Every other supplier of the lines, in no order."""
    random = np.random.default_rng(8)
    keys = random.permutation(2 * SUPPLIERS)[:SUPPLIERS]
    return pl.DataFrame(
        {
            "suppkey": keys,
            "supplier": [f"Supplier#{key:09d}" for key in keys],
            "balance": np.round(random.uniform(-999, 10_000, SUPPLIERS), 2),
        }
    )


def prepare(folder: Path, megabytes: int) -> None:
    """Makes the inputs that are not there yet: `lines` of each format, `suppliers.csv`."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / _COMPLETE).exists():
        return
    with (folder / "lines.csv").open("wb") as csv, (folder / "lines.ndjson").open("wb") as ndjson:
        index = 0
        while csv.tell() < megabytes * 1_000_000:
            part = block(index)
            part.write_csv(csv, include_header=index == 0)
            part.write_ndjson(ndjson)
            index += 1
    suppliers().write_csv(folder / "suppliers.csv")
    with (
        (folder / "lines.csv").open("rb") as raw,
        gzip.open(folder / "lines.csv.gz", "wb", compresslevel=1) as packed,
    ):
        shutil.copyfileobj(raw, packed, 1 << 20)
    lines = pl.scan_csv(folder / "lines.csv", try_parse_dates=True)
    lines.sink_parquet(folder / "lines.parquet", row_group_size=122_880)
    (folder / _COMPLETE).touch()


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), int(sys.argv[2]))
