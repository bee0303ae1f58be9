"""`join: {csv: carriers.csv}`, `on: [carrier]`: sets the records of another source beside these."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, cast

from flowctl.arguments import listed, pairs, unknown_column
from flowctl.codes.names import DUPLICATE_COLUMN, KEY_TYPES
from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.dataclass import dataclass
from flowctl.dataflow import CARRIED
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.expressions.types import common
from flowctl.gathering.addressing import Addressed
from flowctl.gathering.joining import How, Join, Partitioned
from flowctl.operators import Awaiting, InOrder, Meeting, Operator, Pairs
from flowctl.records import Column, DataType, List, Null, Schema, Struct, Unknown
from flowctl.syntax.node import Json, Pointer

if TYPE_CHECKING:
    import polars as pl
    from polars.datatypes import DataType as PolarsType

_HOW: Final = ("inner", "left", "full", "semi", "anti")

SPEC = Spec(
    kind="join",
    summary="Sets the records of another source beside those that have the same keys.",
    argument={
        "$ref": "#/$defs/source",
        "description": "The other source, the right side: `{csv: carriers.csv}`, `{step: clean}`.",
    },
    options={
        "on": {
            "description": "The keys: columns of both sides, or names of the left side's with "
            "those of the right side's.",
            "anyOf": [
                {"type": "array", "items": {"type": "string", "format": "column"}, "minItems": 1},
                {
                    "type": "object",
                    "additionalProperties": {"type": "string", "format": "column"},
                    "minProperties": 1,
                },
            ],
        },
        "how": {
            "description": "Which records leave: those that meet one (`inner`, the default), all "
            "of the left side (`left`) or of both (`full`), or those of the left side alone that "
            "meet one (`semi`) or none (`anti`).",
            "enum": list(_HOW),
        },
        "suffix": {
            "description": "What is put behind the names of the right side's columns that the left "
            "side has, too; without it they are an error.",
            "type": "string",
            "minLength": 1,
        },
    },
    required=("on",),
    detail="""\
Records leave in the order of the left side; one that meets several leaves once for each, in the
order of the right side. A null key meets nothing, not even another null. Keys leave once, under
their names on the left side, then come the other columns of the right side: with `left` they are
null where nothing was met. With `full`, records of the right side that met nothing come last, in
their order. `semi` and `anti` add no column.

Both sides count as read. The right side is held in memory if it is small, else both sides are put
into partitions in files; what leaves is the same.
""",
    example="""join:
  rows: [{carrier: UA, name: United}, {carrier: AA, name: American}]
on: [carrier]
how: left
""",
)


@dataclass(frozen=True, slots=True)
class _Key:
    """A pair of columns as it was written: `left_at` and `right_at` are the places of the names."""

    left: str
    right: str
    pointer: Pointer
    named: bool


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    (right,) = situation.inputs
    keys = list(_keys(arguments))
    how = str(arguments.get("how", "inner"))
    faults = [fault for key in keys for fault in _faults(key, schema, right)]
    canonical: dict[str, Json] = {"on": [[key.left, key.right] for key in keys]}
    canonical |= {"how": how} if how != "inner" else {}
    suffix = str(arguments.get("suffix", ""))
    canonical |= {"suffix": suffix} if suffix else {}
    if how in ("semi", "anti"):
        return Typed(canonical, schema, tuple(faults))
    if not any(fault.pointer[:1] == ("on",) for fault in faults):
        faults += _collisions(_added(keys, schema, right, suffix), schema, right, suffix)
    leaving = _leaving(keys, schema, right, how, suffix)
    return Typed(canonical, leaving, tuple(faults), placeless=how == "full")


def _keys(arguments: Arguments) -> Iterator[_Key]:
    """The keys as an author writes them, or as the plan holds them: pairs."""
    on = arguments["on"]
    if isinstance(on, list) and all(isinstance(name, str) for name in on):
        for index, name in enumerate(on):
            yield _Key(str(name), str(name), ("on", index), named=False)
    else:
        for name, other in pairs(on):
            yield _Key(name, str(other), ("on", name), named=True)


def _faults(key: _Key, left: Schema, right: Schema) -> Iterator[Fault]:
    """Columns that do not exist, and types that do not compare."""
    missing = unknown_column(key.left, left, key.pointer, key=key.named)
    if missing is not None:
        yield replace(missing, message=f"the left side has no column `{key.left}`")
    absent = unknown_column(key.right, right, key.pointer)
    if absent is not None:
        yield replace(absent, message=f"the right side has no column `{key.right}`")
    if key.left not in left or key.right not in right:
        return
    mine, theirs = left[key.left].type, right[key.right].type
    if _key_type(mine, theirs) is None:
        message = f"`{key.left}` is {mine} on the left side, `{key.right}` is {theirs} on the right"
        if isinstance(mine, List | Struct) or isinstance(theirs, List | Struct):
            message += "; a list or a struct is no key"
        help = "bring both to one type before, with `cast` or with `columns` at the source"
        yield Fault(KEY_TYPES, message, key.pointer, help=help)


def _key_type(left: DataType, right: DataType) -> DataType | None:
    """The type in which two keys are compared."""
    if isinstance(left, List | Struct) or isinstance(right, List | Struct):
        return None
    return common(left, right)


def _added(keys: list[_Key], left: Schema, right: Schema, suffix: str) -> dict[str, Column]:
    """The columns that the right side adds, by their names there."""
    used = {key.right for key in keys}
    return {
        column.name: replace(
            column, name=column.name + suffix if column.name in left else column.name
        )
        for column in right
        if column.name not in used
    }


def _collisions(
    added: dict[str, Column], left: Schema, right: Schema, suffix: str
) -> Iterator[Fault]:
    taken = [column.name for column in added.values() if column.name in left]
    names = [column.name for column in added.values()]
    twice = [name for name in names if names.count(name) > 1 and name not in taken]
    if found := list(dict.fromkeys([*taken, *twice])):
        message = f"both sides have a column {listed(found)}"
        if suffix:
            message = f"there is a column {listed(found)} already"
        free = f"`suffix: {suffix or '_right'}{'2' if suffix else ''}`"
        help = f"say {free}, or `rename`, `select` or `drop` before the join"
        pointer: Pointer = ("suffix",) if suffix else ("join",)
        yield Fault(DUPLICATE_COLUMN, message, pointer, help=help, key=not suffix)


def _leaving(keys: list[_Key], left: Schema, right: Schema, how: str, suffix: str) -> Schema:
    added = list(_added(keys, left, right, suffix).values())
    if how == "full":
        met = {key.left: _either(key, left, right) for key in keys}
        own = [met.get(column.name, replace(column, nullable=True)) for column in left]
        left = replace(left, columns=tuple(own))
    if how in ("left", "full"):
        added = [replace(column, nullable=True) for column in added]
    return replace(left.with_columns(added), open=left.open or right.open)


def _either(key: _Key, left: Schema, right: Schema) -> Column:
    """A key of a record that comes from either side."""
    if key.left not in left or key.right not in right:
        return Column(key.left, Unknown())
    mine, theirs = left[key.left], right[key.right]
    kind = _key_type(mine.type, theirs.type)
    return Column(key.left, kind or Unknown(), mine.nullable or theirs.nullable)


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    return Awaiting(partial(_meeting, arguments, schema))


def _meeting(arguments: Arguments, left: Schema, right: Schema) -> Meeting:
    join = _join(arguments, left, right)

    def held(records: pl.DataFrame) -> InOrder:
        if join.how in ("semi", "anti"):
            records = records.unique(maintain_order=True)

        addressed = Addressed.of(join, records)

        def step(state: Json, frame: pl.DataFrame) -> tuple[Json, pl.DataFrame]:
            met = addressed.meet(frame) if addressed is not None else join.meet(frame, records)
            return state, met

        multiplies = join.how in ("inner", "left")
        needs = frozenset(key.left for key in _keys(arguments))
        return InOrder(None, step, lambda state: False, multiplies, stateless=True, needs=needs)

    def condense(frame: pl.DataFrame) -> pl.DataFrame:
        import polars as pl

        placed = frame if join.how != "full" else frame.select(left.names)
        return join.partitioned(placed.select(*left.names, pl.col(CARRIED)))

    apart = Pairs(condense, partial(Partitioned, join))
    keys = [key.right for key in _keys(arguments)]
    return Meeting(
        (*keys, *join.values.values()), join.keep, held if join.how != "full" else None, apart
    )


def _join(arguments: Arguments, left: Schema, right: Schema) -> Join:
    keys = list(_keys(arguments))
    how = cast(How, arguments.get("how", "inner"))
    suffix = str(arguments.get("suffix", ""))
    kinds = [_key_type(left[key.left].type, right[key.right].type) or Null() for key in keys]
    leaving = left if how in ("semi", "anti") else _leaving(keys, left, right, how, suffix)
    added = {} if how in ("semi", "anti") else _added(keys, left, right, suffix)
    return Join(
        how,
        keys=tuple(
            (_as_type(left[key.left], kind), _as_type(right[key.right], kind))
            for key, kind in zip(keys, kinds, strict=True)
        ),
        key_names=tuple(key.left for key in keys),
        names=tuple(left.names),
        values={column.name: name for name, column in added.items()},
        types={column.name: _polars_type(column.type) for column in leaving},
        key_types=tuple(map(_polars_type, kinds)),
    )


def _as_type(column: Column, kind: DataType) -> pl.Expr:
    """A key in the type that both sides have in common; no value is lost on the way."""
    import polars as pl

    from flowctl.expressions.casts import convert

    value = pl.col(column.name)
    if column.type == kind:
        return value
    if isinstance(column.type, Null | Unknown):
        return value.cast(_polars_type(kind))
    return convert(value, column.type, kind).value


def _polars_type(kind: DataType) -> PolarsType:
    import polars as pl

    from flowctl.expressions.polars_types import polars_type

    return pl.Null() if isinstance(kind, Unknown) else polars_type(kind)


COMPONENT = Transform(SPEC, rule, prepare, order="in-order", inputs="one")
