"""Cuts results into frames whose sizes depend on the data alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import polars as pl

TARGET_BYTES: Final = 8 * 1024 * 1024
"""About what a split is after parsing, and small enough that a few of them are no burden."""
LEAST_ROWS: Final = 1024
MOST_ROWS: Final = 128 * 1024


def rows_per_frame(frame: pl.DataFrame) -> int:
    """How many records a result frame has, where records are like those of this frame.

    It looks at values only, never at how they lie in memory, so that it is the same in every run.
    """
    if frame.is_empty():
        return MOST_ROWS
    width = sum(_width(column) for column in frame.get_columns())
    return min(MOST_ROWS, max(LEAST_ROWS, int(TARGET_BYTES // max(1.0, width))))


def _width(values: pl.Series) -> float:
    """Bytes of one value, on average."""
    import polars as pl

    if values.dtype == pl.String:
        return 16 + int(values.str.len_bytes().sum()) / len(values)
    if values.dtype == pl.Binary:
        return 16 + int(values.bin.size().sum()) / len(values)
    if isinstance(values.dtype, pl.List):
        items = values.explode()
        return 8 + (_width(items) * len(items) / len(values) if len(items) else 0)
    if isinstance(values.dtype, pl.Struct):
        return sum(_width(field) for field in values.struct.unnest().get_columns())
    return 8


def evenly(frames: Iterable[pl.DataFrame], rows: int) -> Iterator[pl.DataFrame]:
    """The same records in frames of so many, the last one with what is left."""
    import polars as pl

    gathered: list[pl.DataFrame] = []
    height = 0
    for frame in frames:
        start = 0
        while height + frame.height - start >= rows:
            end = start + rows - height
            whole = [*gathered, frame.slice(start, end - start)]
            yield pl.concat(whole).rechunk()
            gathered, height, start = [], 0, end
        if start < frame.height:
            gathered.append(frame.slice(start))
            height += frame.height - start
    if gathered:
        yield pl.concat(gathered).rechunk()
