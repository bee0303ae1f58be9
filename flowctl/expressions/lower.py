"""Turns a checked tree into expressions of Polars: the value, and where DuckDB would have refused.

Polars evaluates every branch of every record, so a fault in a branch must count only where the
branch is taken: each check carries the condition under which its place is reached.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import reduce

from flowctl.dataclass import dataclass
from flowctl.expressions import once
from flowctl.expressions.canonical import canonical
from flowctl.expressions.casts import cast, literal
from flowctl.expressions.functions import BY_NAME
from flowctl.expressions.functions.signature import Operands, Problem, Result
from flowctl.expressions.lazily import pl
from flowctl.expressions.names import SOURCE_COLUMNS
from flowctl.expressions.tree import (
    Call,
    Case,
    Cast,
    Column,
    Field,
    Lambda,
    Literal,
    Local,
    Runtime,
    Tree,
)
from flowctl.records import DataType, Unknown


class NotLowerable(TypeError):
    """The tree still has a part whose type is not known; check it again when it is."""


@dataclass(frozen=True, slots=True)
class Check:
    """A place where a record may be refused.

    `fault` is true exactly where DuckDB refuses the record, `suspect` at least there and cheaper
    to compute; both are boolean and never null. `message` is a text for each record, `start` and
    `end` are offsets into the expression's text.
    """

    fault: pl.Expr
    suspect: pl.Expr
    message: pl.Expr
    start: int
    end: int

    def under(self, condition: pl.Expr) -> Check:
        """The same check, for a place that is reached only where the condition is true."""
        return replace(self, fault=condition & self.fault, suspect=condition & self.suspect)


@dataclass(frozen=True, slots=True)
class Lowered:
    """An expression for Polars. `value` never raises; where there is a fault it means nothing."""

    value: pl.Expr
    checks: tuple[Check, ...] = ()
    size: int = 1
    """How many references to columns the value has, about."""

    @property
    def fault(self) -> pl.Expr | None:
        """True exactly for the records that DuckDB refuses; None where there are no such."""
        return _any(check.fault for check in self.checks)

    @property
    def suspect(self) -> pl.Expr | None:
        """True at least for the records that DuckDB refuses, and cheaper than `fault`."""
        return _any(check.suspect for check in self.checks)

    @property
    def reason(self) -> pl.Expr | None:
        """Why the record is refused, in words, for its first fault; null where it is not."""
        if not self.checks:
            return None
        return pl.coalesce(*(pl.when(check.fault).then(check.message) for check in self.checks))


def lower(tree: Tree) -> Lowered:
    """Lowers a checked tree; raises NotLowerable where a type is still unknown.

    `source_file()` and `source_line()` read the columns `__source_file` and `__source_line`,
    run-time values columns named by their path: `steps.load.written`.
    """
    return _lower(tree)


def _lower(tree: Tree) -> Lowered:
    match tree:
        case Literal():
            return Lowered(literal(tree.value, _known(tree)))
        case Column(name):
            return Lowered(pl.col(name))
        case Local():
            return Lowered(pl.element())
        case Runtime():
            return Lowered(pl.col(canonical(tree)))
        case Field(operand, name):
            inner = _lower(operand)
            return Lowered(inner.value.struct.field(name), inner.checks, inner.size)
        case Cast():
            return _cast(tree)
        case Case():
            return _case(tree)
        case Call():
            return _call(tree)
        case Lambda(body=body):
            return _lower(body)
    raise NotLowerable(f"a {type(tree).__name__} has no value")


def _known(tree: Literal) -> DataType:
    if isinstance(tree.type, Unknown):
        raise NotLowerable("a value is not known before the run")
    return tree.type


def _cast(tree: Cast) -> Lowered:
    operand = _lower(tree.operand)
    if isinstance(tree.operand.type, Unknown):
        raise NotLowerable(f"the type of {canonical(tree.operand)} is not known before the run")

    def operation(values: Sequence[pl.Expr]) -> Result:
        result = cast(values[0], tree.operand, tree.to)
        return Result(_nulled(result)) if tree.kind == "try" else result

    return _applied(operation, (operand,), tree)


def _nulled(result: Result) -> pl.Expr:
    """The value, and null where there is a problem."""
    value = result.value
    for problem in result.problems:
        value = pl.when(problem.when.fill_null(False)).then(None).otherwise(value)
    return value


def _applied(
    operation: Callable[[Sequence[pl.Expr]], Result], operands: Sequence[Lowered], tree: Tree
) -> Lowered:
    """The result of an operation with the checks of its operands before its own."""
    values = [operand.value for operand in operands]
    if isinstance(tree, Call) and any(isinstance(part, Lambda) for part in tree.arguments):
        # What a lambda computes has no value outside of its list.
        result, size = operation(values), sum(operand.size for operand in operands) + 1
    else:
        sizes = [operand.size for operand in operands]
        result, size = once.applied(operation, values, sizes, tree.type)
    checks = [check for operand in operands for check in operand.checks]
    checks += [_check(problem, tree) for problem in result.problems]
    return Lowered(result.value, tuple(checks), size)


def _check(problem: Problem, tree: Tree) -> Check:
    message = pl.lit(problem.message) if isinstance(problem.message, str) else problem.message
    fault = problem.when.fill_null(False)
    suspect = fault if problem.suspect is None else problem.suspect.fill_null(False)
    return Check(fault, suspect, message, tree.start, tree.end)


def _call(tree: Call) -> Lowered:
    if tree.name in SOURCE_COLUMNS:
        return Lowered(pl.col(SOURCE_COLUMNS[tree.name]))
    if tree.name in ("and", "or"):
        return _connective(tree)
    if tree.name == "coalesce":
        return _coalesce(tree)
    if tree.name == "try":
        return _try(tree)
    function = BY_NAME.get(tree.name)
    if function is None:
        return Lowered(pl.col(f"{tree.name}()"))
    if isinstance(tree.type, Unknown):
        raise NotLowerable(f"the type of {canonical(tree)} is not known before the run")
    signature = function.signatures[tree.signature]
    kinds = tuple(argument.type for argument in tree.arguments)
    shown = canonical(tree)

    def operation(values: Sequence[pl.Expr]) -> Result:
        call = Operands(tuple(values), kinds, tree.arguments, tree.type, tree.names, shown)
        result = signature.lower(call)
        return result if isinstance(result, Result) else Result(result)

    operands = [_lower(argument) for argument in tree.arguments]
    seen = [
        _of_items(operand, operands[0], argument)
        for operand, argument in zip(operands, tree.arguments, strict=True)
    ]
    return _applied(operation, seen, tree)


def _of_items(operand: Lowered, listed: Lowered, tree: Tree) -> Lowered:
    """The checks of a lambda, which look at an item, as checks of the list that holds it."""
    if not isinstance(tree, Lambda):
        return operand
    message = pl.lit(f"an item of the list is refused by {canonical(tree)}")
    checks = [
        Check(_any_item(listed, check.fault), _any_item(listed, check.suspect), message,
              check.start, check.end)
        for check in operand.checks
    ]  # fmt: skip
    return replace(operand, checks=tuple(checks))


def _any_item(listed: Lowered, condition: pl.Expr) -> pl.Expr:
    return listed.value.list.eval(condition).list.any().fill_null(False)


def _connective(tree: Call) -> Lowered:
    """`and`, `or`: an operand is reached unless the ones before it have decided."""
    decides = tree.name == "or"
    reached: pl.Expr | None = None
    checks: list[Check] = []
    values: list[pl.Expr] = []
    size = 0
    for argument in tree.arguments:
        operand = _lower(argument)
        checks += _under(operand.checks, reached)
        undecided = operand.value.ne_missing(pl.lit(decides))
        reached = undecided if reached is None else reached & undecided
        values.append(operand.value)
        size += operand.size
    value = reduce(lambda a, b: a | b if decides else a & b, values)
    return Lowered(value, tuple(checks), size)


def _coalesce(tree: Call) -> Lowered:
    reached: pl.Expr | None = None
    checks: list[Check] = []
    values: list[pl.Expr] = []
    size = 0
    for argument in tree.arguments:
        operand = _lower(argument)
        checks += _under(operand.checks, reached)
        missing = operand.value.is_null()
        reached = missing if reached is None else reached & missing
        values.append(operand.value)
        size += operand.size
    return Lowered(pl.coalesce(*values), tuple(checks), size)


def _case(tree: Case) -> Lowered:
    if isinstance(tree.type, Unknown):
        raise NotLowerable("the type of a case is not known before the run")
    reached: pl.Expr | None = None
    checks: list[Check] = []
    branches: list[tuple[pl.Expr, pl.Expr]] = []
    size = 0
    for when, then in tree.branches:
        condition, result = _lower(when), _lower(then)
        checks += _under(condition.checks, reached)
        holds = condition.value.fill_null(False)
        checks += _under(result.checks, holds if reached is None else reached & holds)
        reached = ~holds if reached is None else reached & ~holds
        branches.append((holds, result.value))
        size += condition.size + result.size
    otherwise = _lower(tree.otherwise)
    checks += _under(otherwise.checks, reached)
    value = otherwise.value
    for holds, result_value in reversed(branches):
        value = pl.when(holds).then(result_value).otherwise(value)
    return Lowered(value, tuple(checks), size + otherwise.size)


def _try(tree: Call) -> Lowered:
    operand = _lower(tree.arguments[0])
    fault = operand.fault
    if fault is None:
        return operand
    value = pl.when(fault).then(None).otherwise(operand.value)
    return Lowered(value, size=once.references(value))


def _under(checks: Iterable[Check], condition: pl.Expr | None) -> list[Check]:
    return [check if condition is None else check.under(condition) for check in checks]


def _any(conditions: Iterable[pl.Expr]) -> pl.Expr | None:
    found = list(conditions)
    return reduce(lambda a, b: a | b, found) if found else None
