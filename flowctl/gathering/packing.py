"""Keys and places packed into one integer a record, which is sorted in half the time of pairs.

The values of a key count from its least one, nulls come behind the greatest. Where all keys of a
record and its place fit into 63 bits, their order is that of the integers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from flowctl.dataclass import dataclass

if TYPE_CHECKING:
    import polars as pl

_MOST: Final = 1 << 63


@dataclass(frozen=True, slots=True)
class Packed:
    """Records in order: the lowest `bits` of each integer are its record's place."""

    values: pl.Series
    bits: int

    @property
    def places(self) -> pl.Series:
        """Where the records stand in the frame; of equal ones the first comes first."""
        import polars as pl

        return (self.values & ((1 << self.bits) - 1)).cast(pl.UInt32)

    @property
    def starts(self) -> pl.Series:
        """Whether a record's keys differ from those of the one before."""
        import polars as pl

        keys = pl.col("keys") // (1 << self.bits)
        before = keys.shift(1, fill_value=-1)
        return self.values.to_frame("keys").select(keys != before).to_series()


def packed(
    frame: pl.DataFrame, columns: Sequence[str], descending: Sequence[bool]
) -> Packed | None:
    """The records in the order of these columns; None where they do not fit."""
    import polars as pl

    bits = max(1, frame.height.bit_length())
    size = 1 << bits
    keys: list[tuple[pl.Expr, int]] = []
    for key, span in _keys(frame, columns, descending):
        size *= span
        if size > _MOST:
            return None
        keys.append((key, span))
    if len(keys) < len(columns):
        return None
    number = pl.lit(0, pl.Int64)
    for key, span in keys:
        number = number * span + key
    place = pl.int_range(pl.len(), dtype=pl.Int64)
    values = frame.select((number * (1 << bits) + place).alias("keys")).to_series()
    return Packed(values.sort(), bits)


def _keys(
    frame: pl.DataFrame, columns: Sequence[str], descending: Sequence[bool]
) -> Iterator[tuple[pl.Expr, int]]:
    """Each key as a number from 0 up to another one; nothing more where one is not whole."""
    import polars as pl

    for column, down in zip(columns, descending, strict=True):
        values = frame[column].to_physical()
        if values.dtype == pl.Boolean:
            values = values.cast(pl.Int64)
        if not values.dtype.is_integer() or values.dtype in (pl.Int128, pl.UInt128, pl.UInt64):
            return
        least, greatest = values.min(), values.max()
        if not isinstance(least, int) or not isinstance(greatest, int):
            least = greatest = 0
        span = greatest - least + 1
        if span > _MOST:
            return
        key = pl.lit(values.cast(pl.Int64))
        key = greatest - key if down else key - least
        if values.null_count():
            key, span = key.fill_null(span), span + 1
        yield key, span
