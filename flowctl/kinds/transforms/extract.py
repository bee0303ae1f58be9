r"""`extract: line`, `pattern: '(?P<ip>\S+) ...'`: named groups of a pattern become columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from flowctl.arguments import ON_ERROR, unknown_column
from flowctl.codes.expressions import OPERAND_TYPES, PATTERN
from flowctl.codes.names import NO_GROUPS
from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.operators import Hazard, Operator, Rowwise
from flowctl.patterns import bad_pattern, group_names
from flowctl.records import Column, Null, Schema, String, Unknown

if TYPE_CHECKING:
    import polars as pl

SPEC = Spec(
    kind="extract",
    summary="Takes text apart: each named group of a pattern becomes a column.",
    argument={
        "description": "The column that holds the text.",
        "type": "string",
        "format": "column",
    },
    options={
        "pattern": {
            "description": "A regular expression (Rust's syntax: no look-around, no "
            "back-references). It may match anywhere in the text; `^` and `$` pin it down.",
            "type": "string",
        },
        **ON_ERROR,
    },
    required=("pattern",),
    example=r"""extract: line
pattern: '^(?P<ip>\S+) (?P<user>\S+) (?P<request>.*)$'
on_error: reject
""",
    detail="The columns are text, null where an optional group has no part in the match; cast them "
    "behind. A record whose text does not match, or is null, is at fault.",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    name, pattern = str(arguments["extract"]), str(arguments["pattern"])
    added = [Column(group, String()) for group in group_names(pattern)]
    in_pattern = tuple(_pattern_faults(pattern, bool(added)))
    leaving = replace(schema.with_columns(added), open=schema.open or bool(in_pattern))
    faults = (*_column_faults(name, schema), *in_pattern)
    return Typed({"extract": name, "pattern": pattern}, leaving, faults)


def _column_faults(name: str, schema: Schema) -> Iterator[Fault]:
    unknown = unknown_column(name, schema, ("extract",))
    if unknown is not None:
        yield unknown
    elif name in schema and not isinstance(schema[name].type, String | Unknown | Null):
        message = f"a pattern needs text, but column `{name}` is {schema[name].type}"
        help = f"cast it first: `- cast: {{{name}: string}}`"
        yield Fault(OPERAND_TYPES, message, ("extract",), help=help)


def _pattern_faults(pattern: str, named: bool) -> Iterator[Fault]:
    bad = bad_pattern(pattern)
    if bad is not None:
        message = f"the pattern cannot be read: {bad.message}"
        yield Fault(PATTERN, message, ("pattern",), bad.start, bad.end)
    elif not named:
        help = "name a group as in `(?P<ip>[0-9.]+)`"
        yield Fault(NO_GROUPS, "the pattern has no named group", ("pattern",), help=help)


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    import polars as pl

    name, pattern = str(arguments["extract"]), str(arguments["pattern"])
    text = pl.col(name).cast(pl.String)
    groups = text.str.extract_groups(pattern)
    columns = [groups.struct.field(group) for group in group_names(pattern)]
    # Asked of the groups that are computed anyway; optional groups may all be null in a match.
    suspect = reduce(and_, (column.is_null() for column in columns))

    def apply(frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.with_columns(columns)

    def examine(frame: pl.DataFrame) -> pl.Series:
        message = (
            pl.when(text.is_null())
            .then(pl.lit(f"`{name}` is null"))
            .when(text.str.contains(pattern).not_())
            .then(pl.lit(f"`{name}` does not match the pattern"))
        )
        return frame.select(message.alias("fault")).to_series()

    hazard = Hazard(suspect, examine, rule="extract", pointer=("extract",))
    return Rowwise(apply, (hazard,))


COMPONENT = Transform(SPEC, rule, prepare)
