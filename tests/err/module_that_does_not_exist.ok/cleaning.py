"""Functions that a workflow calls."""

import polars as pl


def tidy(frame: pl.DataFrame) -> pl.DataFrame:
    return frame


def mixed(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([left, right])
