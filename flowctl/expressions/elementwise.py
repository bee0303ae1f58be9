"""Functions that Polars lacks, computed value by value in Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

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
