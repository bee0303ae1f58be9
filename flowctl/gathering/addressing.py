"""Records that are found by a whole number, in a table with a place for each: nothing is hashed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flowctl.dataclass import dataclass
from flowctl.gathering.joining import Join

if TYPE_CHECKING:
    import polars as pl

SPARSE: Final = 16
"""Places in the table for each record, at most."""


@dataclass(frozen=True, slots=True)
class Addressed:
    """The right side of a join, by the one key that each of its records has for itself.

    `places` says for each number from `least` on which of the `records` has it, if any.
    """

    join: Join
    least: int
    places: pl.Series
    records: pl.DataFrame

    @classmethod
    def of(cls, join: Join, records: pl.DataFrame) -> Addressed | None:
        """None where the keys are not such, or too far apart."""
        import polars as pl

        if join.how not in ("inner", "left") or len(join.keys) != 1 or records.is_empty():
            return None
        keys = records[join.key_columns[0]]
        if not keys.dtype.is_integer() or keys.n_unique() < len(keys):
            return None
        numbers = keys.cast(pl.Int64, strict=False)
        least, greatest = numbers.min(), numbers.max()
        if numbers.has_nulls() or not isinstance(least, int) or not isinstance(greatest, int):
            return None
        if greatest - least >= SPARSE * len(keys):
            return None
        empty = pl.repeat(None, greatest - least + 1, dtype=pl.UInt32, eager=True)
        own = pl.int_range(len(keys), dtype=pl.UInt32, eager=True)
        places = empty.scatter((numbers - least).cast(pl.UInt32), own)
        return cls(join, least, places, records.drop(join.key_columns))

    def meet(self, left: pl.DataFrame) -> pl.DataFrame:
        """What `Join.meet` gives for these records."""
        import polars as pl

        # A difference that is too great wraps, but never to a place in the table.
        number = self.join.keys[0][0].cast(pl.Int64, strict=False) - self.least
        inside = number.is_between(0, len(self.places) - 1)
        address = left.select(pl.when(inside).then(number).cast(pl.UInt32)).to_series()
        places = self.places.gather(address)
        if self.join.how == "inner" and places.has_nulls():
            met = places.is_not_null()
            left, places = left.filter(met), places.filter(met)
        right = self.records.select(pl.all().gather(places))
        return self.join.beside(left.hstack(right.get_columns()), left)
