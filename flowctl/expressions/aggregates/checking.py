"""Types an expression with aggregates: what is inside sees the records, what is around a group."""

from __future__ import annotations

from dataclasses import replace

from flowctl.codes.expressions import (
    ARGUMENTS,
    NOT_GROUPED,
    UNKNOWN_COLUMN,
)
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault, nearest
from flowctl.expressions.aggregates.reading import (
    AGGREGATED,
    MARK,
    Written,
    placeholder,
    read,
    unknown,
)
from flowctl.expressions.aggregates.table import (
    BY_NAME,
    COUNT_RECORDS,
    Aggregate,
    Given,
    Steps,
)
from flowctl.expressions.canonical import canonical
from flowctl.expressions.check import check_call, check_tree
from flowctl.expressions.scope import Scope
from flowctl.expressions.tree import Call, Case, Cast, Literal, Name, Scalar, Tree, children
from flowctl.expressions.types import BOOLEAN, INT32, INT64, INT128
from flowctl.records import Column, DataType, Schema, Unknown


@dataclass(frozen=True, slots=True)
class Aggregation:
    """One aggregate of an expression: what is computed of each record, and how it is gathered.

    `value` is the checked tree of the value; with `where`, only records for which that is true
    count, and `nulls` says that they have to be told from those whose value is null.
    """

    value: Tree
    where: Tree | None
    nulls: bool
    steps: Steps | None
    text: str
    type: DataType
    nullable: bool


@dataclass(frozen=True, slots=True)
class Aggregated:
    """An expression with aggregates; in `tree`, `placeholder(i)` is the column of the i-th.

    `tree` is None where there are faults.
    """

    tree: Tree | None
    aggregations: tuple[Aggregation, ...]
    text: str
    faults: tuple[Fault, ...] = ()

    @property
    def type(self) -> DataType:
        return self.tree.type if self.tree is not None else Unknown()

    @property
    def nullable(self) -> bool:
        """Whether it may be null; what is computed of an aggregate may always be."""
        tree = self.tree
        alone = len(self.aggregations) == 1 and tree is not None and not children(tree)
        return not alone or self.aggregations[0].nullable


def check_aggregation(text: str, keys: Schema, scope: Scope, first: int = 0) -> Aggregated:
    """Checks an expression over groups of records, with aggregates that are numbered from `first`.

    `keys` are the columns by which the groups are formed, `scope` has those of the records. A sum
    of integers is computed in 128 bits, and turned into an int64 where it becomes a column.
    """
    found = read(text, BY_NAME, first)
    if isinstance(found, Fault):
        return Aggregated(None, (), text, (found,))
    faults: list[Fault] = []
    aggregations: list[Aggregation] = []
    for written in found.aggregates:
        checked = _aggregation(written, text, scope)
        if isinstance(checked, Aggregation):
            aggregations.append(checked)
        else:
            faults += checked
    faults += _around(found.tree, text, keys, scope)
    if faults:
        return Aggregated(None, (), text, tuple(faults))
    columns = [
        Column(placeholder(index), aggregation.type)
        for index, aggregation in enumerate(aggregations, first)
    ]
    seen = replace(scope, columns=Schema((*keys.columns, *columns)), source=False)
    checked_tree = check_tree(found.tree, text, seen)
    tree = checked_tree.tree
    if tree is None:
        return Aggregated(None, (), text, checked_tree.faults)
    if tree.type == INT128:
        tree = Cast(tree, INT64, "implicit", tree.start, tree.end, INT64)
    return Aggregated(tree, tuple(aggregations), _canonical(tree, aggregations, first))


def narrowed(found: Aggregated, condition: Tree) -> Aggregated:
    """The same expression over those records alone for which a checked condition is true."""
    return replace(
        found, aggregations=tuple(_narrowed(one, condition) for one in found.aggregations)
    )


def _narrowed(one: Aggregation, condition: Tree) -> Aggregation:
    both: Tree = condition
    if one.where is not None:
        start, end = condition.start, condition.end
        both = Call("and", (condition, one.where), start, end, BOOLEAN)
    nothing = Literal(None, one.value.start, one.value.end, one.value.type)
    value = Case(((condition, one.value),), nothing, one.value.start, one.value.end, one.value.type)
    return replace(one, value=value, where=both)


def _aggregation(written: Written, text: str, scope: Scope) -> Aggregation | tuple[Fault, ...]:
    call = written.call
    aggregate = BY_NAME[call.name]
    name = aggregate.function.name
    checked = check_call(replace(call, name=name), aggregate.function, text, scope)
    faults = list(checked.faults)
    where: Tree | None = None
    if written.where is not None:
        condition = check_tree(written.where, text, scope, BOOLEAN)
        faults += condition.faults
        where = condition.tree
    if written.distinct and not call.arguments:
        message = "`distinct` goes with a value: `count(distinct x)`"
        faults.append(Fault(ARGUMENTS, message, start=call.start, end=call.end))
    elif written.distinct and aggregate.distinct is None:
        message = f"`{name}` does not take `distinct`"
        help = "`count`, `list` and `string_agg` do; or `dedupe` the records before"
        faults.append(Fault(ARGUMENTS, message, (), call.name_start, call.name_end, help))
    if faults or not isinstance(checked.tree, Call):
        return tuple(faults)
    return _sound(checked.tree, aggregate, written.distinct, where)


def _sound(call: Call, aggregate: Aggregate, distinct: bool, where: Tree | None) -> Aggregation:
    text = _written(call, distinct, where)
    records = not call.arguments
    value: Tree = call.arguments[0] if call.arguments else _something(call)
    given = Given(value.type, call.type, _constant(call))
    how = COUNT_RECORDS if records else aggregate.steps
    if distinct and aggregate.distinct is not None:
        how = aggregate.distinct
    known = not isinstance(value.type, Unknown) and not isinstance(call.type, Unknown)
    if where is not None:
        # The value is asked for only where the condition is true, and so are its faults.
        nothing = Literal(None, value.start, value.end, value.type)
        value = Case(((where, value),), nothing, value.start, value.end, value.type)
    nulls = aggregate.nulls or records
    steps = how(given) if known else None
    return Aggregation(value, where, nulls, steps, text, call.type, aggregate.nullable)


def _something(call: Call) -> Tree:
    """What `count(*)` counts: every record has it."""
    return Literal(1, call.start, call.end, INT32)


def _constant(call: Call) -> Scalar:
    """The second argument, which is a literal."""
    if len(call.arguments) < 2:
        return None
    tree = call.arguments[1]
    while isinstance(tree, Cast):
        tree = tree.operand
    return tree.value if isinstance(tree, Literal) else None


def _around(tree: Tree, text: str, keys: Schema, scope: Scope) -> list[Fault]:
    """Names outside of aggregates that are neither keys nor constants, and unknown functions."""
    if isinstance(tree, Name):
        fault = _name(tree, keys, scope)
        return [fault] if fault is not None else []
    if isinstance(tree, Call) and (fault := unknown(tree, text, BY_NAME, AGGREGATED)) is not None:
        return [fault]
    return [fault for child in children(tree) for fault in _around(child, text, keys, scope)]


def _name(node: Name, keys: Schema, scope: Scope) -> Fault | None:
    root = node.parts[0]
    if root.text in keys or root.text.startswith(MARK):
        return None
    if not root.quoted and (root.text in scope.constants or root.text in scope.runtime):
        return None
    columns = scope.columns if scope.columns is not None else Schema()
    if root.text in columns:
        message = f"`{root.text}` has many values in a group, one in each record"
        help = f"aggregate it, as in `max({root.text})`, or add it to `by`"
        return Fault(NOT_GROUPED, message, (), root.start, root.end, help)
    if columns.open:
        message = f"`{root.text}` is neither in `by` nor inside an aggregate"
        return Fault(NOT_GROUPED, message, (), root.start, root.end)
    near = nearest(root.text, [*columns.names, *keys.names])
    message = f"unknown column `{root.text}`"
    return Fault(
        UNKNOWN_COLUMN,
        message,
        start=root.start,
        end=root.end,
        help=f"did you mean `{near}`?" if near else None,
    )


def _canonical(tree: Tree, aggregations: list[Aggregation], first: int) -> str:
    text = canonical(tree)
    for index, aggregation in enumerate(aggregations, first):
        text = text.replace(f'"{placeholder(index)}"', aggregation.text)
    return text


def _written(call: Call, distinct: bool, where: Tree | None) -> str:
    inside = ", ".join(map(canonical, call.arguments)) if call.arguments else "*"
    text = f"{call.name}({'distinct ' if distinct else ''}{inside})"
    return f"{text} filter (where {canonical(where)})" if where is not None else text
