"""The order of records by keys: nulls last, NaN greatest, text by code point, ties as they came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowctl.dataclass import dataclass

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Order:
    """Columns to sort by, each with whether its greatest values come first."""

    columns: tuple[str, ...]
    descending: tuple[bool, ...] = ()

    @classmethod
    def ascending(cls, columns: tuple[str, ...]) -> Order:
        return cls(columns, (False,) * len(columns))

    def sorted(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The records in this order; equal ones stay as they came."""
        return frame.sort(
            self.columns, descending=list(self.descending), nulls_last=True, maintain_order=True
        )
