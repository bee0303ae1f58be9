"""Mathematics: rounding, powers, logarithms, trigonometry."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from flowctl.expressions import numbers
from flowctl.expressions.elementwise import elementwise, refusable
from flowctl.expressions.functions.signature import (
    Function,
    Match,
    N,
    Operands,
    Problem,
    Result,
    Signature,
    ruled,
    takes,
)
from flowctl.expressions.lazily import pl
from flowctl.expressions.polars_types import polars_type
from flowctl.expressions.tree import Literal, Tree
from flowctl.expressions.types import (
    BOOLEAN,
    FLOAT32,
    FLOAT64,
    INT8,
    INT32,
    INT64,
    INT128,
    integer_range,
    is_number,
)
from flowctl.records import DataType, Decimal, Float, Integer, Null, Unknown


def _number(tree: Tree) -> DataType | None:
    kind = tree.type
    if isinstance(kind, Null):
        return INT32
    return kind if is_number(kind) or isinstance(kind, Unknown) else None


def keeps(arguments: Sequence[Tree]) -> Match | None:
    """A number gives a number of its own type."""
    kind = _number(arguments[0])
    return Match((kind,), kind, 0) if kind is not None else None


def _gives(result: DataType) -> Callable[[Sequence[Tree]], Match | None]:
    def rule(arguments: Sequence[Tree]) -> Match | None:
        kind = _number(arguments[0])
        return Match((kind,), result, 0) if kind is not None else None

    return rule


def _whole_rule(arguments: Sequence[Tree]) -> Match | None:
    """`ceil`, `floor`: whole numbers become doubles, decimals lose what is behind the point."""
    kind = _number(arguments[0])
    if kind is None or isinstance(kind, Unknown):
        return Match((Unknown(),), Unknown(), 0) if kind is not None else None
    if isinstance(kind, Integer):
        return Match((FLOAT64,), FLOAT64, 0)
    return Match((kind,), Decimal(kind.precision, 0) if isinstance(kind, Decimal) else kind, 0)


def _round_rule(arguments: Sequence[Tree]) -> Match | str | None:
    """Whole numbers without sign become wide ones with a sign, as in DuckDB."""
    kind = arguments[0].type
    if isinstance(kind, Integer) and not kind.signed:
        wide = INT128 if kind.bits == 64 else INT64
        return Match((wide, INT32)[: len(arguments)], wide, 0)
    return _cut_rule(arguments)


def _cut_rule(arguments: Sequence[Tree]) -> Match | str | None:
    kind = _number(arguments[0])
    if kind is None or isinstance(kind, Unknown):
        return Match((Unknown(), INT32)[: len(arguments)], Unknown(), 0) if kind else None
    if len(arguments) == 2 and not isinstance(arguments[1].type, Integer | Null | Unknown):
        return None
    if not isinstance(kind, Decimal):
        return Match((kind, INT32)[: len(arguments)], kind, 0)
    if len(arguments) == 1:
        return Match((kind,), Decimal(kind.precision, 0), 0)
    places = arguments[1].value if isinstance(arguments[1], Literal) else None
    if not isinstance(places, int):
        return "the number of places must be a literal where a decimal is rounded"
    return Match((kind, INT32), Decimal(kind.precision, min(max(places, 0), kind.scale)), 0)


def _abs(call: Operands) -> Result:
    value, kind = call[0], call.result
    if isinstance(kind, Decimal):
        whole = numbers.unscaled(value)
        return Result(numbers.as_decimal(pl.when(whole < 0).then(0 - whole).otherwise(whole), kind))
    if not isinstance(kind, Integer) or not kind.signed:
        return Result(value.abs() if isinstance(kind, Float) else value)
    least, _ = integer_range(kind)
    return Result(
        pl.when(value < 0).then(0 - value).otherwise(value),
        (Problem(value == least, f"overflow of {kind} in {call.shown}"),),
    )


def _sign(call: Operands) -> pl.Expr:
    value = numbers.unscaled(call[0]) if isinstance(call.types[0], Decimal) else call[0]
    if isinstance(call.types[0], Float):
        value = value.fill_nan(0)
    return (value > 0).cast(pl.Int8) - (value < 0).cast(pl.Int8)


def _ceil(up: bool) -> Callable[[Operands], Result]:
    def lower(call: Operands) -> Result:
        kind, value = call.types[0], call[0]
        if not isinstance(kind, Decimal):
            return Result(value.ceil() if up else value.floor())
        assert isinstance(call.result, Decimal)
        power = numbers.constant(10**kind.scale)
        whole = numbers.unscaled(value)
        cut = whole.truncdiv(power)
        rest = whole - cut * power
        step = (rest > 0).cast(pl.Int128) if up else 0 - (rest < 0).cast(pl.Int128)
        return numbers.scaled_decimal(cut + step, call.result, call.shown)

    return lower


def _round(call: Operands) -> Result:
    value, kind = call[0], call.types[0]
    if isinstance(kind, Decimal):
        return _round_decimal(call, kind, numbers.halfway_division)
    if isinstance(kind, Integer):
        return _round_integer(call, kind, half=True) if len(call) == 2 else Result(value)
    return Result(_half_away(value) if len(call) == 1 else _cut_float(call, _nearest, _half_away))


def _half_away(value: pl.Expr) -> pl.Expr:
    return value.round(0, mode="half_away_from_zero")


def _nearest(value: pl.Expr, power: pl.Expr) -> pl.Expr:
    """The product as the nearest whole number, of which halves go away from zero.

    A product that looks like a half may be a little less: what its rounding took is found by
    splitting the factors (T. J. Dekker, "A floating-point technique for extending the available
    precision", 1971).
    """
    product = value * power
    near = _half_away(product)
    (high, low), (times, further) = _split(value), _split(power)
    error = ((high * times - product) + high * further + low * times) + low * further
    half = (near - product).abs() == 0.5
    return pl.when(half & (error * product < 0)).then(product.truncate(0)).otherwise(near)


def _split(value: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Two numbers of half as many digits, whose sum is the value."""
    scaled = value * float(2**27 + 1)
    high = scaled - (scaled - value)
    return high, value - high


def _trunc(call: Operands) -> Result:
    value, kind = call[0], call.types[0]
    if isinstance(kind, Decimal):
        return _round_decimal(call, kind, lambda x, y: x.truncdiv(numbers.constant(y)))
    if isinstance(kind, Integer):
        return _round_integer(call, kind, half=False) if len(call) == 2 else Result(value)
    if len(call) == 1:
        return Result(value.truncate(0))
    return Result(_cut_float(call, lambda x, y: (x * y).truncate(0), lambda x: x.truncate(0)))


def _round_decimal(
    call: Operands, kind: Decimal, divide: Callable[[pl.Expr, int], pl.Expr]
) -> Result:
    assert isinstance(call.result, Decimal)
    places = call.constant(1) if len(call) == 2 else 0
    assert isinstance(places, int)
    whole = numbers.unscaled(call[0])
    if places >= kind.scale:
        return Result(numbers.as_decimal(whole, call.result))
    if kind.scale - places > kind.precision:
        return Result(numbers.as_decimal(whole * 0, call.result))
    cut = divide(whole, 10 ** (kind.scale - places))
    if places < 0:
        cut = cut * numbers.constant(10**-places)
    return numbers.scaled_decimal(cut, call.result, call.shown)


def _round_integer(call: Operands, kind: Integer, half: bool) -> Result:
    """To tens, hundreds…: only negative places matter."""
    value, places = call[0].cast(pl.Int128), call[1]
    power = pl.lit(10, dtype=pl.Int128).pow((-places).clip(0, 38).cast(pl.UInt32))
    half_power = power.truncdiv(2) if half else pl.lit(0, dtype=pl.Int128)
    shifted = value + pl.when(value < 0).then(0 - half_power).otherwise(half_power)
    cut = shifted.truncdiv(power) * power
    unchanged = (places >= 0) | (places < -38)
    found = pl.when(places >= 0).then(value).when(unchanged).then(value * 0).otherwise(cut)
    least, greatest = integer_range(kind)
    fault = ~found.is_between(least, greatest)
    message = f"overflow of {kind} in {call.shown}"
    return Result(found.cast(polars_type(kind), strict=False), (Problem(fault, message),))


def _cut_float(
    call: Operands,
    cut_product: Callable[[pl.Expr, pl.Expr], pl.Expr],
    cut: Callable[[pl.Expr], pl.Expr],
) -> pl.Expr:
    """Scales, cuts, scales back, as DuckDB does."""
    value, places = call[0], call[1]
    dtype = polars_type(call.result)
    wide = value.cast(pl.Float64)
    power = numbers.spread(pl.lit(10.0).pow(places.abs().cast(pl.Float64)), value)
    fine = cut_product(wide, power) / power
    coarse = cut(wide / power) * power
    fine = pl.when(fine.is_finite()).then(fine).otherwise(wide)
    coarse = pl.when(coarse.is_finite()).then(coarse).otherwise(wide * 0)
    coarse = pl.when(wide.is_finite()).then(coarse).otherwise(wide)
    found = pl.when(places >= 0).then(fine).when(places < 0).then(coarse)
    return found.cast(dtype)


def _gcd(a: int, b: int) -> int | None:
    found = math.gcd(a, b)
    return found if found < 2**63 else None


def _lcm(a: int, b: int) -> int | None:
    found = math.lcm(a, b)
    return found if found < 2**63 else None


def _factorial(n: int) -> int | None:
    return math.factorial(n) if 0 <= n <= 33 else None


def _even(value: float) -> float:
    """The next even whole number away from zero."""
    if not math.isfinite(value):
        return value
    whole = math.ceil(abs(value))
    return math.copysign(float(whole + whole % 2), value)


def _safely(function: Callable[..., float]) -> Callable[..., float]:
    def compute(*values: float) -> float:
        try:
            return function(*values)
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    return compute


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except OverflowError:
        odd = exponent == int(exponent) and int(exponent) % 2 == 1
        return -math.inf if base < 0 and odd else math.inf
    except ValueError:
        if base == 0:
            odd = exponent == int(exponent) and int(exponent) % 2 == 1
            return -math.inf if odd and math.copysign(1, base) < 0 else math.inf
        return math.nan


def _lower_power(call: Operands) -> pl.Expr:
    if call.scalar(1) == 2.0:
        return call[0] * call[0]
    return elementwise(_power, call.values, FLOAT64)


def _double(name: str, doc: str, example: str, lower: Callable[[pl.Expr], pl.Expr],
            *aliases: str) -> Function:  # fmt: skip
    signature = takes(FLOAT64, gives=FLOAT64, lower=lambda call: lower(call[0]))
    return Function(name, (signature,), doc, example, aliases=aliases)


def _python(name: str, doc: str, example: str, function: Callable[..., float],
            count: int = 1) -> Function:  # fmt: skip
    safe = _safely(function)
    signature = takes(*(FLOAT64,) * count, gives=FLOAT64,
                      lower=lambda call: elementwise(safe, call.values, FLOAT64))  # fmt: skip
    return Function(name, (signature,), doc, example)


def _log(base: float) -> Callable[[pl.Expr], pl.Expr]:
    function = {10.0: math.log10, 2.0: math.log2}.get(base, math.log)

    def log(value: float) -> float:
        if value == 0:
            return -math.inf
        return function(value) if value > 0 else math.nan

    return lambda expression: elementwise(log, (expression,), FLOAT64)


def _log_of_base(base: float, value: float) -> float:
    if math.isnan(base) or math.isnan(value):
        return math.nan
    try:
        low, high = (-math.inf if x == 0 else math.log10(x) for x in (base, value))
        return high / low
    except ValueError:
        return math.nan
    except ZeroDivisionError:
        return math.nan if high == 0 else math.copysign(math.inf, high)


def _cot(value: float) -> float:
    if value == 0:
        return math.copysign(math.inf, value)
    return 1 / math.tan(value) if math.isfinite(value) else math.nan


def _float_test(lower: Callable[[pl.Expr], pl.Expr]) -> tuple[Signature, ...]:
    return (
        takes(FLOAT64, gives=BOOLEAN, lower=lambda call: lower(call[0])),
        takes(FLOAT32, gives=BOOLEAN, lower=lambda call: lower(call[0])),
    )


_NUMBER: Final = (N,)
_PLACES: Final = (N, INT32)

FUNCTIONS: Final = (
    Function("abs", (ruled(N, by=keeps, lower=_abs, shown="number"),),
             "Without its sign.", "abs(-5) → 5", aliases=("@",)),
    Function("sign", (ruled(N, by=_gives(INT8), lower=_sign, shown="int8"),),
             "-1, 0 or 1.", "sign(-5) → -1"),
    Function("ceil", (ruled(N, by=_whole_rule, lower=_ceil(up=True), shown="number"),),
             "The next whole number above.", "ceil(1.2) → 2", aliases=("ceiling",)),
    Function("floor", (ruled(N, by=_whole_rule, lower=_ceil(up=False), shown="number"),),
             "The next whole number below.", "floor(-1.2) → -2"),
    Function("round", (ruled(*_NUMBER, by=_round_rule, lower=_round, shown="number"),
                       ruled(*_PLACES, by=_round_rule, lower=_round, shown="number")),
             "Rounded half away from zero, to whole numbers or to so many places.",
             "round(2.567, 2) → 2.57"),
    Function("trunc", (ruled(*_NUMBER, by=_cut_rule, lower=_trunc, shown="number"),
                       ruled(*_PLACES, by=_cut_rule, lower=_trunc, shown="number")),
             "Cut towards zero, to whole numbers or to so many places.", "trunc(-1.57, 1) → -1.5"),
    Function("even", (takes(FLOAT64, gives=FLOAT64,
                            lower=lambda call: elementwise(_even, call.values, FLOAT64)),),
             "The next even number away from zero.", "even(2.3) → 4e0"),
    _double("sqrt", "The square root; NaN of a negative number.", "sqrt(9) → 3e0",
            lambda x: x.sqrt()),
    _double("cbrt", "The cubic root.", "cbrt(8) → 2e0", lambda x: x.cbrt()),
    _double("exp", "e to the power of the number.", "exp(0) → 1e0", lambda x: x.exp()),
    _double("ln", "The natural logarithm; of zero minus infinity, of less NaN.", "ln(1) → 0e0",
            _log(math.e)),
    Function("log", (takes(FLOAT64, gives=FLOAT64, lower=lambda call: _log(10.0)(call[0])),
                     takes(FLOAT64, FLOAT64, gives=FLOAT64,
                           lower=lambda call: elementwise(_log_of_base, call.values, FLOAT64))),
             "The logarithm to the base 10, or to the base that comes first.",
             "log(2, 8) → 3e0"),
    _double("log10", "The logarithm to the base 10.", "log10(1000) → 3e0", _log(10.0)),
    _double("log2", "The logarithm to the base 2.", "log2(8) → 3e0", _log(2.0)),
    Function("power", (takes(FLOAT64, FLOAT64, gives=FLOAT64, lower=_lower_power),),
             "The first number to the power of the second.", "power(2, 10) → 1024e0",
             aliases=("pow", "**", "^")),
    _double("sin", "The sine of an angle in radians.", "sin(0) → 0e0", lambda x: x.sin()),
    _double("cos", "The cosine of an angle in radians.", "cos(0) → 1e0", lambda x: x.cos()),
    _double("tan", "The tangent of an angle in radians.", "tan(0) → 0e0", lambda x: x.tan()),
    _python("cot", "The cotangent of an angle in radians.", "cot(1) → 0.6420926159343306e0", _cot),
    _double("asin", "The angle of a sine.", "asin(0) → 0e0", lambda x: x.arcsin()),
    _double("acos", "The angle of a cosine.", "acos(1) → 0e0", lambda x: x.arccos()),
    _double("atan", "The angle of a tangent.", "atan(0) → 0e0", lambda x: x.arctan()),
    _python("atan2", "The angle of a point (y, x).", "atan2(0, 1) → 0e0", math.atan2, count=2),
    _double("sinh", "The hyperbolic sine.", "sinh(0) → 0e0", lambda x: x.sinh()),
    _double("cosh", "The hyperbolic cosine.", "cosh(0) → 1e0", lambda x: x.cosh()),
    _double("tanh", "The hyperbolic tangent.", "tanh(0) → 0e0", lambda x: x.tanh()),
    _double("degrees", "An angle in degrees.", "degrees(0) → 0e0", lambda x: x.degrees()),
    _double("radians", "An angle in radians.", "radians(0) → 0e0", lambda x: x.radians()),
    Function("pi", (takes(gives=FLOAT64, lower=lambda call: pl.lit(math.pi)),),
             "The number π.", "round(pi(), 2) → 3.14e0"),
    Function("isnan", _float_test(lambda x: x.is_nan()), "Whether it is NaN.",
             "isnan('nan'::double) → true"),
    Function("isinf", _float_test(lambda x: x.is_infinite()), "Whether it is infinite.",
             "isinf(1e0) → false"),
    Function("isfinite", _float_test(lambda x: x.is_finite()),
             "Whether it is neither infinite nor NaN.", "isfinite(1e0) → true"),
    Function("gcd", (takes(INT64, INT64, gives=INT64, lower=lambda call: refusable(
                           _gcd, call.values, INT64, f"overflow of int64 in {call.shown}")),),
             "The greatest common divisor.", "gcd(12, 18) → 6",
             aliases=("greatest_common_divisor",)),
    Function("lcm", (takes(INT64, INT64, gives=INT64, lower=lambda call: refusable(
                           _lcm, call.values, INT64, f"overflow of int64 in {call.shown}")),),
             "The least common multiple.", "lcm(4, 6) → 12", aliases=("least_common_multiple",)),
    Function("factorial", (takes(INT32, gives=INT128, lower=lambda call: refusable(
                                 _factorial, call.values, INT128,
                                 f"overflow of int128 in {call.shown}")),),
             "The product of all whole numbers up to this one.", "factorial(5) → 120"),
)  # fmt: skip
