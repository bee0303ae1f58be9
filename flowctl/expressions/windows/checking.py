"""Types an expression with window functions: what is inside and around them sees the record."""

from __future__ import annotations

from dataclasses import replace

from flowctl.codes.expressions import ARGUMENTS
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault
from flowctl.expressions.aggregates.reading import Words, Written, placeholder, read, unknown
from flowctl.expressions.aggregates.table import COUNT_RECORDS, Given, Steps
from flowctl.expressions.canonical import canonical
from flowctl.expressions.check import check_call, check_tree
from flowctl.expressions.scope import Scope
from flowctl.expressions.tree import Call, Case, Cast, Literal, Tree, children
from flowctl.expressions.types import BOOLEAN, INT32, INT64, INT128
from flowctl.expressions.windows.table import BY_NAME, Look
from flowctl.records import Column, DataType, Schema, Unknown

_WORDS = Words(
    noun="window function",
    kind="window",
    nested="use two transforms: the second one sees the columns of the first",
    over="the window stands beside the functions: `by: [k]`, `order: [-t]`, `rows: 7`",
)


@dataclass(frozen=True, slots=True)
class Viewing:
    """One window function of an expression: what is computed of each record, and how it looks.

    A `shift` gives the `value` so many records before (behind, if `back` is negative), or
    `default`. `steps` are those of an aggregate. What only looks at places has no value.
    """

    look: Look
    value: Tree | None
    default: Tree | None
    back: int
    steps: Steps | None
    text: str
    type: DataType


@dataclass(frozen=True, slots=True)
class Viewed:
    """An expression with window functions; in `tree`, `placeholder(i)` is the column of the i-th.

    `tree` is None where there are faults.
    """

    tree: Tree | None
    viewings: tuple[Viewing, ...]
    text: str
    faults: tuple[Fault, ...] = ()

    @property
    def type(self) -> DataType:
        return self.tree.type if self.tree is not None else Unknown()


def check_window(text: str, scope: Scope, first: int = 0) -> Viewed:
    """Checks an expression over a record with window functions, which are numbered from `first`.

    A sum of integers is computed in 128 bits, and turned into an int64 where it becomes a column.
    """
    found = read(text, BY_NAME, first, _WORDS)
    if isinstance(found, Fault):
        return Viewed(None, (), text, (found,))
    faults = [*_unknown(found.tree, text)]
    viewings: list[Viewing] = []
    for written in found.aggregates:
        checked = _viewing(written, text, scope)
        if isinstance(checked, Viewing):
            viewings.append(checked)
        else:
            faults += checked
    if faults:
        return Viewed(None, (), text, tuple(faults))
    columns = [
        Column(placeholder(index), viewing.type) for index, viewing in enumerate(viewings, first)
    ]
    known = scope.columns if scope.columns is not None else Schema()
    around = check_tree(found.tree, text, replace(scope, columns=known.with_columns(columns)))
    tree = around.tree
    if tree is None:
        return Viewed(None, (), text, around.faults)
    if tree.type == INT128:
        tree = Cast(tree, INT64, "implicit", tree.start, tree.end, INT64)
    shown = canonical(tree)
    for index, viewing in enumerate(viewings, first):
        shown = shown.replace(f'"{placeholder(index)}"', viewing.text)
    return Viewed(tree, tuple(viewings), shown)


def _unknown(tree: Tree, text: str) -> list[Fault]:
    """Calls of no function, or of one over many records that is none of ours."""
    if isinstance(tree, Call) and (fault := unknown(tree, text, BY_NAME, _WORDS)) is not None:
        return [fault]
    return [fault for child in children(tree) for fault in _unknown(child, text)]


def _viewing(written: Written, text: str, scope: Scope) -> Viewing | tuple[Fault, ...]:
    call = written.call
    entry = BY_NAME[call.name]
    name = entry.function.name
    checked = check_call(replace(call, name=name), entry.function, text, scope)
    faults = list(checked.faults)
    where: Tree | None = None
    if written.distinct:
        message = f"`{name}` does not take `distinct` in a window"
        faults.append(Fault(ARGUMENTS, message, (), call.name_start, call.name_end))
    if written.where is not None and entry.aggregate is None:
        message = f"only aggregates take a `filter`, and `{name}` is none"
        start, end = written.where.start, written.where.end
        faults.append(Fault(ARGUMENTS, message, (), start, end))
    elif written.where is not None:
        condition = check_tree(written.where, text, scope, BOOLEAN)
        faults += condition.faults
        where = condition.tree
    if faults or not isinstance(checked.tree, Call):
        return tuple(faults)
    shown = _written(checked.tree, where)
    if entry.aggregate is not None:
        return _aggregate(checked.tree, entry.look, where, shown)
    given = checked.tree.arguments
    back = _constant(given[1]) if len(given) > 1 else 1
    return Viewing(
        entry.look,
        given[0] if given else None,
        given[2] if len(given) > 2 else None,
        -back if name == "lead" else back,
        None,
        shown,
        checked.tree.type,
    )


def _aggregate(call: Call, look: Look, where: Tree | None, shown: str) -> Viewing:
    entry = BY_NAME[call.name].aggregate
    assert entry is not None
    value: Tree = call.arguments[0] if call.arguments else Literal(1, call.start, call.end, INT32)
    known = not isinstance(value.type, Unknown) and not isinstance(call.type, Unknown)
    given = Given(value.type, call.type)
    # `count(*)` with a filter counts as `count` of something that is null elsewhere.
    plain = not call.arguments and where is None
    steps = (COUNT_RECORDS if plain else entry.running or entry.steps)(given) if known else None
    if where is not None:
        nothing = Literal(None, value.start, value.end, value.type)
        value = Case(((where, value),), nothing, value.start, value.end, value.type)
    return Viewing(look, value, None, 0, steps, shown, call.type)


def _constant(tree: Tree) -> int:
    while isinstance(tree, Cast):
        tree = tree.operand
    return tree.value if isinstance(tree, Literal) and isinstance(tree.value, int) else 1


def _written(call: Call, where: Tree | None) -> str:
    counted = call.name == "count" and not call.arguments
    inside = "*" if counted else ", ".join(map(canonical, call.arguments))
    text = f"{call.name}({inside})"
    return f"{text} filter (where {canonical(where)})" if where is not None else text
