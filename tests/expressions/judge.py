"""DuckDB as the judge: the same expression over the same rows, fault for fault, value for value."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import duckdb
import polars as pl

from flowctl.expressions import Scope, Tree, canonical, check
from flowctl.expressions.lower import lower
from flowctl.expressions.polars_types import from_polars, schema_of
from flowctl.expressions.sqltypes import sql_name
from flowctl.expressions.tree import Call, Case, Cast, Field, Lambda, Literal
from flowctl.expressions.types import BOOLEAN
from flowctl.records import DataType, Date, Datetime, Duration, Integer, List, Null, Time

FAULT = "FAULT"


@dataclass(frozen=True)
class Verdict:
    """What one side makes of every row: a value, or FAULT."""

    type: str
    rows: list[object]


def connect() -> duckdb.DuckDBPyConnection:
    """A connection in which `try` catches the faults of exactly the rows that have them."""
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute("set memory_limit = '2GB'")
    connection.execute(
        "set disabled_optimizers ="
        " 'common_subexpressions,statistics_propagation,expression_rewriter'"
    )
    return connection


def ours(text: str, frame: pl.DataFrame, scope: Scope | None = None) -> tuple[Tree, Verdict]:
    """What flowctl makes of the expression; `suspect` must be true wherever `fault` is."""
    checked = check(text, scope or Scope(columns=schema_of(frame)))
    assert checked.tree is not None, (text, [fault.message for fault in checked.faults])
    tree = checked.tree
    lowered = lower(tree)
    false = pl.lit(False)
    computed = frame.lazy().with_columns(
        __value=lowered.value,
        __fault=false if lowered.fault is None else lowered.fault,
        __suspect=false if lowered.suspect is None else lowered.suspect,
        __reason=pl.lit(None, pl.String) if lowered.reason is None else lowered.reason,
    )
    try:
        out = computed.collect()
    except pl.exceptions.PanicException as panic:
        raise AssertionError(f"Polars panics on {text}") from panic
    found = from_polars(out["__value"].dtype)
    assert found == tree.type or isinstance(tree.type, Null), (text, found, tree.type)
    rows = []
    for value, fault, suspect, reason in zip(
        _plain(out["__value"]), out["__fault"], out["__suspect"], out["__reason"], strict=True
    ):
        assert fault is not None and suspect is not None, text
        assert suspect or not fault, f"{text}: a fault that is not suspected"
        assert (reason is not None) == fault, f"{text}: {reason!r} for fault {fault}"
        rows.append(FAULT if fault else value)
    return tree, Verdict(sql_name(tree.type), rows)


def theirs(connection: duckdb.DuckDBPyConnection, tree: Tree, frame: pl.DataFrame) -> Verdict:
    """What DuckDB makes of it."""
    connection.register("arrow", frame.with_row_index("__n").to_arrow())
    times = [name for name, kind in frame.schema.items() if kind == pl.Time]
    as_time = ", ".join(f'cast("{name}" as time) as "{name}"' for name in times)
    replaced = f"replace ({as_time})" if times else ""
    connection.execute(f"create or replace temp table rows as select * {replaced} from arrow")
    sql = canonical(guarded(tree))
    shown = _shown(sql, tree.type)
    query = f"select try({shown}) as v, try(({sql}) is null) as n, typeof(try({sql})) as t"
    found = pl.from_arrow(connection.sql(f"{query} from rows order by __n").to_arrow_table())
    assert isinstance(found, pl.DataFrame)
    kind = found["t"][0] if len(found) else ""
    values = _plain(found["v"])
    if isinstance(tree.type, Integer) and tree.type.bits == 128:
        values = [None if value is None else int(str(value)) for value in values]
    if tree.type == List(Integer(128)):
        values = [_integers(value) for value in values]
    rows = [
        FAULT if missing is None else value
        for value, missing in zip(values, found["n"], strict=True)
    ]
    return Verdict(str(kind).replace("VARCHAR", "TEXT"), rows)


def guarded(tree: Tree) -> Tree:
    """With `and`, `or` written as `case`: DuckDB looks at all operands, the language does not."""
    if isinstance(tree, Call):
        arguments = tuple(map(guarded, tree.arguments))
        if tree.name in ("and", "or"):
            return _guarded_connective(tree.name, arguments)
        return replace(tree, arguments=arguments)
    if isinstance(tree, Cast | Field):
        return replace(tree, operand=guarded(tree.operand))
    if isinstance(tree, Case):
        branches = tuple((guarded(when), guarded(then)) for when, then in tree.branches)
        return replace(tree, branches=branches, otherwise=guarded(tree.otherwise))
    if isinstance(tree, Lambda):
        return replace(tree, body=guarded(tree.body))
    return tree


def _guarded_connective(name: str, arguments: tuple[Tree, ...]) -> Tree:
    first, *rest = arguments
    if not rest:
        return first
    decided = Literal(name == "or", 0, 0, BOOLEAN)
    stop = Call("is not distinct from", (first, decided), 0, 0)
    both = Call(name, (first, _guarded_connective(name, tuple(rest))), 0, 0)
    return Case(((stop, decided),), both, 0, 0)


def same(left: object, right: object, tolerance: float = 1e-13) -> bool:
    """Whether two values are one; floats may differ in their last bit."""
    if isinstance(left, float) and isinstance(right, float):
        if math.isnan(left) or math.isnan(right):
            return math.isnan(left) and math.isnan(right)
        return left == right or math.isclose(left, right, rel_tol=tolerance, abs_tol=1e-300)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(map(same, left.values(), right.values()))
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def disagreements(
    connection: duckdb.DuckDBPyConnection,
    text: str,
    frame: pl.DataFrame,
    scope: Scope | None = None,
    tolerance: float = 1e-13,
) -> list[tuple[object, ...]]:
    """The rows on which both sides differ: the row, our value, theirs."""
    tree, mine = ours(text, frame, scope)
    judged = theirs(connection, tree, frame)
    used = frame.select(name for name in frame.columns if name in text)
    found: list[tuple[object, ...]] = []
    # Of nothing but nulls DuckDB may find any type.
    told = any(value is not None for value in judged.rows)
    if told and mine.type != judged.type and judged.type not in _SYNONYMS.get(mine.type, ()):
        found.append(("type", mine.type, judged.type))
    for index, (left, right) in enumerate(zip(mine.rows, judged.rows, strict=True)):
        if not same(left, right, tolerance):
            found.append((used.row(index) if used.width else (), left, right))
    return found


_SYNONYMS = {
    "REAL": ("FLOAT",),
    "TEXT": ("JSON",),
    "TIMESTAMPTZ": ("TIMESTAMP WITH TIME ZONE",),
    "TEXT[]": ("JSON[]",),
    '"NULL"': ("INTEGER",),
}


def _integers(value: object) -> object:
    if not isinstance(value, list):
        return value
    return [None if item is None else int(item) for item in value]


def _shown(sql: str, kind: DataType) -> str:
    if isinstance(kind, Integer) and kind.bits == 128:
        return f"cast({sql} as text)"
    if kind == List(Integer(128)):
        return f"cast({sql} as text[])"
    if isinstance(kind, Duration):
        return f"epoch_us({sql})"
    return sql


def _plain(values: pl.Series) -> list[object]:
    """Values that Python can hold: points in time as numbers."""
    kind = from_polars(values.dtype)
    if isinstance(kind, Date | Time | Datetime | Duration):
        if isinstance(kind, Datetime | Duration):
            values = values.dt.cast_time_unit("us")
        return values.to_physical().to_list()
    if isinstance(kind, List) and isinstance(kind.item, Date | Time | Datetime):
        return values.cast(pl.List(pl.Int64)).to_list()
    return values.to_list()
