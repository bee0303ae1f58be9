"""Functions that Polars lacks, computed value by value in Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from flowctl.expressions.functions.signature import Problem, Result
from flowctl.expressions.lazily import pl
from flowctl.expressions.polars_types import polars_type
from flowctl.records import DataType


def elementwise(
    function: Callable[..., Any], values: Sequence[pl.Expr], result: DataType
) -> pl.Expr:
    """The function of each record's values; null where one of them is null.

    The function must not raise.
    """
    dtype = polars_type(result)
    if len(values) == 1:
        return values[0].map_batches(
            lambda series: _one(function, series, dtype), return_dtype=dtype, is_elementwise=True
        )
    # A struct gives literals and columns one length.
    packed = pl.struct(*(value.alias(str(index)) for index, value in enumerate(values)))
    return packed.map_batches(
        lambda series: _several(function, series, dtype), return_dtype=dtype, is_elementwise=True
    )


def _one(function: Callable[..., Any], series: pl.Series, dtype: pl.DataType) -> pl.Series:
    found = [None if value is None else function(value) for value in series.to_list()]
    return pl.Series(series.name, found, dtype=dtype)


def _several(function: Callable[..., Any], series: pl.Series, dtype: pl.DataType) -> pl.Series:
    columns = [column.to_list() for column in series.struct.unnest().get_columns()]
    found = [
        None if any(value is None for value in row) else function(*row)
        for row in zip(*columns, strict=True)
    ]
    return pl.Series(series.name, found, dtype=dtype)


def refusable(
    function: Callable[..., Any], values: Sequence[pl.Expr], result: DataType, message: str
) -> Result:
    """The function of each record's values, where None means that it is refused."""
    found = elementwise(function, values, result)
    given = pl.all_horizontal(*(value.is_not_null() for value in values))
    return Result(found, (Problem(found.is_null() & given, message),))


def patched(
    value: pl.Expr, fast: pl.Expr, odd: pl.Expr, function: Callable[[Any], Any], result: DataType
) -> pl.Expr:
    """`fast`, except where `odd` is true: there the function of the value."""
    dtype = polars_type(result)

    def patch(series: pl.Series) -> pl.Series:
        given, known, wrong = series.struct.unnest().get_columns()
        wrong = wrong.fill_null(False)
        if not wrong.any():
            return known
        pairs = zip(given.to_list(), known.to_list(), wrong.to_list(), strict=True)
        found = [function(item) if bad else kept for item, kept, bad in pairs]
        return pl.Series(known.name, found, dtype=dtype)

    packed = pl.struct(value.alias("given"), fast.alias("known"), odd.alias("wrong"))
    return packed.map_batches(patch, return_dtype=dtype, is_elementwise=True)
