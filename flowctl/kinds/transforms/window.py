"""`window: {n: row_number()}`, `by: [k]`, `order: [-t]`: columns that look at other records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from flowctl.arguments import ON_ERROR, expression_schema, pairs, texts, unknown_column
from flowctl.codes.names import DUPLICATE_COLUMN, WINDOW_FRAME
from flowctl.component import Arguments, Situation, Spec, Transform, Typed
from flowctl.computing import Computed, computing
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault
from flowctl.expressions.aggregates.reading import placeholder
from flowctl.expressions.scope import Scope
from flowctl.expressions.windows import WINDOWS, Viewed, Viewing, check_window
from flowctl.gathering.order import Order
from flowctl.gathering.windowing import Frame, Seen, Windowing
from flowctl.operators import Blocking, Operator
from flowctl.records import Column, Schema
from flowctl.syntax.node import Json, Pointer

if TYPE_CHECKING:
    import polars as pl

# Columns that live between the parts of the transform; no author writes such names.
_VALUE: Final = "\ue000value"
_DEFAULT: Final = "\ue000default"
_STATE: Final = "\ue000state"
_DEFAULT_FRAME: Final = Frame(None, "peers")

SPEC = Spec(
    kind="window",
    summary="Adds columns that look at other records: places, neighbours, running sums.",
    argument={
        "description": "Names of columns, each with an expression over the record and window "
        "functions such as `row_number()`, `lag(x)` or `sum(x)`. All see the columns that come in.",
        "type": "object",
        "additionalProperties": expression_schema("An expression with window functions."),
        "minProperties": 1,
    },
    options={
        "by": {
            "description": "The columns that make a partition: a function sees records with equal "
            "values. Without it all records are one partition.",
            "type": "array",
            "items": {"type": "string", "format": "column"},
            "minItems": 1,
            "uniqueItems": True,
        },
        "order": {
            "description": "The columns that order a partition, a `-` before a name puts the "
            "greatest values first. Equal records, or all without it, stay in input order.",
            "type": "array",
            "items": {"type": "string", "format": "column"},
            "minItems": 1,
        },
        "rows": {
            "description": "The records that aggregates, `first_value` and `last_value` see: `7` "
            "is the record and the 6 before, `[-3, 3]` reaches 3 to either side, `null` in it is "
            "the partition's end. Without it: up to the last record that is equal in `order`.",
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 1_000_000},
                {
                    "type": "array",
                    "items": {
                        "type": ["integer", "null"],
                        "minimum": -1_000_000,
                        "maximum": 1_000_000,
                    },
                    "minItems": 2,
                    "maxItems": 2,
                },
            ],
        },
        **ON_ERROR,
    },
    detail="""\
The records leave as they came, in their order. In a partition nulls come last in either direction,
and records that are equal in `order` count in the order of the input, where a place is asked for.
An aggregate without `order` sees its whole partition; with it, all from the partition's first
record to the last one that is equal to its own, as in SQL, or those that `rows` names. An
aggregate may be narrowed: `count(*) filter (where late)`.

Window functions: """
    + ", ".join(f"`{name}`" for name in WINDOWS)
    + ".",
    example="""window:
  nth: row_number()
  since_last: dep_delay - lag(dep_delay, 1, 0)
  so_far: sum(distance)
by: [carrier]
order: [day, flight]
""",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    faults: list[Fault] = []
    for index, name in enumerate(texts(arguments.get("by"))):
        faults += filter(None, [unknown_column(name, schema, ("by", index))])
    faults += _order_faults(arguments, schema)
    columns: list[Column] = []
    shown: list[Json] = []
    for name, value in pairs(arguments["window"]):
        viewed = _viewed(value, schema, situation.scope)
        faults += [fault.below("window", name) for fault in viewed.faults]
        columns.append(Column(name, viewed.type))
        shown.append([name, viewed.text])
    frame = _frame(arguments)
    if isinstance(frame, Fault):
        faults.append(frame)
    canonical: dict[str, Json] = {"window": shown}
    canonical |= {option: arguments[option] for option in ("by", "order") if option in arguments}
    if "rows" in arguments and isinstance(frame, Frame):
        canonical["rows"] = [frame.start, frame.end]
    return Typed(canonical, schema.with_columns(columns), tuple(faults))


def _order_faults(arguments: Arguments, schema: Schema) -> Iterator[Fault]:
    seen: set[str] = set()
    for index, key in enumerate(texts(arguments.get("order"))):
        name, pointer = key.removeprefix("-"), ("order", index)
        unknown = unknown_column(name, schema, pointer)
        if unknown is not None:
            yield unknown
        elif name in seen:
            message = f"the partitions are ordered by `{name}` already"
            yield Fault(DUPLICATE_COLUMN, message, pointer)
        seen.add(name)


def _frame(arguments: Arguments) -> Frame | Fault:
    match arguments.get("rows"):
        case None:
            return _DEFAULT_FRAME
        case int(count):
            return Frame(1 - count, 0)
        case [int(start), None]:
            message = f"a frame from {start} to the partition's end begins inside of it"
            help = "turn `order` around, and take `rows: [null, …]`"
            return Fault(WINDOW_FRAME, message, ("rows",), help=help)
        case [int(start), int(end)] if start > end:
            message = f"the frame begins at {start}, behind its end at {end}"
            return Fault(WINDOW_FRAME, message, ("rows",), help=f"`[{end}, {start}]`?")
        case [(int() | None) as start, (int() | None) as end]:
            return Frame(start, end)
    raise ValueError(f"not a frame: {arguments.get('rows')!r}")


def _viewed(value: Json, schema: Schema, scope: Scope, first: int = 0) -> Viewed:
    text = value if isinstance(value, str) else json.dumps(value)
    return check_window(text, scope.over(schema), first)


@dataclass(frozen=True, slots=True)
class _View:
    """A window function at work: what is computed before, what is filled in, what comes of it."""

    column: Column
    before: tuple[Computed, ...]
    states: tuple[pl.Expr, ...]
    seen: tuple[Seen, ...]
    final: pl.Expr

    def counts(self, frame: pl.DataFrame) -> Iterator[str]:
        """The columns whose sums would not fit, where a partition is large."""
        import polars as pl

        summed = (one.value for one in self.seen if one.look == "sum")
        return (name for name in summed if frame.schema[name] == pl.UInt32)


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    from flowctl.expressions.lower import lower

    views: list[_View] = []
    results: list[Computed] = []
    for name, value in pairs(arguments["window"]):
        viewed = _viewed(value, schema, scope, len(views))
        if viewed.tree is None:
            raise ValueError(f"{value!r}: {viewed.faults[0].message}")
        for viewing in viewed.viewings:
            views.append(_view(viewing, len(views), ("window", name)))
        results.append(Computed(name, lower(viewed.tree), ("window", name)))
    frame = _frame(arguments)
    assert isinstance(frame, Frame)
    states = [state for view in views for state in view.states]
    finals = [view.final for view in views]

    def condense(frame: pl.DataFrame) -> pl.DataFrame:
        import polars as pl

        found = frame.select(*schema.names, *states)
        counts = (name for view in views for name in view.counts(found))
        return found.cast(dict.fromkeys(counts, pl.Int64()))

    def finished(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.select(*schema.names, *finals)

    keys = tuple(texts(arguments.get("by")))
    seen = tuple(one for view in views for one in view.seen)
    windowing = Windowing(keys, _order(arguments), frame, seen, finished)
    return Blocking(
        condense=condense,
        open=windowing.open,
        before=computing("window", [one for view in views for one in view.before], schema.names),
        after=computing("window", results, schema.names),
        gives=schema.with_columns(view.column for view in views),
    )


def _order(arguments: Arguments) -> Order:
    order = texts(arguments.get("order"))
    columns = tuple(key.removeprefix("-") for key in order)
    return Order(columns, tuple(key.startswith("-") for key in order))


def _view(viewing: Viewing, index: int, pointer: Pointer) -> _View:
    """The window function with this number."""
    import polars as pl

    from flowctl.expressions.lower import lower
    from flowctl.expressions.polars_types import polars_type

    name, kind = placeholder(index), polars_type(viewing.type)
    column = Column(name, viewing.type)
    before: list[Computed] = []
    if viewing.value is not None:
        before.append(Computed(f"{_VALUE}{index}", lower(viewing.value), pointer))
    if viewing.default is not None:
        before.append(Computed(f"{_DEFAULT}{index}", lower(viewing.default), pointer))
    if viewing.steps is not None:
        states = _single(viewing, pl.col(before[0].name))
        names = [f"{_STATE}{index}\ue000{place}" for place in range(len(states))]
        seen = [Seen(one, viewing.look, f"{_VALUE}{one}") for one in names]
        final = viewing.steps.final([pl.col(one) for one in names]).cast(kind).alias(name)
        aliased = (state.alias(one.value) for state, one in zip(states, seen, strict=True))
        return _View(column, tuple(before), tuple(aliased), tuple(seen), final)
    values = tuple(pl.col(one.name).cast(kind) for one in before)
    default = before[1].name if len(before) > 1 else None
    value = before[0].name if before else ""
    one = Seen(name, viewing.look, value, viewing.back, default)
    return _View(column, tuple(before), values, (one,), pl.col(name).cast(kind))


def _single(viewing: Viewing, value: pl.Expr) -> Sequence[pl.Expr]:
    """The states of each record by itself."""
    if viewing.steps is None or viewing.steps.single is None:
        raise ValueError(f"{viewing.text}: the type of its value is not known")
    return viewing.steps.single(value)


COMPONENT = Transform(SPEC, rule, prepare, order="blocking")
