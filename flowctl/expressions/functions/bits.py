"""The bits of whole numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from flowctl.expressions.functions.arithmetic import integer_pair, numeric_pair
from flowctl.expressions.functions.mathematics import keeps
from flowctl.expressions.functions.signature import (
    Function,
    Match,
    N,
    Operands,
    Problem,
    Result,
    ruled,
)
from flowctl.expressions.lazily import pl
from flowctl.expressions.polars_types import polars_type
from flowctl.expressions.tree import Tree
from flowctl.expressions.types import INT8, INT16, INT128, UINT64, integer_range
from flowctl.records import Integer, Unknown


def _bits_rule(arguments: Sequence[Tree]) -> Match | None:
    pair = numeric_pair(arguments)
    if pair is None:
        return None
    left, right = pair
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return Match(pair, Unknown(), 0)
    if not isinstance(left, Integer) or not isinstance(right, Integer):
        return None
    kind = integer_pair(left, right)
    return Match((kind, kind), kind, 0)


def _whole_number(arguments: Sequence[Tree]) -> Match | None:
    found = keeps(arguments)
    fits = found is not None and isinstance(found.result, Integer | Unknown)
    return found if fits else None


def _shift_left(call: Operands) -> Result:
    value, count = call.values
    kind = call.result
    assert isinstance(kind, Integer)
    _, greatest = integer_range(kind)
    fits = count.is_between(0, kind.bits - (1 if kind.signed else 0)) & (value >= 0)
    power = pl.lit(1, dtype=pl.Int128) * pl.lit(2, dtype=pl.Int128).pow(
        pl.when(fits).then(count).otherwise(0).cast(pl.UInt32)
    )
    fits = fits & (value.cast(pl.Int128) <= pl.lit(greatest, dtype=pl.Int128).truncdiv(power))
    fits = fits | ((value == 0) & (count >= 0))
    found = pl.when(fits).then(value.cast(pl.Int128) * power).cast(polars_type(kind), strict=False)
    given = value.is_not_null() & count.is_not_null()
    return Result(found, (Problem(~fits & given, f"overflow of {kind} in {call.shown}"),))


def _shift_right(call: Operands) -> pl.Expr:
    value, count = call.values
    kind = call.result
    assert isinstance(kind, Integer)
    legal = count.is_between(0, kind.bits - 1)
    power = pl.lit(2, dtype=pl.Int128).pow(pl.when(legal).then(count).otherwise(0).cast(pl.UInt32))
    shifted = value.cast(pl.Int128).floordiv(power).cast(polars_type(kind), strict=False)
    nothing = pl.when(value.is_not_null() & count.is_not_null()).then(value * 0)
    return pl.when(legal).then(shifted).otherwise(nothing)


def _bit_count(call: Operands) -> pl.Expr:
    return call[0].bitwise_count_ones().cast(polars_type(call.result))


def _bit_count_rule(arguments: Sequence[Tree]) -> Match | None:
    found = _whole_number(arguments)
    if found is None:
        return None
    # DuckDB counts an unsigned int64 as an int128, whose 128 bits an int8 cannot count.
    wide = found.parameters[0] in (INT128, UINT64)
    return Match(found.parameters, INT16 if wide else INT8, 0)


FUNCTIONS: Final = (
    Function("xor", (ruled(N, N, by=_bits_rule, lower=lambda call: call[0] ^ call[1],
                           shown="integer"),), "The bits in which both differ.", "xor(6, 3) → 5"),
    Function("bit_count", (ruled(N, by=_bit_count_rule, lower=_bit_count,
                                 shown="int8 or int16"),),
             "How many bits are set.", "bit_count(7) → 3"),
    Function("&", (ruled(N, N, by=_bits_rule, lower=lambda call: call[0] & call[1],
                         shown="integer"),), "The bits that both have.", "6 & 3 → 2"),
    Function("|", (ruled(N, N, by=_bits_rule, lower=lambda call: call[0] | call[1],
                         shown="integer"),), "The bits that either has.", "6 | 3 → 7"),
    Function("~", (ruled(N, by=_whole_number, lower=lambda call: ~call[0], shown="integer"),),
             "The other bits.", "~5 → -6"),
    Function("<<", (ruled(N, N, by=_bits_rule, lower=_shift_left, shown="integer"),),
             "The bits moved up; bits must not be lost.", "1 << 4 → 16"),
    Function(">>", (ruled(N, N, by=_bits_rule, lower=_shift_right, shown="integer"),),
             "The bits moved down.", "16 >> 2 → 4"),
)  # fmt: skip
