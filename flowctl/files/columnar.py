"""What files of typed columns have in common, such as Parquet and Arrow."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from flowctl.codes.environment import DAMAGED, HEADER
from flowctl.dataflow import RECORD, SOURCE_FILE, SOURCE_LINE, BadInput, Examined, Origin
from flowctl.diagnostics import Fault
from flowctl.expressions.polars_types import polars_type
from flowctl.files.paths import DataFile
from flowctl.files.polars_quirks import REFUSALS, reason
from flowctl.records import Schema


def check_columns(file: DataFile, found: Schema, schema: Schema) -> None:
    """Raises BadInput where a file has other columns than the source; their order is free."""
    for column in schema:
        if column.name not in found or found[column.name].type != column.type:
            seen = f"{found[column.name].type}" if column.name in found else "missing"
            message = (
                f"`{file.name}`: column `{column.name}` is {seen}, but {column.type} elsewhere"
            )
            raise BadInput(Fault(HEADER, message), file.name)
    for column in found:
        if column.name not in schema:
            message = f"`{file.name}` has a column `{column.name}`, unlike the other files"
            raise BadInput(Fault(HEADER, message), file.name)


def as_typed(frame: pl.LazyFrame, schema: Schema) -> pl.LazyFrame:
    """The frame's columns in the order of the schema, and in its types."""
    types = {column.name: polars_type(column.type) for column in schema}
    found = frame.collect_schema()
    casts = [pl.col(name).cast(kind) for name, kind in types.items() if found[name] != kind]
    return frame.select(*types).with_columns(casts)


def numbered(frame: pl.LazyFrame, file: str, start: int, columns: Sequence[str]) -> pl.LazyFrame:
    """The frame with those of the engine's columns that are asked for; `start` records precede."""
    if SOURCE_FILE in columns:
        frame = frame.with_columns(pl.lit(file).alias(SOURCE_FILE))
    if SOURCE_LINE in columns:
        frame = frame.with_columns((pl.int_range(pl.len()) + start + 1).alias(SOURCE_LINE))
    if RECORD in columns:
        frame = frame.with_columns(pl.int_range(pl.len()).alias(RECORD))
    return frame


def examined(rows: int, frame: pl.LazyFrame, file: str) -> Examined:
    """A split that is read with care; raises BadInput where its bytes are damaged."""
    try:
        return Examined(rows, frame.collect())
    except REFUSALS as error:
        raise BadInput(Fault(DAMAGED, f"`{file}` is damaged: {reason(error)}"), file) from error


def origins_in(frame: pl.LazyFrame, file: str, start: int, records: Sequence[int]) -> list[Origin]:
    """Where these records of a split stand, which `start` records precede; their text is JSON."""
    found = frame.select(pl.all().gather(list(records))).collect()
    texts = found.write_ndjson().splitlines()
    return [
        Origin(file, start + record + 1, None, text)
        for record, text in zip(records, texts, strict=True)
    ]
