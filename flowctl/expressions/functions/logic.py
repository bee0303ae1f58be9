"""Comparisons, and what combines their results; null is the third truth value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import TYPE_CHECKING, Final

from flowctl.expressions.functions.signature import (
    Function,
    Match,
    Operands,
    Signature,
    T,
    ruled,
    takes,
    unify,
)
from flowctl.expressions.lazily import pl
from flowctl.expressions.polars_types import polars_type
from flowctl.expressions.tree import Literal, Tree
from flowctl.expressions.types import BOOLEAN
from flowctl.records import Float, List, Struct

if TYPE_CHECKING:
    Comparison = Callable[[pl.Expr, pl.Expr], pl.Expr]


def _alike(arguments: Sequence[Tree]) -> Match | None:
    kind = unify(arguments)
    return Match((kind,) * len(arguments), BOOLEAN, 0) if kind is not None else None


def _ordered(arguments: Sequence[Tree]) -> Match | str | None:
    found = _alike(arguments)
    if found is not None and isinstance(found.parameters[0], List | Struct):
        return "lists and structs have no order"
    return found


def _comparison(name: str, doc: str, example: str, lower: Comparison, ordered: bool) -> Function:
    rule = _ordered if ordered else _alike
    signature = ruled(T, T, by=rule, lower=lambda call: lower(call[0], call[1]), shown="boolean")
    return Function(name, (signature,), doc, example)


def _truth(name: str, doc: str, example: str, lower: Callable[[pl.Expr], pl.Expr]) -> Function:
    signature = takes(BOOLEAN, gives=BOOLEAN, lower=lambda call: lower(call[0]))
    return Function(name, (signature,), doc, example)


def _null_test(name: str, doc: str, example: str, lower: Callable[[pl.Expr], pl.Expr]) -> Function:
    signature = takes(T, gives=BOOLEAN, lower=lambda call: lower(call[0]))
    return Function(name, (signature,), doc, example)


def _lower_between(call: Operands) -> pl.Expr:
    value, low, high = call.values
    return (value >= low) & (value <= high)


def _lower_in(call: Operands) -> pl.Expr:
    value, items = call[0], call.trees[1:]
    if isinstance(call.types[0], Float) or not all(isinstance(item, Literal) for item in items):
        return reduce(lambda a, b: a | b, (value == other for other in call.values[1:]))
    known = [item.value for item in items if isinstance(item, Literal) and item.value is not None]
    found = value.is_in(pl.Series(known, dtype=polars_type(call.types[0]), strict=False).implode())
    if len(known) == len(items):
        return found
    return pl.when(found).then(True).otherwise(None)


def _every(operation: Comparison) -> Callable[[Operands], pl.Expr]:
    return lambda call: reduce(operation, call.values)


def _connective(operation: Comparison) -> tuple[Signature, ...]:
    return (takes(BOOLEAN, BOOLEAN, gives=BOOLEAN, lower=_every(operation), more=True),)


FUNCTIONS: Final = (
    _comparison("=", "Whether two values are equal; NaN equals NaN.", "1 = 1.0 → true",
                lambda a, b: a == b, ordered=False),
    _comparison("<>", "Whether two values differ.", "'a' <> 'b' → true",
                lambda a, b: a != b, ordered=False),
    _comparison("<", "Whether the first comes before the second; NaN comes after all numbers, and"
                " text is ordered by code point.", "'Z' < 'a' → true",
                lambda a, b: a < b, ordered=True),
    _comparison("<=", "Whether the first comes before the second or equals it.", "1 <= 1 → true",
                lambda a, b: a <= b, ordered=True),
    _comparison(">", "Whether the first comes after the second.", "2 > 1 → true",
                lambda a, b: a > b, ordered=True),
    _comparison(">=", "Whether the first comes after the second or equals it.", "2 >= 3 → false",
                lambda a, b: a >= b, ordered=True),
    _comparison("is distinct from", "Whether two values differ, null being a value like others.",
                "null is distinct from 1 → true", lambda a, b: a.ne_missing(b), ordered=False),
    _comparison("is not distinct from", "Whether two values are equal, null being a value like"
                " others.", "null is not distinct from null → true",
                lambda a, b: a.eq_missing(b), ordered=False),
    Function("between", (ruled(T, T, T, by=_ordered, lower=_lower_between, shown="boolean"),),
             "Whether a value lies between two others, both included.",
             "2 between 1 and 3 → true"),
    Function("in", (ruled(T, T, by=_alike, lower=_lower_in, more=True, shown="boolean"),),
             "Whether a value is one of several.", "'b' in ('a', 'b') → true"),
    Function("and", _connective(lambda a, b: a & b),
             "True where all are true; what follows a false one is not looked at.",
             "true and null → null"),
    Function("or", _connective(lambda a, b: a | b),
             "True where one is true; what follows a true one is not looked at.",
             "true or null → true"),
    _truth("not", "Turns true into false and false into true.", "not true → false",
           lambda a: ~a),
    _truth("is true", "Whether it is true, neither false nor null.", "null is true → false",
           lambda a: a.fill_null(False)),
    _truth("is not true", "Whether it is false or null.", "null is not true → true",
           lambda a: ~a.fill_null(False)),
    _truth("is false", "Whether it is false, neither true nor null.", "false is false → true",
           lambda a: (~a).fill_null(False)),
    _truth("is not false", "Whether it is true or null.", "null is not false → true",
           lambda a: a.fill_null(True)),
    _null_test("is null", "Whether there is no value.", "null is null → true",
               lambda a: a.is_null()),
    _null_test("is not null", "Whether there is a value.", "1 is not null → true",
               lambda a: a.is_not_null()),
)  # fmt: skip
