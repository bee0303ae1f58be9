"""What a function is: its signatures (which types it takes, what it gives), its lowering, its doc.

A signature is a pattern of types with the lowering beside it. `T` stands for any type, the same in
all places; `N` for any number; a `Fixed` argument must be a literal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field
from decimal import Decimal as Number
from typing import TYPE_CHECKING, Final, TypeAlias

from flowctl.dataclass import dataclass
from flowctl.expressions.tree import Cast, Column, Lambda, Literal, Scalar, Tree
from flowctl.expressions.types import (
    common,
    implicit_cost,
    integer_range,
    is_number,
    is_open,
    literal_type,
)
from flowctl.records import (
    DataType,
    Date,
    Datetime,
    Decimal,
    Duration,
    Integer,
    List,
    Null,
    String,
    Struct,
    Time,
    Unknown,
)

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Problem:
    """Where an operation is refused: `when` is exactly true there, `suspect` at least there.

    `message` is a text, or an expression that gives it for each record.
    """

    when: pl.Expr
    message: str | pl.Expr
    suspect: pl.Expr | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """What a lowering gives: a value that never raises, and where DuckDB would have refused."""

    value: pl.Expr
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Operands:
    """The arguments of one call, ready to be put into an expression of Polars."""

    values: tuple[pl.Expr, ...]
    types: tuple[DataType, ...]
    trees: tuple[Tree, ...]
    result: DataType
    names: tuple[str | None, ...]
    shown: str
    """The call as text, for messages."""

    def __getitem__(self, index: int) -> pl.Expr:
        return self.values[index]

    def __len__(self) -> int:
        return len(self.values)

    def constant(self, index: int) -> Scalar:
        """The value of a `Fixed` argument."""
        tree = self.trees[index]
        while isinstance(tree, Cast):
            tree = tree.operand
        assert isinstance(tree, Literal)
        return tree.value

    def scalar(self, index: int) -> float | None:
        """The number that an argument is, where it stands in the text."""
        tree = self.trees[index]
        while isinstance(tree, Cast):
            tree = tree.operand
        value = tree.value if isinstance(tree, Literal) else None
        return float(value) if isinstance(value, int | float | Number) else None

    def scalar_text(self, index: int) -> str | None:
        """The text that an argument is, where it stands in the expression."""
        tree = self.trees[index]
        return tree.value if isinstance(tree, Literal) and isinstance(tree.value, str) else None

    def text(self, index: int) -> str:
        """The value of a `Fixed` argument that is a text."""
        value = self.constant(index)
        return value if isinstance(value, str) else ""


Lowering: TypeAlias = "Callable[[Operands], pl.Expr | Result]"


@dataclass(frozen=True, slots=True)
class Var:
    """A type that is the same in all places of a signature; of numbers only where so marked."""

    name: str
    numbers: bool = False

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ListOf:
    item: Var

    def __str__(self) -> str:
        return f"list<{self.item}>"


@dataclass(frozen=True, slots=True)
class Fixed:
    """A literal of this type, so that it can be checked and compiled once."""

    type: DataType

    def __str__(self) -> str:
        return f"'{self.type}'"


@dataclass(frozen=True, slots=True)
class Anything:
    """Any type, each argument its own; lists and structs only where `nested`."""

    nested: bool = True

    def __str__(self) -> str:
        return "any"


@dataclass(frozen=True, slots=True)
class Function1:
    """A lambda; what it gives is the type `result`."""

    result: Var | DataType

    def __str__(self) -> str:
        return f"lambda → {self.result}"


T: Final = Var("T")
U: Final = Var("U")
N: Final = Var("number", numbers=True)
ANY: Final = Anything()
SCALAR: Final = Anything(nested=False)

Parameter: TypeAlias = "DataType | Var | ListOf | Fixed | Anything | Function1"
Outcome: TypeAlias = "DataType | Var | ListOf | Callable[[tuple[DataType, ...]], DataType]"


@dataclass(frozen=True, slots=True)
class Match:
    """A signature that fits: what each argument is turned into, and what comes out."""

    parameters: tuple[DataType, ...]
    result: DataType
    cost: int


Verify: TypeAlias = "Callable[[Sequence[Tree]], tuple[int, str] | None]"
Rule: TypeAlias = "Callable[[Sequence[Tree]], Match | str | None]"


@dataclass(frozen=True, slots=True)
class Signature:
    """One way to call a function.

    With `rule` the types are decided by code; it gives None where it does not fit, or a text that
    says why. `more` allows the last parameter any number of times, at least once.
    """

    parameters: tuple[Parameter, ...]
    result: Outcome
    lower: Lowering
    more: bool = False
    rule: Rule | None = None
    shown_result: str = ""

    def fits(self, count: int) -> bool:
        least = len(self.parameters)
        return count >= least if self.more else count == least

    def match(self, arguments: Sequence[Tree]) -> Match | str | None:
        """How the arguments fit, if they do."""
        if not self.fits(len(arguments)):
            return None
        if self.rule is not None:
            return self.rule(arguments)
        return _match_pattern(self, arguments)

    def __str__(self) -> str:
        parameters = ", ".join(map(str, self.parameters)) + (", …" if self.more else "")
        result = self.shown_result or (str(self.result) if not callable(self.result) else "T")
        return f"({parameters}) → {result}"


@dataclass(frozen=True, slots=True)
class Function:
    """An entry of the table of functions; operators are entries, too.

    `example` is `expression → value`, the value written as DuckDB writes a literal.
    """

    name: str
    signatures: tuple[Signature, ...]
    doc: str
    example: str
    family: str = ""
    aliases: tuple[str, ...] = field(default=())
    verify: Verify | None = None
    """Looks at the literals among the arguments: which one is wrong, and why."""
    named: bool = False
    """Whether arguments may have names, as in `struct_pack(a := 1)`."""


def takes(*parameters: Parameter, gives: Outcome, lower: Lowering, more: bool = False) -> Signature:
    """A signature, written as it reads."""
    return Signature(parameters, gives, lower, more)


def ruled(*parameters: Parameter, by: Rule, lower: Lowering, more: bool = False,
          shown: str = "T") -> Signature:  # fmt: skip
    """A signature whose types are decided by code."""
    return Signature(parameters, T, lower, more, by, shown)


def unify(trees: Sequence[Tree]) -> DataType | None:
    """The common type of several values; literals give way to what stands beside them.

    A quoted literal beside a date, a time or a decimal takes its type, an integer literal that of
    a smaller integer into which it fits.
    """
    firm: DataType = Null()
    for tree in trees:
        if not _gives_way(tree):
            found = common(firm, tree.type)
            if found is None:
                return None
            firm = found
    for tree in trees:
        if _gives_way(tree) and not _takes_type(tree, firm):
            found = common(firm, tree.type)
            if found is None:
                return None
            firm = found
    return firm


def _gives_way(tree: Tree) -> bool:
    if not isinstance(tree, Literal):
        return False
    value = tree.value
    return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))


def _takes_type(tree: Tree, kind: DataType) -> bool:
    assert isinstance(tree, Literal)
    if isinstance(tree.value, str):
        return isinstance(tree.type, String) and isinstance(
            kind, Date | Datetime | Time | Duration | Decimal | Unknown
        )
    return isinstance(kind, Integer) and fits_integer(tree, kind)


def fits_integer(tree: Tree, kind: DataType) -> bool:
    """Whether an integer literal is a value of that type."""
    if not isinstance(tree, Literal) or not isinstance(kind, Integer):
        return False
    if not isinstance(tree.value, int) or isinstance(tree.value, bool):
        return False
    low, high = integer_range(kind)
    return low <= tree.value <= high


def may_be(signature: Signature, index: int, argument: Tree) -> bool:
    """Whether this argument alone could stand there."""
    parameters = signature.parameters
    parameter = parameters[min(index, len(parameters) - 1)]
    if signature.rule is not None or isinstance(parameter, Var):
        return not (isinstance(parameter, Var) and parameter.numbers and
                    not (is_number(argument.type) or is_open(argument.type)))  # fmt: skip
    if isinstance(parameter, ListOf):
        return isinstance(argument.type, List) or is_open(argument.type)
    return _cost(parameter, _substitute(parameter, {}, argument), argument) is not None


def _match_pattern(signature: Signature, arguments: Sequence[Tree]) -> Match | None:
    parameters = list(signature.parameters)
    parameters += parameters[-1:] * (len(arguments) - len(parameters))
    bound = _bind(parameters, arguments)
    if bound is None:
        return None
    cost = 0
    wanted: list[DataType] = []
    for parameter, argument in zip(parameters, arguments, strict=True):
        kind = _substitute(parameter, bound, argument)
        price = _cost(parameter, kind, argument)
        if price is None:
            return None
        cost += price
        wanted.append(kind)
    result = signature.result
    if isinstance(result, Var | ListOf):
        return Match(tuple(wanted), _substitute(result, bound, None), cost)
    if callable(result):
        return Match(tuple(wanted), result(tuple(wanted)), cost)
    return Match(tuple(wanted), result, cost)


def _bind(parameters: Sequence[Parameter], arguments: Sequence[Tree]) -> dict[str, DataType] | None:
    """What each variable stands for: the common type of what stands in its places."""
    groups: dict[str, list[Tree]] = {}
    items: dict[str, list[DataType]] = {}
    numbers: set[str] = set()
    for parameter, argument in zip(parameters, arguments, strict=True):
        if isinstance(parameter, Var):
            groups.setdefault(parameter.name, []).append(argument)
            if parameter.numbers:
                numbers.add(parameter.name)
        elif isinstance(parameter, ListOf):
            if is_open(argument.type):
                items.setdefault(parameter.item.name, []).append(argument.type)
            elif isinstance(argument.type, List):
                items.setdefault(parameter.item.name, []).append(argument.type.item)
            else:
                return None
        elif isinstance(parameter, Function1) and isinstance(parameter.result, Var):
            items.setdefault(parameter.result.name, []).append(argument.type)
    bound: dict[str, DataType] = {}
    for name in (*groups, *items):
        kind = unify([*groups.get(name, ()), *map(_typed, items.get(name, ()))])
        if kind is None:
            return None
        if name in numbers and not (is_number(kind) or is_open(kind)):
            return None
        bound[name] = kind
    return bound


def _typed(kind: DataType) -> Tree:
    """A stand-in that has nothing but a type."""
    return Column("", 0, 0, kind)


def _substitute(parameter: Parameter, bound: dict[str, DataType], tree: Tree | None) -> DataType:
    if isinstance(parameter, Var):
        return bound.get(parameter.name, Unknown())
    if isinstance(parameter, ListOf):
        return List(bound.get(parameter.item.name, Unknown()))
    if isinstance(parameter, Fixed):
        return parameter.type
    if isinstance(parameter, Function1 | Anything):
        return tree.type if tree is not None else Unknown()
    return parameter


def _cost(parameter: Parameter, wanted: DataType, argument: Tree) -> int | None:
    if isinstance(argument, Lambda) != isinstance(parameter, Function1):
        return None
    if isinstance(parameter, Function1):
        if isinstance(parameter.result, Var):
            return 0
        return implicit_cost(argument.type, parameter.result)
    if isinstance(parameter, Anything):
        return 30 if parameter.nested or not isinstance(argument.type, List | Struct) else None
    if isinstance(parameter, Fixed) and not isinstance(argument, Literal):
        return None
    if isinstance(argument, Literal):
        if isinstance(argument.value, str) and _takes_type(argument, wanted):
            return 50
        if fits_integer(argument, wanted):
            assert isinstance(wanted, Integer)
            return 0 if literal_type(argument.value) == wanted else 1  # type: ignore[arg-type]
    return implicit_cost(argument.type, wanted)
