"""Lists: places count from one, negative ones from behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal as Number
from decimal import localcontext
from typing import Any, Final

from flowctl.expressions.casts import convert
from flowctl.expressions.elementwise import elementwise, refusable
from flowctl.expressions.functions.signature import (
    Fixed,
    Function,
    Function1,
    ListOf,
    Match,
    Operands,
    Outcome,
    Parameter,
    Problem,
    Result,
    Signature,
    T,
    U,
    ruled,
    takes,
    unify,
)
from flowctl.expressions.lazily import pl
from flowctl.expressions.polars_types import polars_type
from flowctl.expressions.tree import Literal, Local, Tree, walk
from flowctl.expressions.types import (
    BOOLEAN,
    FLOAT64,
    INT32,
    INT64,
    INT128,
    NULL,
    STRING,
    UINT64,
    is_number,
    is_open,
)
from flowctl.records import Binary, DataType, Decimal, Float, Integer, List, String, Struct, Unknown

LONGEST: Final = 1_000_000
_FAR: Final = 2**31 - 1


def contains(call: Operands) -> pl.Expr:
    """Whether a value is in a list; null where the value is null, but not even null is in none."""
    listed, value = call[0], call[1]
    return pl.when(value.is_not_null() | (listed.list.len() == 0)).then(listed.list.contains(value))


def _make_rule(arguments: Sequence[Tree]) -> Match | None:
    kind = unify(arguments)
    return Match((kind,) * len(arguments), List(kind), 0) if kind is not None else None


def _make(call: Operands) -> pl.Expr:
    if not len(call):
        return pl.lit([], dtype=pl.List(pl.Null()))
    assert isinstance(call.result, List)
    if isinstance(call.result.item, List):
        # Lists beside each other would be joined, not nested.
        wrapped = [pl.struct(value.alias("item")) for value in call.values]
        return pl.concat_list(*wrapped).list.eval(pl.element().struct.field("item"))
    return pl.concat_list(*call.values)


def _near(index: pl.Expr) -> pl.Expr:
    return index.clip(-_FAR, _FAR)


def _get(call: Operands) -> pl.Expr:
    index = _near(call[1])
    place = pl.when(index > 0).then(index - 1).when(index < 0).then(index)
    return call[0].list.get(place, null_on_oob=True)


def _letter(text: str, index: int) -> str:
    place = index - 1 if index > 0 else len(text) + index
    return text[place] if index and 0 <= place < len(text) else ""


def _given(call: Operands, index: int) -> pl.Expr | None:
    """A bound of a slice; None where it was left out."""
    tree = call.trees[index]
    return None if isinstance(tree, Literal) and tree.value is None else _near(call[index])


def _slice(call: Operands) -> pl.Expr:
    value, low, high = call[0], _given(call, 1), _given(call, 2)
    text = isinstance(call.types[0], String)
    size = (value.str.len_chars() if text else value.list.len()).cast(pl.Int64)
    start = pl.lit(0, dtype=pl.Int64) if low is None else _from_start(low, size)
    end = size if high is None else _to_end(high, size)
    count = pl.max_horizontal(end - start, pl.lit(0, dtype=pl.Int64))
    known = pl.all_horizontal(*(bound.is_not_null() for bound in (low, high) if bound is not None),
                              value.is_not_null())  # fmt: skip
    cut = value.str.slice(start, count) if text else value.list.slice(start, count)
    return pl.when(known).then(cut)


def _from_start(low: pl.Expr, size: pl.Expr) -> pl.Expr:
    behind = pl.max_horizontal(size + low, pl.lit(0, dtype=pl.Int64))
    return pl.when(low > 0).then(low - 1).when(low == 0).then(0).otherwise(behind)


def _to_end(high: pl.Expr, size: pl.Expr) -> pl.Expr:
    return pl.when(high < 0).then(size + high + 1).otherwise(pl.min_horizontal(high, size))


def _position(values: list[Any], value: Any) -> int | None:
    return next((place for place, item in enumerate(values, 1) if item == value), None)


def _lower_position(call: Operands) -> pl.Expr:
    """The place, also of a null among the items."""
    missing = call[0].list.eval(pl.element().is_null())
    of_null = elementwise(lambda marks: _position(marks, True), (missing,), INT32)
    of_value = elementwise(_position, call.values, INT32)
    return pl.when(call[1].is_null()).then(of_null).otherwise(of_value)


def _join(call: Operands) -> pl.Expr:
    empty = pl.lit([], dtype=polars_type(call.result))
    parts = [value.fill_null(empty) for value in call.values]
    return parts[0].list.concat(parts[1:]) if len(parts) > 1 else parts[0]


def _with_item(before: bool) -> Callable[[Operands], pl.Expr]:
    def lower(call: Operands) -> pl.Expr:
        item, listed = (call[0], call[1]) if before else (call[1], call[0])
        kind = polars_type(call.result)
        one = pl.concat_list(pl.struct(item.alias("item"))).list.eval(
            pl.element().struct.field("item")
        )
        listed = listed.fill_null(pl.lit([], dtype=kind))
        return one.cast(kind).list.concat([listed]) if before else listed.list.concat([one])

    return lower


def _item_kind(arguments: Sequence[Tree]) -> DataType | None:
    kind = arguments[0].type
    if is_open(kind):
        return Unknown()
    return kind.item if isinstance(kind, List) else None


def _sum_rule(arguments: Sequence[Tree]) -> Match | None:
    item = _item_kind(arguments)
    results: dict[type, DataType] = {Integer: INT128, Float: FLOAT64, Unknown: Unknown()}
    if isinstance(item, Decimal):
        return Match((List(item),), Decimal(38, item.scale), 0)
    found = results.get(type(item))
    return Match((List(item),), found, 0) if item is not None and found is not None else None


def _sum(call: Operands) -> Result:
    if not isinstance(call.result, Decimal):
        wide = call[0].list.eval(pl.element().cast(polars_type(call.result)))
        return Result(pl.when(_count(call[0]) > 0).then(wide.list.sum()))
    limit = 10 ** (38 - call.result.scale)
    found = elementwise(lambda values: _sum_of(values, limit), (call[0],), call.result)
    fault = found.is_null() & (_count(call[0]) > 0)
    return Result(found, (Problem(fault, f"overflow of {call.result} in {call.shown}"),))


def _sum_of(values: list[Number | None], limit: int) -> Number | None:
    known = [value for value in values if value is not None]
    with localcontext(prec=60):
        total = sum(known, Number(0))
    return total if known and abs(total) < limit else None


def _count(value: pl.Expr) -> pl.Expr:
    return value.list.drop_nulls().list.len().cast(pl.Int64)


def _mean_rule(arguments: Sequence[Tree]) -> Match | None:
    item = _item_kind(arguments)
    fits = item is not None and (is_number(item) or isinstance(item, Unknown))
    return Match((List(FLOAT64),), FLOAT64, 0) if fits else None


def _extreme(greatest: bool) -> Callable[[Operands], pl.Expr]:
    def lower(call: Operands) -> pl.Expr:
        known = call[0].list.drop_nulls().list.sort(descending=greatest)
        return known.list.get(0, null_on_oob=True)

    return lower


def _ordered_rule(arguments: Sequence[Tree]) -> Match | str | None:
    item = _item_kind(arguments)
    if item is None:
        return None
    if isinstance(item, List | Struct):
        return "lists and structs have no order"
    return Match((List(item),), item, 0)


def _sort_rule(arguments: Sequence[Tree]) -> Match | str | None:
    found = _ordered_rule(arguments)
    if not isinstance(found, Match):
        return found
    texts = all(isinstance(item, Literal) for item in arguments[1:])
    rest = (STRING,) * (len(arguments) - 1)
    return Match((*found.parameters, *rest), found.parameters[0], 0) if texts else None


def _sort(descending: bool) -> Callable[[Operands], pl.Expr]:
    def lower(call: Operands) -> pl.Expr:
        words = [call.text(index).upper() for index in range(1, len(call))]
        down = descending or "DESC" in words
        return call[0].list.sort(descending=down, nulls_last="NULLS FIRST" not in words)

    return lower


def _verify_sort(arguments: Sequence[Tree]) -> tuple[int, str] | None:
    legal = ({"ASC", "DESC"}, {"NULLS FIRST", "NULLS LAST"})
    for index, item in enumerate(arguments[1:], start=1):
        value = item.value if isinstance(item, Literal) else None
        if isinstance(value, str) and value.upper() not in legal[min(index, 2) - 1]:
            return index, "there are 'ASC' and 'DESC', then 'NULLS FIRST' and 'NULLS LAST'"
    return None


def _distinct(call: Operands) -> pl.Expr:
    return call[0].list.drop_nulls().list.unique(maintain_order=True)


def _has(every: bool) -> Callable[[Operands], pl.Expr]:
    def lower(call: Operands) -> pl.Expr:
        # Polars panics where one side is a literal: a struct gives both one length.
        both = pl.struct(call[0].alias("mine"), call[1].alias("theirs"))
        mine, theirs = (
            both.struct.field(name).list.drop_nulls().list.unique() for name in ("mine", "theirs")
        )
        shared = mine.list.set_intersection(theirs).list.len()
        return shared == theirs.list.len() if every else shared > 0

    return lower


def _transform(call: Operands) -> pl.Expr:
    body = call[1]
    if not _uses_item(call.trees[1]):
        body = pl.when(pl.element().is_null() | pl.element().is_not_null()).then(body)
    return call[0].list.eval(body)


def _uses_item(tree: Tree) -> bool:
    return any(isinstance(node, Local) for node in walk(tree))


def _filter(call: Operands) -> pl.Expr:
    return call[0].list.eval(pl.element().filter(call[1].fill_null(False)))


def _to_text(call: Operands) -> pl.Expr:
    kind = call.types[0]
    assert isinstance(kind, List)
    texts = call[0].list.eval(convert(pl.element(), kind.item, STRING).value)
    joined = texts.list.drop_nulls().list.join(call.text(1))
    # Of nothing but nulls there is no text; of no items an empty one.
    return pl.when((_count(call[0]) > 0) | (call[0].list.len() == 0)).then(joined)


def _text_rule(arguments: Sequence[Tree]) -> Match | None:
    item = _item_kind(arguments)
    nested = isinstance(item, List | Struct | Binary)
    fixed = isinstance(arguments[1], Literal)
    return None if item is None or nested or not fixed else Match((List(item), STRING), STRING, 0)


def _range(closed: bool) -> Callable[[Operands], Result]:
    def numbers(first: int, last: int, step: int = 1) -> list[int] | None:
        if step == 0:
            return []
        reach = last + (1 if step > 0 else -1) if closed else last
        found = range(first, reach, step)
        return list(found) if len(found) <= LONGEST else None

    def lower(call: Operands) -> Result:
        values = call.values if len(call) > 1 else (pl.lit(0, dtype=pl.Int64), call[0])
        return refusable(_short(numbers), values, List(INT64), f"too long a list in {call.shown}")

    return lower


def _short(function: Callable[..., list[int] | None]) -> Callable[..., list[int] | None]:
    def compute(*values: int) -> list[int] | None:
        try:
            return function(*values)
        except OverflowError:
            return None

    return compute


def _flatten_rule(arguments: Sequence[Tree]) -> Match | None:
    item = _item_kind(arguments)
    if not isinstance(item, List | Unknown):
        return None
    return Match((List(item),), item, 0)


def _flatten(lists: list[list[Any] | None]) -> list[Any]:
    return [item for inner in lists if inner is not None for item in inner]


def _list_function(
    name: str,
    doc: str,
    example: str,
    lower: Callable[[Operands], pl.Expr],
    *parameters: Parameter,
    gives: Outcome,
    aliases: tuple[str, ...] = (),
) -> Function:
    signature = takes(*parameters, gives=gives, lower=lower)
    return Function(name, (signature,), doc, example, aliases=aliases)


_L: Final = ListOf(T)
_ORDER: Final = Fixed(STRING)

FUNCTIONS: Final = (
    Function("list_value", (ruled(T, by=_make_rule, lower=_make, more=True, shown="list<T>"),
                            Signature((), List(NULL), _make)),
             "A list; also `[a, b]`.", "[1, 2] → [1, 2]", aliases=("list_pack",)),
    Function("[]", (takes(_L, INT64, gives=T, lower=_get),
                    takes(STRING, INT64, gives=STRING,
                          lower=lambda call: elementwise(_letter, call.values, STRING))),
             "An item of a list, or a character; null, or an empty text, where there is none.",
             "[7, 8, 9][-1] → 9",
             aliases=("list_extract", "list_element", "array_extract")),
    Function("[:]", (takes(_L, INT64, INT64, gives=_L, lower=_slice),
                     takes(STRING, INT64, INT64, gives=STRING, lower=_slice)),
             "The items of a list, or the characters, from one place to another.",
             "[7, 8, 9][2:3] → [8, 9]", aliases=("list_slice", "array_slice")),
    _list_function("list_contains", "Whether a value is in a list.",
                   "list_contains([1, 2], 2) → true", contains, _L, T, gives=BOOLEAN,
                   aliases=("list_has", "array_contains", "array_has")),
    _list_function("list_position", "The place of a value in a list; null where it is not.",
                   "list_position([7, 8], 8) → 2", _lower_position, _L, T, gives=INT32,
                   aliases=("list_indexof", "array_position", "array_indexof")),
    Function("list_concat", (takes(_L, gives=_L, lower=_join, more=True),),
             "Lists joined, leaving out nulls.", "list_concat([1], [2, 3]) → [1, 2, 3]",
             aliases=("list_cat", "array_concat", "array_cat")),
    _list_function("list_append", "A list with one more item.", "list_append([1], 2) → [1, 2]",
                   _with_item(before=False), _L, T, gives=_L,
                   aliases=("array_append", "array_push_back")),
    _list_function("list_prepend", "A list with one more item before.",
                   "list_prepend(0, [1]) → [0, 1]", _with_item(before=True), T, _L, gives=_L,
                   aliases=("array_prepend",)),
    Function("list_sum", (ruled(_L, by=_sum_rule, lower=_sum, shown="number"),),
             "The sum of the items.", "list_sum([1, 2, null]) → 3"),
    Function("list_avg", (ruled(_L, by=_mean_rule, shown="float64",
                                lower=lambda call: call[0].list.drop_nulls().list.mean()),),
             "The mean of the items.", "list_avg([1, 2]) → 1.5e0"),
    Function("list_min", (ruled(_L, by=_ordered_rule, lower=_extreme(greatest=False)),),
             "The least item.", "list_min([3, 1, null]) → 1"),
    Function("list_max", (ruled(_L, by=_ordered_rule, lower=_extreme(greatest=True)),),
             "The greatest item.", "list_max(['a', 'b']) → 'b'"),
    _list_function("list_count", "How many items are not null.", "list_count([1, null]) → 1",
                   lambda call: _count(call[0]), _L, gives=INT64),
    _list_function("list_first", "The first item.", "list_first([7, 8]) → 7",
                   lambda call: call[0].list.get(0, null_on_oob=True), _L, gives=T),
    _list_function("list_last", "The last item.", "list_last([7, 8]) → 8",
                   lambda call: call[0].list.get(-1, null_on_oob=True), _L, gives=T),
    _list_function("list_any_value", "The first item that is not null.",
                   "list_any_value([null, 8]) → 8",
                   lambda call: call[0].list.drop_nulls().list.get(0, null_on_oob=True),
                   _L, gives=T),
    Function("list_sort", (ruled(_L, by=_sort_rule, lower=_sort(False), shown="list<T>"),
                           ruled(_L, _ORDER, by=_sort_rule, lower=_sort(False), shown="list<T>"),
                           ruled(_L, _ORDER, _ORDER, by=_sort_rule, lower=_sort(False),
                                 shown="list<T>")),
             "In order, nulls last; with 'DESC' in falling order.",
             "list_sort([3, 1, null]) → [1, 3, null]", aliases=("array_sort",),
             verify=_verify_sort),
    Function("list_reverse_sort", (ruled(_L, by=_sort_rule, lower=_sort(True), shown="list<T>"),),
             "In falling order, nulls last.", "list_reverse_sort([1, 3]) → [3, 1]",
             aliases=("array_reverse_sort",)),
    _list_function("list_reverse", "Backwards.", "list_reverse([1, 2]) → [2, 1]",
                   lambda call: call[0].list.reverse(), _L, gives=_L, aliases=("array_reverse",)),
    _list_function("list_distinct", "Each item once, without nulls, in the order in which they"
                   " first come.", "list_sort(list_distinct([2, 1, 2, null])) → [1, 2]", _distinct,
                   _L, gives=_L,
                   aliases=("array_distinct",)),
    _list_function("list_unique", "How many different items there are, nulls aside.",
                   "list_unique([2, 1, 2, null]) → 2",
                   lambda call: _distinct(call).list.len().cast(pl.UInt64), _L, gives=UINT64,
                   aliases=("array_unique",)),
    _list_function("list_has_any", "Whether two lists share an item.",
                   "list_has_any([1, 2], [2, 3]) → true", _has(every=False), _L, _L,
                   gives=BOOLEAN, aliases=("array_has_any", "&&")),
    _list_function("list_has_all", "Whether the first list has all items of the second.",
                   "list_has_all([1, 2], [2]) → true", _has(every=True), _L, _L, gives=BOOLEAN,
                   aliases=("array_has_all", "@>")),
    _list_function("list_transform", "Each item turned into another; the lambda sees the item"
                   " alone.", "list_transform([1, 2], lambda x: x * 10) → [10, 20]", _transform,
                   _L, Function1(U), gives=ListOf(U),
                   aliases=("list_apply", "array_transform", "array_apply", "apply")),
    _list_function("list_filter", "The items for which the lambda is true.",
                   "list_filter([1, 2, 3], lambda x: x > 1) → [2, 3]", _filter, _L,
                   Function1(BOOLEAN), gives=_L, aliases=("array_filter", "filter")),
    Function("array_to_string", (ruled(_L, Fixed(STRING), by=_text_rule, lower=_to_text,
                                       shown="string"),),
             "The items as text with a separator between them, leaving out nulls.",
             "array_to_string([1, null, 2], '-') → '1-2'",
             aliases=("list_to_string",)),
    Function("range", (takes(INT64, gives=List(INT64), lower=_range(closed=False)),
                       takes(INT64, INT64, gives=List(INT64), lower=_range(closed=False)),
                       takes(INT64, INT64, INT64, gives=List(INT64), lower=_range(closed=False))),
             "The whole numbers from one to before another.", "range(3) → [0, 1, 2]"),
    Function("generate_series", (
                 takes(INT64, gives=List(INT64), lower=_range(closed=True)),
                 takes(INT64, INT64, gives=List(INT64), lower=_range(closed=True)),
                 takes(INT64, INT64, INT64, gives=List(INT64), lower=_range(closed=True))),
             "The whole numbers from one to another.", "generate_series(1, 3) → [1, 2, 3]"),
    Function("flatten", (ruled(_L, by=_flatten_rule, shown="list<T>",
                               lower=lambda call: elementwise(_flatten, call.values,
                                                              call.result)),),
             "The items of the lists of a list.", "flatten([[1, 2], [3]]) → [1, 2, 3]"),
)  # fmt: skip
