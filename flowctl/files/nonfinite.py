"""NaN and infinity in NDJSON, which has no such numbers: they are written as texts."""

from __future__ import annotations

import json
import math
from typing import Final

import polars as pl

from flowctl.syntax.node import Json

NONFINITE: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
"""The texts that stand for numbers which JSON does not have."""


def restored(text: bytes, frame: pl.DataFrame) -> bytes:
    """The frame as JSON lines, with texts where `text` has null instead of NaN or infinity."""
    doubts = [
        found
        for name, kind in frame.schema.items()
        if not (kind.is_float() and _finite(frame[name]))
        and (found := _odd(pl.col(name), kind)) is not None
    ]
    if not doubts:
        return text
    rows = frame.select(pl.any_horizontal(doubts).fill_null(value=False)).to_series().arg_true()
    if not len(rows):
        return text
    lines = text.split(b"\n")
    for row in rows:
        record = _restored(json.loads(lines[row]), frame.row(row, named=True))
        lines[row] = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()
    return b"\n".join(lines)


def _finite(numbers: pl.Series) -> bool:
    """Whether none is NaN or infinite, told without a query, which would wait for busy threads."""
    return bool((numbers - numbers).sum() == 0)


def _odd(value: pl.Expr, kind: pl.DataType) -> pl.Expr | None:
    """Whether a value is or holds NaN or infinity; None where its type cannot."""
    match kind:
        case pl.Float32() | pl.Float64():
            return ~value.is_finite()
        case pl.List(inner=pl.DataType() as inner):
            found = _odd(pl.element(), inner)
            return None if found is None else value.list.eval(found).list.any()
        case pl.Struct(fields=fields):
            inside = [
                found
                for field in fields
                if isinstance(field.dtype, pl.DataType)
                and (found := _odd(value.struct.field(field.name), field.dtype)) is not None
            ]
            return pl.any_horizontal(inside) if inside else None
    return None


def _restored(written: Json, value: object) -> Json:
    match written, value:
        case None, float():
            return next(text for text, odd in NONFINITE.items() if str(odd) == str(value))
        case list(), list():
            return [_restored(*pair) for pair in zip(written, value, strict=True)]
        case dict(), dict():
            return {name: _restored(inner, value.get(name)) for name, inner in written.items()}
    return written
