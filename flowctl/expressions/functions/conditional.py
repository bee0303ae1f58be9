"""Functions that choose between values; `case` and `if` are nodes of the tree, not functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Final

from flowctl.expressions.functions.signature import (
    Function,
    Match,
    Operands,
    T,
    ruled,
    takes,
    unify,
)
from flowctl.expressions.lazily import pl
from flowctl.expressions.tree import Tree
from flowctl.records import List, Struct


def _first(call: Operands) -> pl.Expr:
    return pl.coalesce(*call.values)


def _same(arguments: Sequence[Tree]) -> Match | None:
    kind = unify(arguments)
    return Match((kind,) * len(arguments), kind, 0) if kind is not None else None


def _ordered(arguments: Sequence[Tree]) -> Match | str | None:
    found = _same(arguments)
    if found is not None and isinstance(found.result, List | Struct):
        return "lists and structs have no order"
    return found


def _extreme(better: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> Callable[[Operands], pl.Expr]:
    """Compares by hand: the horizontal minimum of Polars knows neither NaN nor text."""

    def choose(a: pl.Expr, b: pl.Expr) -> pl.Expr:
        take_a = better(a, b).fill_null(True) & a.is_not_null() | b.is_null()
        return pl.when(take_a).then(a).otherwise(b)

    return lambda call: reduce(choose, call.values)


def _lower_nullif(call: Operands) -> pl.Expr:
    a, b = call.values
    return pl.when((a == b).fill_null(False)).then(None).otherwise(a)


def _nullif(arguments: Sequence[Tree]) -> Match | None:
    kind = unify(arguments)
    return Match((kind, kind), kind, 0) if kind is not None else None


FUNCTIONS: Final = (
    Function(
        "coalesce",
        (ruled(T, by=_same, lower=_first, more=True),),
        "The first value that is not null; what follows it is not looked at.",
        "coalesce(null, 2, 3) → 2",
        aliases=("ifnull",),
    ),
    Function(
        "nullif",
        (ruled(T, T, by=_nullif, lower=_lower_nullif),),
        "Null where both values are equal, else the first.",
        "nullif(5, 5) → null",
    ),
    Function(
        "greatest",
        (ruled(T, by=_ordered, lower=_extreme(lambda a, b: a >= b), more=True),),
        "The greatest of several values, nulls aside.",
        "greatest(1, null, 3) → 3",
    ),
    Function(
        "least",
        (ruled(T, by=_ordered, lower=_extreme(lambda a, b: a <= b), more=True),),
        "The least of several values, nulls aside.",
        "least(4, 2, 3) → 2",
    ),
    Function(
        "try",
        (takes(T, gives=T, lower=_first),),
        "Null where the expression is a fault.",
        "try(1 // 0) → null",
    ),
)
