"""Integers and decimals in Polars: operations that say where they overflow.

Polars wraps integers silently and refuses a whole column when one decimal overflows. Decimals are
therefore calculated as the 128-bit integers that they are; `exact` tests are done in a wider type.
"""

from __future__ import annotations

import math
from typing import Final

from flowctl.expressions.functions.signature import Problem, Result
from flowctl.expressions.lazily import pl
from flowctl.expressions.types import INT128, integer_range
from flowctl.records import Decimal, Integer

LEAST_128, GREATEST_128 = integer_range(INT128)
LARGEST_FLOAT32: Final = 3.4028235677973366e38
"""From here on a number is infinite in 32 bits."""


def unscaled(value: pl.Expr) -> pl.Expr:
    """The 128-bit integer that a decimal is."""
    return value.to_physical().cast(pl.Int128)


def as_decimal(value: pl.Expr, kind: Decimal) -> pl.Expr:
    """A 128-bit integer, taken for a decimal with its point set."""
    return value.reinterpret(dtype=pl.Decimal(kind.precision, kind.scale))


def constant(value: int) -> pl.Expr:
    """A 128-bit integer."""
    return pl.lit(value, dtype=pl.Int128)


def outside(value: pl.Expr, least: int, greatest: int) -> pl.Expr:
    """Whether a number lies outside a range that its type can express."""
    return ~value.is_between(least, greatest)


def widened(value: pl.Expr, kind: Integer) -> pl.Expr:
    """In a type where one addition or multiplication of `kind` cannot overflow."""
    return value.cast(pl.Int64 if kind.bits < 32 else pl.Int128)


def quotient(a: pl.Expr, b: pl.Expr, divisor: float | None = None) -> pl.Expr:
    """a / b of floats; `divisor` is the value of b where it is known.

    Polars divides by a scalar by multiplying with its inverse, which is off by one bit unless it
    is a power of two; a column keeps it from that.
    """
    if divisor is not None and math.isfinite(divisor) and abs(math.frexp(divisor)[0]) == 0.5:
        return a / b
    return a / spread(b, a)


def spread(value: pl.Expr, beside: pl.Expr) -> pl.Expr:
    """A floating-point number as a column, where what is `beside` it is not null.

    By taking 0 away, which leaves the sign of 0 alone: what a condition chooses is a scalar again
    where it holds for all records, and a result would hang on the nulls in the same split.
    """
    return value - beside.is_null().cast(pl.UInt8)


def add(a: pl.Expr, b: pl.Expr, kind: Integer, shown: str) -> Result:
    """a + b, with a fault where the type does not hold it."""
    least, greatest = integer_range(kind)
    if kind.bits == 128:
        exact = ((b > 0) & (a > constant(greatest) - b)) | ((b < 0) & (a < constant(least) - b))
    else:
        exact = outside(widened(a, kind) + widened(b, kind), least, greatest)
    suspect = _beyond(a, b, least // 2, greatest // 2)
    return Result(a + b, (Problem(exact, _overflow(kind, shown), suspect),))


def subtract(a: pl.Expr, b: pl.Expr, kind: Integer, shown: str) -> Result:
    """a - b, with a fault where the type does not hold it."""
    least, greatest = integer_range(kind)
    if kind.bits == 128:
        exact = ((b < 0) & (a > constant(greatest) + b)) | ((b > 0) & (a < constant(least) + b))
    elif not kind.signed:
        exact = a < b
    else:
        exact = outside(widened(a, kind) - widened(b, kind), least, greatest)
    suspect = exact if not kind.signed else _beyond(a, b, least // 2, greatest // 2)
    return Result(a - b, (Problem(exact, _overflow(kind, shown), suspect),))


def multiply(a: pl.Expr, b: pl.Expr, kind: Integer, shown: str) -> Result:
    """a * b, with a fault where the type does not hold it."""
    least, greatest = integer_range(kind)
    if kind.bits == 128:
        exact = product_overflows(a, b)
    else:
        exact = outside(widened(a, kind) * widened(b, kind), least, greatest)
    root = 1 << (kind.bits - kind.signed) // 2
    suspect = _beyond(a, b, -root + 1 if kind.signed else 0, root - 1)
    return Result(a * b, (Problem(exact, _overflow(kind, shown), suspect),))


def product_overflows(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    """Whether the product of two 128-bit integers needs more than 128 bits."""
    wrapped = a * b
    back = wrapped.truncdiv(pl.when(b == 0).then(1).otherwise(b))
    corner = ((a == LEAST_128) & (b == -1)) | ((b == LEAST_128) & (a == -1))
    return (b != 0) & ((back != a) | corner)


def scaled_decimal(value: pl.Expr, kind: Decimal, shown: str) -> Result:
    """A 128-bit integer as a decimal, with a fault where it has too many digits."""
    limit = 10**kind.precision - 1
    fault = outside(value, -limit, limit)
    problem = Problem(fault, f"overflow of {kind} in {shown}")
    return Result(as_decimal(pl.when(fault).then(None).otherwise(value), kind), (problem,))


def halfway_division(value: pl.Expr, divisor: int) -> pl.Expr:
    """A 128-bit integer over a power of ten, rounded half away from zero."""
    half = divisor // 2
    return (value + pl.when(value < 0).then(constant(-half)).otherwise(constant(half))).truncdiv(
        constant(divisor)
    )


def _beyond(a: pl.Expr, b: pl.Expr, least: int, greatest: int) -> pl.Expr:
    return outside(a, least, greatest) | outside(b, least, greatest)


def _overflow(kind: Integer, shown: str) -> str:
    return f"overflow of {kind} in {shown}"
