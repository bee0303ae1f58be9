"""Keeps expressions of Polars small: an operand that is large is computed once, then used by name.

An expression of Polars is a tree. The calendar, for one, looks at its operand a hundred times, and
so does each function around it: nested a few deep, the plain tree would not fit into memory.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from flowctl.expressions.functions.signature import Problem, Result
from flowctl.expressions.lazily import pl
from flowctl.expressions.polars_types import polars_type
from flowctl.expressions.types import BOOLEAN, STRING
from flowctl.records import DataType

LIMIT: Final = 120
"""How many references to columns an expression may have before its operands get names."""
_RESULT: Final = "__result"


def applied(
    operation: Callable[[Sequence[pl.Expr]], Result],
    values: Sequence[pl.Expr],
    sizes: Sequence[int],
    kind: DataType,
) -> tuple[Result, int]:
    """The operation on the values, and how large the value has become.

    `sizes` says how many references to columns each operand has.
    """
    if all(size <= 1 for size in sizes) and all(map(references, values)):
        result = operation(values)
        return result, max(1, references(result.value))
    # Literals and the items of lists are no columns: what is counted are names in their places.
    holes = [pl.col(_hole(index)) for index in range(len(values))]
    result = operation(holes)
    size = max(1, _size(result.value, sizes))
    small = size <= LIMIT and all(
        _size(problem.when, sizes) <= LIMIT for problem in result.problems
    )
    if small:
        return operation(values), size
    named = _Named(values)
    problems = tuple(
        Problem(
            named.compute(problem.when, BOOLEAN),
            problem.message
            if isinstance(problem.message, str)
            else named.compute(problem.message, STRING),
            None if problem.suspect is None else named.compute(problem.suspect, BOOLEAN),
        )
        for problem in result.problems
    )
    return Result(named.compute(result.value, kind), problems), sum(sizes)


class _Named:
    """Operands beside each other in a struct, whose fields an expression then reads."""

    def __init__(self, values: Sequence[pl.Expr]) -> None:
        fields = (value.alias(_hole(index)) for index, value in enumerate(values))
        self.packed = pl.struct(*fields)

    def compute(self, body: pl.Expr, kind: DataType) -> pl.Expr:
        dtype = polars_type(kind)

        def run(series: pl.Series) -> pl.Series:
            frame = series.struct.unnest().lazy().with_columns(body.alias(_RESULT))
            return frame.collect()[_RESULT]

        return self.packed.map_batches(run, return_dtype=dtype, is_elementwise=True)


def _hole(index: int) -> str:
    return f"__operand{index}"


def references(expression: pl.Expr) -> int:
    """How many times the expression reads a column."""
    return len(expression.meta.root_names())


def _size(body: pl.Expr, sizes: Sequence[int]) -> int:
    """How many references the body has when the operands stand in their places."""
    used = Counter(body.meta.root_names())
    return sum(used[_hole(index)] * size for index, size in enumerate(sizes))
