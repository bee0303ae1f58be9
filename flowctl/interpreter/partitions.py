"""Records by partition: which folder holds them, and how those of one come together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import polars as pl

from flowctl.dataclass import dataclass
from flowctl.gathering.order import Order
from flowctl.gathering.sorting import Sorting
from flowctl.gathering.spill import Spill
from flowctl.operators import Blocking

if TYPE_CHECKING:
    from flowctl.operators import Gathering

NULL: Final = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, slots=True)
class Partition:
    """Records that belong into one folder, without the columns that name it."""

    folder: str
    frame: pl.DataFrame


def by_partition(columns: tuple[str, ...]) -> Blocking:
    """Brings the records of each partition together, in the order of the partitions' values.

    Within one they stay as they came. So however many partitions there are, one file is written at
    a time, and each is as whole as its records allow.
    """
    order = Order.ascending(columns)

    def open(folder: Path, memory: int) -> Gathering:
        return Sorting(order, Spill(folder), memory, ordered=True)

    return Blocking(order.sorted, open)


def partitions(frame: pl.DataFrame, columns: Sequence[str]) -> Iterator[Partition]:
    """The runs of records with the same values in these columns."""
    if not columns:
        yield Partition("", frame)
        return
    keys, rest = frame.select(columns), frame.drop(columns)
    runs = keys.to_struct("keys").rle_id()
    starts = [*runs.unique_counts().cum_sum().to_list()]
    begin = 0
    for end in starts:
        yield Partition(folder_of(columns, keys.row(begin)), rest.slice(begin, end - begin))
        begin = end


def folder_of(columns: Sequence[str], values: Sequence[object]) -> str:
    """The folder of a partition, as Hive names it; no value leads out of it.

    >>> folder_of(["year", "to"], [2013, "../ä b"])
    'year=2013/to=..%2F%C3%A4%20b'
    >>> folder_of(["a", "b", "c"], [None, "__HIVE_DEFAULT_PARTITION__", True])
    'a=__HIVE_DEFAULT_PARTITION__/b=%5F_HIVE_DEFAULT_PARTITION__/c=true'
    """
    pairs = zip(columns, values, strict=True)
    return "/".join(f"{quote(name, safe='')}={_text(value)}" for name, value in pairs)


def _text(value: object) -> str:
    match value:
        case None:
            return NULL
        case bool():
            return "true" if value else "false"
        case date():
            return value.isoformat()
    text = quote(str(value), safe="")
    return f"%5F{text[1:]}" if text == NULL else text
