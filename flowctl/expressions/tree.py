"""The tree of an expression: what was read, and, after checking, what type each part has.

The parser makes names (`Name`) and leaves all types unknown; the checker turns every name into a
`Column`, a `Literal`, a `Local` or a `Runtime`, writes types everywhere and wraps what DuckDB would
convert silently into a `Cast` of kind `implicit`. Operators are calls: `a + b` is
`Call("+", (a, b))`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Literal as OneOf
from typing import TypeAlias

from flowctl.dataclass import dataclass
from flowctl.records import DataType, Null, Unknown

UNKNOWN = Unknown()


@dataclass(frozen=True, slots=True)
class Months:
    """A calendar interval: months, whose length depends on where they begin, and a duration."""

    months: int
    rest: dt.timedelta = dt.timedelta()


Scalar: TypeAlias = (
    "None | bool | int | float | Decimal | str | bytes"
    " | dt.date | dt.time | dt.datetime | dt.timedelta | Months"
)


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; for a float its text must have an exponent, as DuckDB reads `0.1` as decimal."""

    value: Scalar
    start: int
    end: int
    type: DataType = UNKNOWN


@dataclass(frozen=True, slots=True)
class Part:
    """One name of a dotted path; a quoted one can only be a column or a field."""

    text: str
    quoted: bool
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Name:
    """A dotted path that is not resolved yet."""

    parts: tuple[Part, ...]
    start: int
    end: int
    type: DataType = UNKNOWN


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    start: int
    end: int
    type: DataType = UNKNOWN


@dataclass(frozen=True, slots=True)
class Runtime:
    """A value that is known when the step begins: `steps.load.written`, `run.id`."""

    path: tuple[str, ...]
    start: int
    end: int
    type: DataType = UNKNOWN


@dataclass(frozen=True, slots=True)
class Local:
    """The parameter of a lambda; `depth` tells apart equal names of nested lambdas."""

    name: str
    start: int
    end: int
    type: DataType = UNKNOWN


@dataclass(frozen=True, slots=True)
class Call:
    """A function or an operator; `name_end` is where the function's name ends in the text.

    `names` holds the names of named arguments (`{'a': 1}` is `struct_pack` with the name `a`).
    `signature` is the checker's choice among the signatures of the function.
    """

    name: str
    arguments: tuple[Tree, ...]
    start: int
    end: int
    type: DataType = UNKNOWN
    names: tuple[str | None, ...] = ()
    name_start: int = -1
    name_end: int = -1
    signature: int = 0


@dataclass(frozen=True, slots=True)
class Cast:
    """`typed` is `DATE '2013-01-01'`; `implicit` does not stand in the text."""

    operand: Tree
    to: DataType
    kind: OneOf["cast", "try", "typed", "implicit"]
    start: int
    end: int
    type: DataType = UNKNOWN


@dataclass(frozen=True, slots=True)
class Case:
    """The first branch whose condition is true; `otherwise` is a NULL where no `else` stands."""

    branches: tuple[tuple[Tree, Tree], ...]
    otherwise: Tree
    start: int
    end: int
    type: DataType = UNKNOWN


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a struct."""

    operand: Tree
    name: str
    start: int
    end: int
    type: DataType = UNKNOWN
    name_start: int = -1


@dataclass(frozen=True, slots=True)
class Lambda:
    """`lambda x, i: x + i`; its type is that of its body."""

    parameters: tuple[str, ...]
    body: Tree
    start: int
    end: int
    type: DataType = UNKNOWN


Tree: TypeAlias = "Literal | Name | Column | Runtime | Local | Call | Cast | Case | Field | Lambda"


def children(tree: Tree) -> tuple[Tree, ...]:
    """The parts of a node, in the order in which they stand in the text."""
    match tree:
        case Call():
            return tree.arguments
        case Cast() | Field():
            return (tree.operand,)
        case Case():
            return (*(part for branch in tree.branches for part in branch), tree.otherwise)
        case Lambda():
            return (tree.body,)
        case _:
            return ()


def walk(tree: Tree) -> Iterator[Tree]:
    """The node and everything below it, parents first."""
    yield tree
    for child in children(tree):
        yield from walk(child)


def columns_used(tree: Tree) -> frozenset[str]:
    """The columns that the expression reads, `source_file()` and `source_line()` aside.

    A tree that was parsed but not checked names no columns yet.
    """
    return frozenset(node.name for node in walk(tree) if isinstance(node, Column))


def runtime_used(tree: Tree) -> frozenset[tuple[str, ...]]:
    """The paths of the run-time values that the expression reads: `("run", "id")`."""
    return frozenset(node.path for node in walk(tree) if isinstance(node, Runtime))


def functions_used(tree: Tree) -> frozenset[str]:
    """The names of the functions and operators that the expression calls."""
    return frozenset(node.name for node in walk(tree) if isinstance(node, Call))


def unchecked(tree: Tree) -> tuple[Tree, ...]:
    """The leaves whose type cannot be known before the run."""
    return tuple(
        node
        for node in walk(tree)
        if isinstance(node, Column | Runtime | Literal) and isinstance(node.type, Unknown)
    )


def is_null(tree: Tree) -> bool:
    """Whether this is a bare NULL, which takes any type."""
    return isinstance(tree.type, Null)
