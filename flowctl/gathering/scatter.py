"""Whether grouping the records of a split would bring them down to fewer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import polars as pl

SAMPLE: Final = 8192
"""Records that are looked at; a split has some hundred thousand."""


def scattered(frame: pl.DataFrame, keys: Sequence[str]) -> bool:
    """Whether most records at the head of a large split have a key of their own."""
    if frame.height < 2 * SAMPLE:
        return False
    return frame.head(SAMPLE).select(keys).n_unique() > SAMPLE // 2
