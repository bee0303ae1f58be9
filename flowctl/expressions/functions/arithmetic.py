"""Operators on numbers: `+ - * / // %` and the sign, with DuckDB's result types and faults."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from flowctl.expressions import numbers
from flowctl.expressions.elementwise import elementwise
from flowctl.expressions.functions import intervals
from flowctl.expressions.functions.signature import (
    Function,
    Lowering,
    Match,
    N,
    Operands,
    Problem,
    Result,
    Signature,
    fits_integer,
    ruled,
    takes,
)
from flowctl.expressions.lazily import pl
from flowctl.expressions.tree import Tree
from flowctl.expressions.types import (
    FLOAT32,
    FLOAT64,
    INT64,
    INT128,
    as_decimal,
    common_number,
    integer_range,
    is_number,
    is_open,
)
from flowctl.records import DataType, Decimal, Float, Integer, Null, Unknown

if TYPE_CHECKING:
    IntegerOperation = Callable[[pl.Expr, pl.Expr, Integer, str], Result]

NUMBERS: Final = (N, N)


def numeric_pair(arguments: Sequence[Tree]) -> tuple[DataType, DataType] | None:
    """The types of two numbers, an integer literal taking that of the column beside it."""
    left, right = arguments
    if fits_integer(left, right.type):
        return right.type, right.type
    if fits_integer(right, left.type):
        return left.type, left.type
    kinds = [right.type if isinstance(left.type, Null) else left.type,
             left.type if isinstance(right.type, Null) else right.type]  # fmt: skip
    if all(isinstance(kind, Null) for kind in kinds):
        kinds = [INT64, INT64]
    return (kinds[0], kinds[1]) if all(map(_numeric, kinds)) else None


def _numeric(kind: DataType) -> bool:
    return is_number(kind) or isinstance(kind, Unknown)


def integer_pair(left: Integer, right: Integer) -> Integer:
    """Where calculation takes place: in the wider of both, or far wider where signs differ."""
    if left.signed == right.signed:
        return left if left.bits >= right.bits else right
    signed, unsigned = (left, right) if left.signed else (right, left)
    if signed.bits > unsigned.bits:
        return signed
    return INT128 if unsigned.bits == 64 else INT64


def _same(kind: DataType) -> Match:
    return Match((kind, kind), kind, 0)


def _shared(
    arguments: Sequence[Tree], decimals: Callable[[Decimal, Decimal], Match]
) -> Match | None:
    pair = numeric_pair(arguments)
    if pair is None:
        return None
    left, right = pair
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return Match((left, right), Unknown(), 0)
    if isinstance(left, Float) or isinstance(right, Float):
        return _same(common_number(left, right))
    if isinstance(left, Decimal) or isinstance(right, Decimal):
        return decimals(as_decimal(left), as_decimal(right))
    assert isinstance(left, Integer) and isinstance(right, Integer)
    return _same(integer_pair(left, right))


def _sum_rule(arguments: Sequence[Tree]) -> Match | None:
    return _shared(arguments, _sum_of_decimals)


def _sum_of_decimals(left: Decimal, right: Decimal) -> Match:
    scale = max(left.scale, right.scale)
    whole = max(left.precision - left.scale, right.precision - right.scale)
    kind = Decimal(min(38, whole + scale + 1), scale)
    return Match((left, right), kind, 0)


def _product_rule(arguments: Sequence[Tree]) -> Match | str | None:
    pair = numeric_pair(arguments) or ()
    scales = [kind.scale for kind in pair if isinstance(kind, Decimal)]
    if sum(scales) > 38:
        return "the product has more than 38 digits after the point; cast one side to double"
    return _shared(arguments, _product_of_decimals)


def _product_of_decimals(left: Decimal, right: Decimal) -> Match:
    precision, scale = left.precision + right.precision, left.scale + right.scale
    if precision > 18 and max(left.precision, right.precision) <= 18 and scale < 18:
        precision = 18
    return Match((left, right), Decimal(min(38, max(precision, scale)), scale), 0)


def _remainder_rule(arguments: Sequence[Tree]) -> Match | None:
    return _shared(arguments, lambda left, right: _same(common_number(left, right)))


def _quotient_rule(arguments: Sequence[Tree]) -> Match | None:
    pair = numeric_pair(arguments)
    if pair is None:
        return None
    narrow = FLOAT32 in pair and FLOAT64 not in pair
    return _same(FLOAT32 if narrow else FLOAT64)


def _whole_quotient_rule(arguments: Sequence[Tree]) -> Match | None:
    return _shared(arguments, lambda left, right: _same(FLOAT64))


def _negative_rule(arguments: Sequence[Tree]) -> Match | None:
    kind = arguments[0].type
    if not (is_number(kind) or is_open(kind)):
        return None
    kind = INT64 if isinstance(kind, Null) else kind
    return Match((kind,), kind, 0)


def _lower_sum(
    whole: IntegerOperation, plain: Callable[[pl.Expr, pl.Expr], pl.Expr]
) -> Callable[[Operands], Result]:
    def lower(call: Operands) -> Result:
        a, b = call.values
        if isinstance(call.result, Integer):
            return whole(a, b, call.result, call.shown)
        if isinstance(call.result, Decimal):
            scale = call.result.scale
            x, y = (_rescaled(call, index, scale) for index in (0, 1))
            if _sum_fits(call, call.result):
                return Result(numbers.as_decimal(plain(x, y), call.result))
            return numbers.scaled_decimal(plain(x, y), call.result, call.shown)
        return Result(plain(a, b))

    return lower


def _sum_fits(call: Operands, kind: Decimal) -> bool:
    """Whether the result has a digit more than either side, so that no sum is too large."""
    wholes = [given.precision - given.scale for given in call.types if isinstance(given, Decimal)]
    return kind.precision - kind.scale > max(wholes)


def _rescaled(call: Operands, index: int, scale: int) -> pl.Expr:
    kind = call.types[index]
    assert isinstance(kind, Decimal)
    value = numbers.unscaled(call[index])
    return value * numbers.constant(10 ** (scale - kind.scale)) if scale > kind.scale else value


def _lower_product(call: Operands) -> Result:
    a, b = call.values
    if isinstance(call.result, Integer):
        return numbers.multiply(a, b, call.result, call.shown)
    if not isinstance(call.result, Decimal):
        return Result(a * b)
    x, y = numbers.unscaled(a), numbers.unscaled(b)
    digits = sum(kind.precision for kind in call.types if isinstance(kind, Decimal))
    if digits <= call.result.precision:
        return Result(numbers.as_decimal(x * y, call.result))
    result = numbers.scaled_decimal(x * y, call.result, call.shown)
    if digits <= 38:
        return result
    wraps = numbers.product_overflows(x, y)
    fault = wraps | result.problems[0].when
    return Result(result.value, (Problem(fault, result.problems[0].message),))


def _zero(
    call: Operands, extra: Callable[[pl.Expr, pl.Expr], Problem] | None = None
) -> tuple[Problem, ...]:
    a, b = call.values
    return (Problem((b == 0) & a.is_not_null(), f"division by zero in {call.shown}"),)


def _quotient_overflow(call: Operands, kind: Integer) -> tuple[Problem, ...]:
    if not kind.signed:
        return ()
    a, b = call.values
    least, _ = integer_range(kind)
    return (Problem((a == least) & (b == -1), f"overflow of {kind} in {call.shown}"),)


def _lower_quotient(call: Operands) -> pl.Expr:
    return numbers.quotient(call[0], call[1], call.scalar(1))


def _lower_whole_quotient(call: Operands) -> Result:
    a, b = call.values
    kind = call.result
    if isinstance(kind, Integer):
        safe = pl.when(b == 0).then(None).otherwise(b)
        return Result(a.truncdiv(safe), _zero(call) + _quotient_overflow(call, kind))
    return Result(_lower_quotient(call), _zero(call))


def _lower_remainder(call: Operands) -> Result:
    a, b = call.values
    kind = call.result
    if isinstance(kind, Float):
        return Result(elementwise(_remainder, (a, b), kind))
    safe = pl.when(b == 0).then(None).otherwise(b)
    if isinstance(kind, Decimal):
        x, y = numbers.unscaled(a), numbers.unscaled(safe)
        value = numbers.as_decimal(x - x.truncdiv(y) * y, kind)
        return Result(
            value, (Problem((b == 0) & a.is_not_null(), f"division by zero in {call.shown}"),)
        )
    assert isinstance(kind, Integer)
    return Result(a - a.truncdiv(safe) * safe, _zero(call) + _quotient_overflow(call, kind))


def _remainder(a: float, b: float) -> float:
    if math.isinf(a) or b == 0 or math.isnan(a) or math.isnan(b):
        return math.nan
    return math.fmod(a, b)


def _lower_negative(call: Operands) -> Result:
    value, kind = call[0], call.result
    if isinstance(kind, Decimal):
        return Result(numbers.as_decimal(0 - numbers.unscaled(value), kind))
    if not isinstance(kind, Integer):
        return Result(-value)
    least, _ = integer_range(kind)
    message = f"overflow of {kind} in {call.shown}"
    if not kind.signed:
        return Result(value, (Problem(value != 0, message),))
    negative = 0 - value if kind.bits == 128 else -value
    return Result(negative, (Problem(value == least, message),))


def _by(rule: Callable[[Sequence[Tree]], Match | str | None], lower: Lowering) -> Signature:
    return ruled(*NUMBERS, by=rule, lower=lower, shown="number")


FUNCTIONS: Final = (
    Function(
        "+",
        (
            _by(_sum_rule, _lower_sum(numbers.add, lambda a, b: a + b)),
            *intervals.SUMS,
            takes(N, gives=N, lower=lambda call: call[0]),
        ),
        "Adds two numbers, or moves a date, a timestamp or a time by days or an interval.",
        "1 + 2 → 3",
        aliases=("add",),
    ),
    Function(
        "-",
        (
            _by(_sum_rule, _lower_sum(numbers.subtract, lambda a, b: a - b)),
            *intervals.DIFFERENCES,
            ruled(N, by=_negative_rule, lower=_lower_negative, shown="number"),
            *intervals.NEGATIONS,
        ),
        "Subtracts two numbers, dates (days) or timestamps (an interval); or changes a sign.",
        "5 - 7 → -2",
        aliases=("subtract",),
    ),
    Function(
        "*",
        (_by(_product_rule, _lower_product), *intervals.PRODUCTS),
        "Multiplies two numbers, or an interval by a whole number.",
        "6 * 7 → 42",
        aliases=("multiply",),
    ),
    Function(
        "/",
        (_by(_quotient_rule, _lower_quotient),),
        "Divides as floating point; over zero it gives infinity or NaN.",
        "7 / 2 → 3.5e0",
    ),
    Function(
        "//",
        (_by(_whole_quotient_rule, _lower_whole_quotient),),
        "Divides whole numbers, rounding towards zero; over zero it is a fault.",
        "-7 // 2 → -3",
        aliases=("divide",),
    ),
    Function(
        "%",
        (_by(_remainder_rule, _lower_remainder),),
        "The remainder, with the sign of the first number; of whole numbers by zero a fault.",
        "-7 % 2 → -1",
        aliases=("mod", "fmod"),
    ),
)
