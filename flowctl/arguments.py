"""What components share in reading their arguments: columns, types, expressions, `on_error`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from flowctl.codes.expressions import UNKNOWN_COLUMN
from flowctl.codes.names import COLUMN_TYPE
from flowctl.component import JsonSchema
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault, nearest
from flowctl.expressions.canonical import canonical
from flowctl.expressions.check import check
from flowctl.expressions.scope import Scope
from flowctl.operators import Hazard
from flowctl.records import TYPE_NAMES, DataType, Schema, TypeSyntaxError, parse_type
from flowctl.syntax.node import Json, Pointer

if TYPE_CHECKING:
    import polars as pl

    from flowctl.expressions.lower import Lowered
    from flowctl.expressions.tree import Tree

_FAULT: Final = "__fault"

# The compiler itself reads this option, so that no rule has to; a component that can find fault
# with a record lists it among its options.
ON_ERROR: Final[dict[str, JsonSchema]] = {
    "on_error": {
        "description": "What a record at fault does: end the run (`fail`, the default), go away "
        "(`skip`), or go to the step's `rejects` (`reject`).",
        "enum": ["fail", "skip", "reject"],
    }
}


def pairs(value: Json) -> list[tuple[str, Json]]:
    """An ordered mapping, as an author writes it or as the list of pairs that a plan holds."""
    if isinstance(value, Mapping):
        return list(value.items())
    items = value if isinstance(value, list) else []
    return [(str(pair[0]), pair[1]) for pair in items if isinstance(pair, list) and len(pair) == 2]


def texts(value: Json) -> list[str]:
    """A list of strings."""
    return [str(item) for item in value] if isinstance(value, list) else []


def unknown_column(
    name: str, schema: Schema, pointer: Pointer, *, key: bool = False
) -> Fault | None:
    """The fault that a column does not exist; None where it does, or where it may."""
    if schema.open or name in schema:
        return None
    close = nearest(name, schema.names)
    help = f"did you mean `{close}`?" if close else f"the columns are {listed(schema.names)}"
    return Fault(UNKNOWN_COLUMN, f"unknown column `{name}`", pointer, help=help, key=key)


class ReadType(NamedTuple):
    """A column type, or the fault that it cannot be read."""

    type: DataType | None
    nullable: bool
    fault: Fault | None


def column_type(text: str, pointer: Pointer) -> ReadType:
    """Reads a type as `columns` and `cast` write it: `int64`, `string?`."""
    try:
        return ReadType(*parse_type(text), None)
    except TypeSyntaxError as error:
        wrong = text[error.start : error.end].strip()
        close = nearest(wrong, TYPE_NAMES)
        help = f"did you mean `{close}`?" if close else f"types are {listed(TYPE_NAMES, 20)}"
        if wrong in TYPE_NAMES or not wrong.isidentifier():
            help = "as in `decimal(10,2)`, `list<string>`, `struct<a: int64, b: string?>`"
        fault = Fault(
            COLUMN_TYPE, str(error).replace("'", "`"), pointer, error.start, error.end, help
        )
        return ReadType(None, True, fault)


def listed(names: Iterable[str], limit: int = 12) -> str:
    """Names for a message, on one line and not too many of them."""
    found = list(names)
    shown = ", ".join(f"`{name}`" for name in found[:limit])
    return f"{shown} and {len(found) - limit} more" if len(found) > limit else shown


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression over a record: its canonical text, or the author's where it has faults."""

    text: str
    type: DataType
    faults: tuple[Fault, ...]


def expression_schema(description: str) -> JsonSchema:
    """The JSON Schema of an argument that is an expression; `5` and `true` need no quotes."""
    return {
        "description": description,
        "type": ["string", "number", "boolean"],
        "format": "expression",
    }


def expression(
    value: Json, schema: Schema, scope: Scope, pointer: Pointer, expect: DataType | None = None
) -> Expression:
    """Checks an expression against the columns that reach it."""
    text = _text(value)
    checked = check(text, scope.over(schema), expect)
    if checked.tree is not None:
        return Expression(canonical(checked.tree), checked.type, ())
    return Expression(text, checked.type, tuple(fault.below(*pointer) for fault in checked.faults))


def checked_tree(value: Json, schema: Schema, scope: Scope, expect: DataType | None = None) -> Tree:
    """The tree of an expression that its rule has found sound; raises ValueError for another."""
    checked = check(_text(value), scope.over(schema), expect)
    if checked.tree is None:
        raise ValueError(f"{_text(value)!r}: {checked.faults[0].message}")
    return checked.tree


def hazards(lowered: Lowered, rule: str, pointer: Pointer) -> tuple[Hazard, ...]:
    """The hazard that lies in computing an expression; none where nothing can go wrong."""
    reason = lowered.reason
    if reason is None:
        return ()

    def examine(frame: pl.DataFrame) -> pl.Series:
        return frame.with_columns(reason.alias(_FAULT)).get_column(_FAULT)

    return (Hazard(lowered.suspect, examine, rule, pointer),)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value)
