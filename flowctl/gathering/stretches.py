"""Numbers that stand in stretches, brought down to one of each stretch, by NumPy.

What becomes of a stretch depends on its own values and on their type, never on what stands around
it. Polars looks at each stretch by itself, and takes some ten times as long for short ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from flowctl.expressions.aggregates.table import Fold

    Places: TypeAlias = "NDArray[np.int64]"


def folded(values: pl.Series, starts: Places, fold: Fold) -> pl.Series | None:
    """The sum, least or greatest of each stretch; null for nothing but nulls.

    The first of the `starts` is 0. None: values of this type are not for NumPy. Integers wrap
    around.

    >>> import polars as pl
    >>> folded(pl.Series([1, 2, None, 3]), np.array([0, 2, 3]), "sum").to_list()
    [3, None, 3]
    """
    import polars as pl

    kind = values.dtype
    if fold == "sum":
        fits = kind in (pl.Int64, pl.UInt32, pl.Float64)
    else:
        # Which of two zeros is the lesser float would depend on where they stand.
        fits = (kind.is_integer() and kind not in (pl.Int128, pl.UInt128)) or kind.is_temporal()
    if not fits:
        return None
    physical = values.to_physical()
    nulls = physical.has_nulls()
    whole = physical.fill_null(_neutral(physical, fold)) if nulls else physical
    numbers = whole.to_numpy()
    ufunc = {"sum": np.add, "least": np.minimum, "greatest": np.maximum}[fold]
    with np.errstate(invalid="ignore", over="ignore"):
        found = pl.Series(values.name, ufunc.reduceat(numbers, starts, dtype=numbers.dtype))
    if nulls:
        seen = pl.Series(np.logical_or.reduceat(physical.is_not_null().to_numpy(), starts))
        found = found.zip_with(seen, found.clear(len(found)))
    return found.cast(values.dtype)


def _neutral(values: pl.Series, fold: Fold) -> int | float:
    """What changes nothing where it takes part."""
    if fold == "sum":
        return 0
    least, greatest = values.min(), values.max()
    found = greatest if fold == "least" else least
    return found if isinstance(found, int) else 0
