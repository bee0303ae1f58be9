"""What a function yields, as JSON: a line for each record."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from flowctl.dataclass import dataclass
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    import polars as pl

RECORDS: Final = 10_000
"""A run has about so many records, unless they are large."""


@dataclass(frozen=True, slots=True)
class Run:
    """Records that stand together, each as JSON on a line of its own."""

    data: bytes
    records: int


def runs(
    items: Iterable[pl.DataFrame | list[Json]],
    target: int,
    lines: Callable[[pl.DataFrame | list[Json]], bytes],
) -> Iterator[Run]:
    """What is yielded, in runs of many records or of about `target` bytes."""
    pieces: list[bytes] = []
    size = records = 0
    for item in items:
        data = lines(item)
        pieces.append(data)
        size, records = size + len(data), records + data.count(b"\n")
        if records >= RECORDS or size >= target:
            yield Run(b"".join(pieces), records)
            pieces, size, records = [], 0, 0
    if records:
        yield Run(b"".join(pieces), records)


def lines_of(values: list[Json]) -> bytes:
    """Records, of which a list among them holds several."""
    records = (one for each in values for one in (each if isinstance(each, list) else [each]))
    return b"".join(map(_line, records))


def lines_of_frame(frame: pl.DataFrame) -> bytes:
    """The records of a frame; raises PolarsError where one of its types has no such form."""
    if _finite(frame):
        return frame.write_ndjson().encode()
    return b"".join(_line(_plain(record)) for record in frame.iter_rows(named=True))


def _finite(frame: pl.DataFrame) -> bool:
    """Whether no float is NaN or infinite, which Polars writes as null."""
    floats = (column for column in frame if column.dtype.is_float())
    nested = any(column.dtype.is_nested() for column in frame)
    return not nested and all(column.is_finite().all() for column in floats)


def _line(record: Json) -> bytes:
    try:
        return json.dumps(record, ensure_ascii=False).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(record).encode() + b"\n"


def _plain(value: object) -> Json:
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else _NONFINITE[str(value)]
        case dict():
            return {str(name): _plain(below) for name, below in value.items()}
        case list():
            return [_plain(below) for below in value]
    isoformat = getattr(value, "isoformat", str)
    return str(isoformat() if isoformat is not str else value)


_NONFINITE: Final = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
