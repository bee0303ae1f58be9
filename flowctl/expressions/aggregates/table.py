"""The one table of aggregate functions: types, doc, and how each is computed in steps.

A split's records come down to a few *states* a group (`partial`), the states of several splits to
those of all (`merge`), and these to the value (`final`). Groups must be formed by hash, which keeps
the order of the records: then sums of floats do not depend on anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias
from typing import Literal as OneOf

from flowctl.dataclass import dataclass
from flowctl.expressions.functions.signature import (
    ANY,
    Fixed,
    Function,
    Match,
    Operands,
    Signature,
    T,
    ruled,
    takes,
)
from flowctl.expressions.lazily import pl
from flowctl.expressions.tree import Literal, Scalar, Tree
from flowctl.expressions.types import BOOLEAN, FLOAT64, INT64, INT128, STRING, UNKNOWN
from flowctl.records import DataType, Decimal, Float, Integer, List, Null, Struct, Unknown

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsType

States: TypeAlias = "Sequence[pl.Expr]"
Fold: TypeAlias = OneOf["sum", "least", "greatest"]
EXACT_DIGITS: Final = 28
"""Decimals of so many digits can be summed over any number of records without an overflow."""


@dataclass(frozen=True, slots=True)
class Steps:
    """How one aggregate is computed; `partial` gets the values of the records that count.

    `single` gives the states of each record by itself, where those are easy to tell. `plain` says
    of each state that it merges by nothing but this, nulls left out.
    """

    partial: Callable[[pl.Expr], list[pl.Expr]]
    merge: Callable[[States], list[pl.Expr]]
    final: Callable[[States], pl.Expr]
    single: Callable[[pl.Expr], list[pl.Expr]] | None = None
    plain: tuple[Fold, ...] = ()


@dataclass(frozen=True, slots=True)
class Given:
    """What is known of a call: types of its value and its result, and its constant, if any."""

    type: DataType
    result: DataType
    constant: Scalar = None

    @property
    def dtype(self) -> PolarsType:
        """The type of the result in Polars."""
        from flowctl.expressions.polars_types import polars_type

        return polars_type(self.result)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An entry: `function` has its name, types, doc and example.

    `distinct` computes it over distinct values, where that makes sense; `nulls` says that null
    values count. `running` are the steps of a window, where these differ: its states add up. What
    is not `nullable` has a value for no records, too.
    """

    function: Function
    steps: Callable[[Given], Steps]
    distinct: Callable[[Given], Steps] | None = None
    nulls: bool = False
    running: Callable[[Given], Steps] | None = None
    nullable: bool = True


def _sums(states: States) -> list[pl.Expr]:
    return [state.sum() for state in states]


def _count(given: Given) -> Steps:
    return Steps(
        lambda x: [x.count().cast(pl.Int64)],
        _sums,
        lambda s: s[0],
        lambda x: [x.is_not_null().cast(pl.Int64)],
        ("sum",),
    )


def _count_records(given: Given) -> Steps:
    """`count(*)`: of whatever value is at hand, nulls too."""
    return Steps(
        lambda x: [x.len().cast(pl.Int64)],
        _sums,
        lambda s: s[0],
        lambda x: [x.cast(pl.Int64)],
        ("sum",),
    )


def _count_if(given: Given) -> Steps:
    return Steps(
        lambda x: [x.sum().cast(pl.Int128), x.count()],
        _sums,
        lambda s: pl.when(s[1] > 0).then(s[0]),
    )


def _summand(x: pl.Expr, kind: DataType) -> pl.Expr:
    """The value in a type in which sums are exact, or as good as floats are."""
    from flowctl.expressions.numbers import unscaled

    if isinstance(kind, Decimal):
        return unscaled(x)
    return x.cast(pl.Float64 if isinstance(kind, Float) else pl.Int128)


def _total_and_count(given: Given, final: Callable[[States], pl.Expr]) -> Steps:
    def single(x: pl.Expr) -> list[pl.Expr]:
        return [_summand(x, given.type).fill_null(0), x.is_not_null().cast(pl.UInt32)]

    def partial(x: pl.Expr) -> list[pl.Expr]:
        return [_summand(x, given.type).sum(), x.count()]

    return Steps(partial, _sums, final, single, ("sum", "sum"))


def _sum(given: Given) -> Steps:
    """One state: a sum of nothing is null."""

    def total(x: pl.Expr) -> pl.Expr:
        return pl.when(x.count() > 0).then(x.sum())

    return Steps(
        lambda x: [total(_summand(x, given.type))],
        lambda s: [total(s[0])],
        lambda s: _scaled(s[0], given),
        lambda x: [_summand(x, given.type)],
        ("sum",),
    )


def _running_sum(given: Given) -> Steps:
    return _total_and_count(given, lambda s: pl.when(s[1] > 0).then(_scaled(s[0], given)))


def _scaled(total: pl.Expr, given: Given) -> pl.Expr:
    from flowctl.expressions.numbers import as_decimal

    return as_decimal(total, given.result) if isinstance(given.result, Decimal) else total


def _avg(given: Given) -> Steps:
    power = 10.0**given.type.scale if isinstance(given.type, Decimal) else 1.0

    def final(s: States) -> pl.Expr:
        from flowctl.expressions.numbers import quotient

        mean = s[0].cast(pl.Float64) / s[1]
        return pl.when(s[1] > 0).then(quotient(mean, pl.lit(power), power))

    return _total_and_count(given, final)


def _min(given: Given) -> Steps:
    # NaN is the greatest number, so Polars' own minimum, which passes over NaN, is right.
    return Steps(
        lambda x: [x.min()], lambda s: [s[0].min()], lambda s: s[0], lambda x: [x], ("least",)
    )


def _max(given: Given) -> Steps:
    if isinstance(given.type, Float):
        return Steps(
            lambda x: [x.nan_max()], lambda s: [s[0].nan_max()], lambda s: s[0], lambda x: [x]
        )
    return Steps(
        lambda x: [x.max()], lambda s: [s[0].max()], lambda s: s[0], lambda x: [x], ("greatest",)
    )


def _spread(result: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> Callable[[Given], Steps]:
    """Variance and its kin from count, mean and the sum of squares, merged as Chan did."""

    def partial(x: pl.Expr) -> list[pl.Expr]:
        value = x.cast(pl.Float64)
        count = x.count().cast(pl.Float64)
        return [count, value.mean(), value.var(ddof=0) * count]

    def merge(s: States) -> list[pl.Expr]:
        count, mean, squares = s
        all_mean = pl.when(count.sum() > 0).then((count * mean).sum() / count.sum())
        apart = (count * (mean - all_mean) ** 2).sum()
        return [count.sum(), all_mean, squares.sum() + apart]

    def steps(given: Given) -> Steps:
        return Steps(partial, merge, lambda s: result(s[2], s[0]))

    return steps


def _sample_variance(squares: pl.Expr, count: pl.Expr) -> pl.Expr:
    return pl.when(count > 1).then(squares / (count - 1))


def _variance(squares: pl.Expr, count: pl.Expr) -> pl.Expr:
    return pl.when(count > 0).then(squares / count)


def _first(given: Given) -> Steps:
    return Steps(
        lambda x: [x.first(), x.len()],
        lambda s: [s[0].filter(s[1] > 0).first(), s[1].sum()],
        lambda s: s[0],
    )


def _last(given: Given) -> Steps:
    return Steps(
        lambda x: [x.last(), x.len()],
        lambda s: [s[0].filter(s[1] > 0).last(), s[1].sum()],
        lambda s: s[0],
    )


def _any_value(given: Given) -> Steps:
    return Steps(
        lambda x: [x.drop_nulls().first()], lambda s: [s[0].drop_nulls().first()], lambda s: s[0]
    )


def _all(given: Given) -> Steps:
    return _min(given)


def _any(given: Given) -> Steps:
    return _max(given)


def _gathered(
    final: Callable[[pl.Expr, Given], pl.Expr], *, nulls: bool = False, distinct: bool = False
) -> Callable[[Given], Steps]:
    """Aggregates that need all values: a list of them is the state."""

    def chosen(x: pl.Expr) -> pl.Expr:
        return x.unique(maintain_order=True) if distinct else x

    def steps(given: Given) -> Steps:
        return Steps(
            lambda x: [chosen(x if nulls else x.drop_nulls()).implode()],
            lambda s: [chosen(s[0].explode(empty_as_null=False, keep_nulls=False)).implode()],
            lambda s: final(s[0], given),
        )

    return steps


def _nonempty(values: pl.Expr, given: Given) -> pl.Expr:
    return pl.when(values.list.len() > 0).then(values)


def _joined(values: pl.Expr, given: Given) -> pl.Expr:
    separator = given.constant if isinstance(given.constant, str) else ","
    return pl.when(values.list.len() > 0).then(values.list.join(separator))


def _number(values: pl.Expr, given: Given) -> pl.Expr:
    return values.list.len().cast(pl.Int64)


def _fraction(given: Given) -> float:
    value = given.constant
    return 0.5 if value is None else float(value)  # type: ignore[arg-type]


def _continuous(values: pl.Expr, given: Given) -> pl.Expr:
    """Between the two values that lie around the place, in proportion."""
    ordered = values.list.sort()
    place = (values.list.len().cast(pl.Float64) - 1) * _fraction(given)
    low = ordered.list.get(place.floor().cast(pl.Int64), null_on_oob=True).cast(pl.Float64)
    high = ordered.list.get(place.ceil().cast(pl.Int64), null_on_oob=True).cast(pl.Float64)
    between = low + (high - low) * (place - place.floor())
    value = pl.when(place == place.floor()).then(low).otherwise(between)
    return pl.when(values.list.len() > 0).then(value).cast(given.dtype)


def _discrete(values: pl.Expr, given: Given) -> pl.Expr:
    """The least value that so many of all do not exceed."""
    count = values.list.len().cast(pl.Float64)
    place = (count - (count - count * _fraction(given)).floor()).cast(pl.Int64) - 1
    index = pl.max_horizontal(place, pl.lit(0, pl.Int64))
    return values.list.sort().list.get(index, null_on_oob=True)


# Types: as DuckDB has them.


def _total(arguments: Sequence[Tree]) -> Match | str | None:
    kind = arguments[0].type
    match kind:
        case Unknown():
            return Match((kind,), UNKNOWN, 0)
        case Null():
            return Match((INT64,), INT128, 0)
        case Integer(128):
            return "a sum of 128-bit integers may overflow; cast them to `decimal(28,0)` first"
        case Integer():
            return Match((kind,), INT128, 0)
        case Float():
            return Match((kind,), FLOAT64, 0)
        case Decimal(precision, scale):
            if precision > EXACT_DIGITS:
                return f"a sum of {kind} may overflow; cast it to `decimal({EXACT_DIGITS},{scale})`"
            return Match((kind,), Decimal(38, scale), 0)
    return None


def _mean(arguments: Sequence[Tree]) -> Match | str | None:
    found = _total(arguments)
    if isinstance(found, Match) and not isinstance(found.result, Unknown):
        return replace(found, result=FLOAT64)
    return found


def _number_to_float(arguments: Sequence[Tree]) -> Match | str | None:
    kind = arguments[0].type
    if isinstance(kind, Unknown):
        return Match((kind,), FLOAT64, 0)
    return Match((FLOAT64,), FLOAT64, 0) if _is_number(kind) else None


def _median(arguments: Sequence[Tree]) -> Match | str | None:
    kind = arguments[0].type
    rest = tuple(FLOAT64 for _ in arguments[1:])
    if isinstance(kind, Unknown):
        return Match((kind, *rest), UNKNOWN, 0)
    if isinstance(kind, Decimal):
        return "between two decimals lies none; take `quantile_disc`, or cast to `double`"
    if not _is_number(kind):
        return None
    wanted = kind if isinstance(kind, Float) else FLOAT64
    return Match((wanted, *rest), wanted, 0)


def _is_number(kind: DataType) -> bool:
    return isinstance(kind, Integer | Float | Decimal | Null)


def _comparable(arguments: Sequence[Tree]) -> Match | str | None:
    kind = arguments[0].type
    if isinstance(kind, List | Struct):
        return None
    return Match((kind, *(FLOAT64 for _ in arguments[1:])), kind, 0)


def _listed(arguments: Sequence[Tree]) -> Match | str | None:
    kind = arguments[0].type
    return Match((kind,), UNKNOWN if isinstance(kind, Unknown) else List(kind), 0)


def _share(arguments: Sequence[Tree]) -> tuple[int, str] | None:
    """A quantile is asked for by a literal from 0 to 1."""
    share = arguments[1]
    while not isinstance(share, Literal):
        operand = getattr(share, "operand", None)
        if operand is None:
            return 1, "the share must be written out, from 0 to 1"
        share = operand
    value = share.value
    if isinstance(value, str | bool) or value is None or not 0 <= float(value) <= 1:  # type: ignore[arg-type]
        return 1, "the share lies from 0 to 1"
    return None


def _never(operands: Operands) -> pl.Expr:
    raise TypeError("an aggregate has no value for one record")


def _one(gives: DataType, *parameters: DataType) -> Signature:
    return takes(*parameters, gives=gives, lower=_never)


def _same() -> Signature:
    return takes(T, gives=T, lower=_never)


def _typed(rule: Callable[[Sequence[Tree]], Match | str | None], shown: str) -> Signature:
    return ruled(T, by=rule, lower=_never, shown=shown)


def _at(rule: Callable[[Sequence[Tree]], Match | str | None], shown: str) -> Signature:
    return ruled(T, FLOAT64, by=rule, lower=_never, shown=shown)


def _entry(
    name: str,
    signatures: Signature | tuple[Signature, ...],
    doc: str,
    example: str,
    steps: Callable[[Given], Steps],
    *,
    aliases: tuple[str, ...] = (),
    distinct: Callable[[Given], Steps] | None = None,
    nulls: bool = False,
    verify: Callable[[Sequence[Tree]], tuple[int, str] | None] | None = None,
    running: Callable[[Given], Steps] | None = None,
    nullable: bool = True,
) -> Aggregate:
    found = signatures if isinstance(signatures, tuple) else (signatures,)
    function = Function(name, found, doc, example, "aggregates", aliases, verify)
    return Aggregate(function, steps, distinct, nulls, running, nullable)


_ENTRIES: Final = (
    _entry(
        "count",
        (takes(gives=INT64, lower=_never), takes(ANY, gives=INT64, lower=_never)),
        "How many records there are (`count(*)`), or how many values that are not null.",
        "count(x) → 2",
        _count,
        distinct=_gathered(_number, distinct=True),
        nullable=False,
    ),
    _entry(
        "sum",
        _typed(_total, "number"),
        "The sum; of integers it is exact, and as a column an int64.",
        "sum(x) → 3",
        _sum,
        running=_running_sum,
    ),
    _entry("avg", _typed(_mean, "float64"), "The mean.", "avg(x) → 1.5", _avg, aliases=("mean",)),
    _entry("min", _typed(_comparable, "T"), "The least value.", "min(x) → 1", _min, distinct=_min),
    _entry(
        "max",
        _typed(_comparable, "T"),
        "The greatest value; NaN is the greatest number.",
        "max(x) → 2",
        _max,
        distinct=_max,
    ),
    _entry(
        "median",
        _typed(_median, "float64"),
        "The middle value, or the mean of the two in the middle.",
        "median(x) → 1.5",
        _gathered(_continuous),
    ),
    _entry(
        "quantile_cont",
        _at(_median, "float64"),
        "The value below which a share of all lies, between two values if need be.",
        "quantile_cont(x, 0.25) → 1.25",
        _gathered(_continuous),
        verify=_share,
    ),
    _entry(
        "quantile_disc",
        _at(_comparable, "T"),
        "The least value that a share of all does not exceed.",
        "quantile_disc(x, 0.5) → 1",
        _gathered(_discrete),
        aliases=("quantile",),
        verify=_share,
    ),
    _entry(
        "stddev",
        _typed(_number_to_float, "float64"),
        "The standard deviation of a sample.",
        "stddev(x) → 0.7071067811865476",
        _spread(lambda squares, count: _sample_variance(squares, count).sqrt()),
        aliases=("stddev_samp",),
    ),
    _entry(
        "stddev_pop",
        _typed(_number_to_float, "float64"),
        "The standard deviation of all.",
        "stddev_pop(x) → 0.5",
        _spread(lambda squares, count: _variance(squares, count).sqrt()),
    ),
    _entry(
        "variance",
        _typed(_number_to_float, "float64"),
        "The variance of a sample.",
        "variance(x) → 0.5",
        _spread(_sample_variance),
        aliases=("var_samp",),
    ),
    _entry(
        "var_pop",
        _typed(_number_to_float, "float64"),
        "The variance of all.",
        "var_pop(x) → 0.25",
        _spread(_variance),
    ),
    _entry(
        "first",
        _same(),
        "The value of the first record, null or not.",
        "first(x) → 1",
        _first,
        nulls=True,
    ),
    _entry(
        "last",
        _same(),
        "The value of the last record, null or not.",
        "last(x) → 2",
        _last,
        nulls=True,
    ),
    _entry(
        "any_value",
        _same(),
        "The first value that is not null.",
        "any_value(x) → 1",
        _any_value,
        distinct=_any_value,
    ),
    _entry(
        "bool_and",
        _one(BOOLEAN, BOOLEAN),
        "Whether all are true.",
        "bool_and(x > 1) → false",
        _all,
        distinct=_all,
    ),
    _entry(
        "bool_or",
        _one(BOOLEAN, BOOLEAN),
        "Whether any is true.",
        "bool_or(x > 1) → true",
        _any,
        distinct=_any,
    ),
    _entry(
        "count_if",
        _one(INT128, BOOLEAN),
        "How many are true; null where nothing but nulls is seen.",
        "count_if(x > 1) → 1",
        _count_if,
        aliases=("countif",),
    ),
    _entry(
        "list",
        _typed(_listed, "list<T>"),
        "All values in the order of the records, nulls too.",
        "list(x) → [1, 2]",
        _gathered(_nonempty, nulls=True),
        aliases=("array_agg",),
        distinct=_gathered(_nonempty, nulls=True, distinct=True),
        nulls=True,
    ),
    _entry(
        "string_agg",
        (_one(STRING, STRING), takes(STRING, Fixed(STRING), gives=STRING, lower=_never)),
        "The texts, joined by a separator (a comma), in the order of the records.",
        "string_agg(x::text, '-') → '1-2'",
        _gathered(_joined),
        aliases=("group_concat", "listagg"),
        distinct=_gathered(_joined, distinct=True),
    ),
)

AGGREGATES: Final[Mapping[str, Aggregate]] = {entry.function.name: entry for entry in _ENTRIES}
"""Each aggregate under its name."""

BY_NAME: Final[Mapping[str, Aggregate]] = {
    **{alias: entry for entry in _ENTRIES for alias in entry.function.aliases},
    **AGGREGATES,
}

COUNT_RECORDS: Final = _count_records
