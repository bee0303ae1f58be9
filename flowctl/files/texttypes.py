"""How fields that stand as text become values of a column's type.

Numbers are left to Polars' own parsers. Dates and times are read by fixed ISO 8601 patterns,
because a parser that guesses the pattern takes `01/02/2020` for a day of January or of February,
whichever stood first.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TYPE_CHECKING

import polars as pl

from flowctl.dataclass import dataclass
from flowctl.expressions.polars_types import polars_type
from flowctl.records import (
    Column,
    Date,
    Datetime,
    Null,
    String,
    Time,
    Unknown,
)

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsType

_DATES = (dt.date.min, dt.date.max)
"""Years of four digits; Polars would also read -20 and 20200."""
_TIMES = ("%H:%M:%S%.f", "%H:%M")
_DATETIMES = (
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d",
)
_ZONED = (
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%dT%H:%M%#z",
    "%Y-%m-%d %H:%M%#z",
)


@dataclass(frozen=True, slots=True)
class Conversion:
    """How a column is read: as what the parser makes of it, and what is then made of that.

    `convert` is None where the parser's type is the column's own; it gives null where a text is no
    value of the type, or something that `within` denies.
    """

    column: Column
    parsed: PolarsType
    convert: pl.Expr | None = None
    within: pl.Expr | None = None

    @property
    def quick(self) -> pl.Expr:
        """The column's values, but for those that are suspect."""
        made = pl.col(self.column.name) if self.convert is None else self.convert
        return made.alias(self.column.name)

    @property
    def value(self) -> pl.Expr:
        """The column's values, null where the text is none."""
        if self.convert is None or self.within is None:
            return self.quick
        return pl.when(self.within).then(self.convert).alias(self.column.name)

    @property
    def suspect(self) -> pl.Expr | None:
        """True at least where a text is no value of the type, or null although it must not be."""
        text = pl.col(self.column.name)
        if isinstance(self.column.type, Null | Unknown):
            return text.is_not_null()
        found = None
        if self.convert is not None:
            found = self.convert.is_null()
            if self.column.nullable:
                found &= text.is_not_null()
        elif not self.column.nullable:
            found = text.is_null()
        return found if found is None or self.within is None else found | ~self.within


def suspects(read: Iterable[Conversion], used: Collection[str]) -> list[pl.Expr]:
    """Where the columns that are read may be at fault; a column is parsed if it is mentioned."""
    found: list[pl.Expr] = []
    for made in read:
        suspect = made.suspect
        if suspect is not None:
            found.append(suspect)
        elif made.column.name not in used:
            name = pl.col(made.column.name)
            found.append(name.is_null() & name.is_not_null())
    return found


def conversions(columns: Mapping[str, Column]) -> dict[str, Conversion]:
    """A conversion for each column."""
    return {name: conversion(column) for name, column in columns.items()}


def conversion(column: Column) -> Conversion:
    """How text becomes values of this column."""
    text = pl.col(column.name)
    match column.type:
        case Null() | Unknown():
            return Conversion(column, pl.String(), pl.lit(None, dtype=pl.Null))
        case String():
            return Conversion(column, pl.String())
        case Date():
            # Polars' cache of texts seen takes longer to look into than a date takes to parse.
            date = text.str.to_date("%Y-%m-%d", strict=False, cache=False)
            return Conversion(column, pl.String(), date, date.is_between(*_DATES))
        case Time():
            return Conversion(column, pl.String(), _first_pattern(text, _parse_time, pl.Time()))
        case Datetime(zone):
            kind = polars_type(column.type)
            found = _first_pattern(text, _parse_zoned(zone) if zone else _parse_datetime, kind)
            return Conversion(column, pl.String(), found, found.dt.year().is_between(1, 9999))
    return Conversion(column, polars_type(column.type))


def _first_pattern(
    text: pl.Expr, parse: Callable[[pl.Series], pl.Series], kind: PolarsType
) -> pl.Expr:
    return text.map_batches(parse, return_dtype=kind, is_elementwise=True)


def _parse_time(texts: pl.Series) -> pl.Series:
    return _parse(texts, _TIMES, lambda rest, form: rest.str.to_time(form, strict=False))


def _parse_datetime(texts: pl.Series) -> pl.Series:
    return _parse(
        texts,
        _DATETIMES,
        lambda rest, form: rest.str.to_datetime(form, time_unit="us", strict=False),
    )


def _parse_zoned(zone: str) -> Callable[[pl.Series], pl.Series]:
    """Texts with an offset are instants; those without are times in the column's zone."""

    def parse(texts: pl.Series) -> pl.Series:
        def instants(rest: pl.Series, form: str) -> pl.Series:
            found = rest.str.to_datetime(form, time_unit="us", strict=False, time_zone="UTC")
            return found.dt.convert_time_zone(zone)

        def local(rest: pl.Series, form: str) -> pl.Series:
            found = rest.str.to_datetime(form, time_unit="us", strict=False)
            return found.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")

        found = _parse(texts, _ZONED, instants)
        missed = found.is_null() & texts.is_not_null()
        if not missed.any():
            return found
        return _fill(found, missed, _parse(texts.filter(missed), _DATETIMES, local))

    return parse


def _parse(
    texts: pl.Series, forms: tuple[str, ...], read: Callable[[pl.Series, str], pl.Series]
) -> pl.Series:
    """Each text by the first form that fits it; a file mostly has one, so the rest cost nothing."""
    found = read(texts, forms[0])
    for form in forms[1:]:
        missed = found.is_null() & texts.is_not_null()
        if not missed.any():
            break
        found = _fill(found, missed, read(texts.filter(missed), form))
    return found


def _fill(found: pl.Series, missed: pl.Series, values: pl.Series) -> pl.Series:
    return found.scatter(missed.arg_true(), values) if values.null_count() < len(values) else found
