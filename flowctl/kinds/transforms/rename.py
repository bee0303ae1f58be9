"""`rename: {new: old}`: gives columns other names, in their place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from flowctl.arguments import pairs, unknown_column
from flowctl.codes.names import DUPLICATE_COLUMN
from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.operators import Operator, Rowwise
from flowctl.records import Column, Schema, Unknown

if TYPE_CHECKING:
    import polars as pl

SPEC = Spec(
    kind="rename",
    summary="Gives columns other names; they keep their place.",
    argument={
        "description": "New names, each with the column that gets it; all at once, so that two "
        "columns may swap their names.",
        "type": "object",
        "additionalProperties": {"type": "string", "format": "column"},
        "minProperties": 1,
    },
    example="rename: {delay: dep_delay}",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    renames = [(new, str(old)) for new, old in pairs(arguments["rename"])]
    new_names = {old: new for new, old in renames}
    meant = [Column(new, Unknown()) for new, old in renames if old not in schema]
    kept = tuple(replace(column, name=new_names.get(column.name, column.name)) for column in schema)
    return Typed(
        {"rename": [[new, old] for new, old in renames]},
        replace(schema, columns=kept).with_columns(meant),
        tuple(_faults(renames, schema)),
    )


def _faults(renames: list[tuple[str, str]], schema: Schema) -> Iterator[Fault]:
    staying = set(schema.names) - {old for _, old in renames}
    renamed: set[str] = set()
    for new, old in renames:
        unknown = unknown_column(old, schema, ("rename", new))
        if unknown is not None:
            yield unknown
        elif old in renamed:
            message = f"column `{old}` gets two new names; copy it with `derive: {{{new}: {old}}}`"
            yield Fault(DUPLICATE_COLUMN, message, ("rename", new))
        elif new in staying:
            message = f"there is a column `{new}` already"
            help = f"drop it first: `- drop: [{new}]`"
            yield Fault(DUPLICATE_COLUMN, message, ("rename", new), help=help, key=True)
        renamed.add(old)


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    names = {str(old): new for new, old in pairs(arguments["rename"])}

    def apply(frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame.rename(names)

    return Rowwise(apply)


COMPONENT = Transform(SPEC, rule, prepare)
