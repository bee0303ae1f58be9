"""Which signature of a function fits its arguments best.

Long documents say the same kinds of things over and over, so the choice is remembered: for what is
not a literal it depends on types alone, for operators on literals it depends on their size.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal as Number
from functools import lru_cache
from typing import Final, TypeAlias

from flowctl.expressions.functions import BY_NAME
from flowctl.expressions.functions.signature import Function, Match
from flowctl.expressions.tree import Call, Column, Lambda, Literal, Tree
from flowctl.records import DataType, Decimal, String

_BY_SIZE: Final = frozenset(("arithmetic", "logic"))
"""Families whose rules look at no more of a literal than its type and the bits that it needs."""

_Shape: TypeAlias = "tuple[DataType, int | str | Number | None]"


def choose(function: Function, arguments: Sequence[Tree]) -> tuple[int, Match] | str | None:
    """The index of the signature with what it makes of the arguments; else why none fits."""
    if BY_NAME.get(function.name) is function:
        literals = function.family in _BY_SIZE
        shapes = [_shape(argument, literals=literals) for argument in arguments]
        known = tuple(shape for shape in shapes if shape is not None)
        if len(known) == len(shapes):
            return _remembered(function.name, known)
    return _best(function, arguments)


def _best(function: Function, arguments: Sequence[Tree]) -> tuple[int, Match] | str | None:
    best: tuple[int, Match] | None = None
    reason: str | None = None
    for index, signature in enumerate(function.signatures):
        match = signature.match(arguments)
        if isinstance(match, str):
            reason = match
        elif match is not None and (best is None or match.cost < best[1].cost):
            best = (index, match)
            if not match.cost:
                break
    return reason if best is None else best


@lru_cache(maxsize=4096)
def _remembered(name: str, shapes: tuple[_Shape, ...]) -> tuple[int, Match] | str | None:
    return _best(BY_NAME[name], tuple(map(_stand_in, shapes)))


def _shape(tree: Tree, *, literals: bool) -> _Shape | None:
    """What the choice depends on; None where that may be the very value."""
    if isinstance(tree, Lambda) or (isinstance(tree, Call) and tree.name == "list_value"):
        return None
    if not isinstance(tree, Literal):
        return tree.type, None
    if literals and isinstance(tree.value, str) and isinstance(tree.type, String):
        return tree.type, ""
    if literals and isinstance(tree.value, Number) and isinstance(tree.type, Decimal):
        return tree.type, Number()
    if literals and isinstance(tree.value, int) and not isinstance(tree.value, bool):
        bits = (tree.value if tree.value >= 0 else ~tree.value).bit_length()
        return tree.type, bits if tree.value >= 0 else ~bits
    return None


def _stand_in(shape: _Shape) -> Tree:
    """A tree of this shape: the longest integer of so many bits, an empty text, 0, or a column."""
    kind, size = shape
    if size is None:
        return Column("", 0, 0, kind)
    if isinstance(size, str | Number):
        return Literal(size, 0, 0, kind)
    return Literal((1 << size) - 1 if size >= 0 else -(1 << ~size), 0, 0, kind)
