"""Checks an expression against a scope: resolves names, finds types, and points at what is wrong.

All faults of an expression are found at once, each at the smallest part that is wrong: a part with
a fault has an unknown type, against which nothing more is checked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal as Number
from typing import Final

from flowctl.codes.expressions import (
    AGGREGATE,
    ARGUMENTS,
    BAD_LITERAL,
    NOT_HERE,
    NOT_REPEATABLE,
    OPERAND_TYPES,
    PATTERN,
    RESULT_TYPE,
    UNKNOWN_FIELD,
    UNKNOWN_FUNCTION,
)
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Code, Fault, nearest
from flowctl.expressions.choice import choose
from flowctl.expressions.functions import BY_NAME, Function
from flowctl.expressions.functions.signature import Fixed, Signature, unify
from flowctl.expressions.functions.structs import pack_type
from flowctl.expressions.literals import decimal_type, read_literal
from flowctl.expressions.names import resolve, runtime_path
from flowctl.expressions.parse import parse
from flowctl.expressions.refused import AGGREGATES, HORIZONTAL
from flowctl.expressions.refused import NOT_REPEATABLE as UNREPEATABLE
from flowctl.expressions.scope import Scope
from flowctl.expressions.tree import (
    Call,
    Case,
    Cast,
    Column,
    Field,
    Lambda,
    Literal,
    Local,
    Months,
    Name,
    Runtime,
    Scalar,
    Tree,
    walk,
)
from flowctl.expressions.types import (
    BOOLEAN,
    INT64,
    NULL,
    STRING,
    UNKNOWN,
    fits_cast,
    implicit_cost,
    literal_type,
)
from flowctl.records import (
    Boolean,
    DataType,
    Decimal,
    Duration,
    Interval,
    List,
    Null,
    Struct,
    Unknown,
)

STATUS: Final = ("always", "failure", "success")
SOURCE: Final = ("source_file", "source_line")


@dataclass(frozen=True, slots=True)
class Checked:
    """The typed tree, or None where there are faults."""

    tree: Tree | None
    faults: tuple[Fault, ...] = ()

    @property
    def type(self) -> DataType:
        """The type of the result; unknown where the expression has faults."""
        return self.tree.type if self.tree is not None else UNKNOWN


def check(text: str, scope: Scope, expect: DataType | None = None) -> Checked:
    """Parses and checks an expression; `expect` is the type that its place wants.

    >>> from flowctl.records import Schema
    >>> scope = Scope(columns=Schema.of({"delay": "int64?"}))
    >>> check("delay > 15", scope).type
    Boolean()
    >>> [fault.message for fault in check("dealy > 15", scope).faults]
    ['unknown column `dealy`']
    """
    parsed = parse(text)
    if isinstance(parsed, Fault):
        return Checked(None, (parsed,))
    return check_tree(parsed, text, scope, expect)


def check_tree(tree: Tree, text: str, scope: Scope, expect: DataType | None = None) -> Checked:
    """Checks a tree that was read from the text, or from a part of it."""
    checker = _Checker(text, scope)
    tree = checker.visit(tree)
    if expect is not None:
        tree = checker.expect(tree, expect)
    elif isinstance(tree.type, Interval):
        checker.months(tree)
    if checker.faults:
        return Checked(None, tuple(checker.faults))
    return Checked(tree)


def check_call(tree: Call, function: Function, text: str, scope: Scope) -> Checked:
    """Checks a call of a function that is not in the table of scalar functions."""
    checker = _Checker(text, scope)
    found = checker.called(tree, function)
    if checker.faults:
        return Checked(None, tuple(checker.faults))
    return Checked(found)


class _Checker:
    """Walks over a tree and rebuilds it with types, collecting faults on its way."""

    def __init__(self, text: str, scope: Scope) -> None:
        self.text = text
        self.scope = scope
        self.faults: list[Fault] = []
        self.locals: list[dict[str, DataType]] = []

    def say(self, code: Code, message: str, start: int, end: int, help: str | None = None) -> None:
        self.faults.append(Fault(code, message, start=start, end=end, help=help))

    def visit(self, tree: Tree) -> Tree:
        if isinstance(tree, Call):
            return self._call(tree)
        if isinstance(tree, Literal):
            return self._literal(tree)
        if isinstance(tree, Name):
            return self._name(tree)
        if isinstance(tree, Cast):
            return self._cast(tree)
        if isinstance(tree, Case):
            return self._case(tree)
        if isinstance(tree, Field):
            return self._field(tree)
        if isinstance(tree, Lambda):
            self.say(ARGUMENTS, "a lambda can only be the argument of a list function",
                     tree.start, tree.end)  # fmt: skip
            return replace(tree, type=UNKNOWN)
        return tree

    def expect(self, tree: Tree, wanted: DataType) -> Tree:
        """The tree as a value of the type that its place wants."""
        quoted = isinstance(tree, Literal) and isinstance(tree.value, str)
        if quoted and wanted not in (BOOLEAN, STRING):
            return self.coerce(tree, wanted)
        if isinstance(tree.type, Unknown | Null) or implicit_cost(tree.type, wanted) is not None:
            return self.coerce(tree, wanted)
        help = "compare it with something: `… > 0`, `… is not null`" if wanted == BOOLEAN else None
        message = f"this is {_a(tree.type)}, but {_a(wanted)} is wanted here"
        self.say(RESULT_TYPE, message, tree.start, tree.end, help)
        return tree

    def months(self, tree: Tree) -> None:
        message = "months have no fixed length, so an interval of months is no value of its own"
        self.say(RESULT_TYPE, message, tree.start, tree.end, "add it to a date or a timestamp")

    def coerce(self, tree: Tree, wanted: DataType) -> Tree:
        """The tree as a value of this type, by what DuckDB does silently."""
        given = tree.type
        if given is wanted or given == wanted:
            return tree
        if isinstance(wanted, Unknown | Null) or isinstance(given, Unknown):
            return tree
        if isinstance(tree, Literal):
            if tree.value is None:
                return replace(tree, type=wanted)
            if isinstance(tree.value, str):
                return self._read(tree, wanted)
        return Cast(tree, wanted, "implicit", tree.start, tree.end, wanted)

    def _read(self, tree: Literal, wanted: DataType) -> Tree:
        """A quoted literal that takes the type of what stands beside it."""
        assert isinstance(tree.value, str)
        try:
            value = read_literal(tree.value, wanted)
        except (ValueError, OverflowError) as problem:
            self.say(BAD_LITERAL, f"`'{tree.value}'` is no {wanted}", tree.start, tree.end,
                     help=_sentence(problem))  # fmt: skip
            return replace(tree, type=UNKNOWN)
        if isinstance(value, Number) and isinstance(wanted, Decimal):
            natural = decimal_type(str(value))
            number = replace(tree, value=value, type=natural)
            return self.coerce(number, wanted)
        return replace(tree, value=value, type=wanted)

    def _literal(self, tree: Literal) -> Tree:
        kind = tree.type if not isinstance(tree.type, Unknown) else _literal_type(tree.value)
        return Literal(tree.value, tree.start, tree.end, kind)

    def _name(self, tree: Name) -> Tree:
        for depth in range(len(self.locals), 0, -1):
            kind = self.locals[depth - 1].get(tree.parts[0].text)
            if kind is not None:
                return self._fields(Local(tree.parts[0].text, tree.start, tree.parts[0].end, kind),
                                    tree, 1)  # fmt: skip
        found = resolve(tree, self.scope)
        if isinstance(found, Fault):
            self.faults.append(found)
            return Column(tree.parts[0].text, tree.start, tree.end, UNKNOWN)
        base, used = found
        return self._fields(base, tree, used)

    def _fields(self, base: Tree, tree: Name, used: int) -> Tree:
        """Applies what is left of a dotted name as fields of a struct."""
        for part in tree.parts[used:]:
            base = self._member(Field(base, part.text, tree.start, part.end, name_start=part.start))
        return base

    def _field(self, tree: Field) -> Tree:
        path = runtime_path(tree, self.scope)
        if path is not None:
            return self._name(path)
        return self._member(replace(tree, operand=self.visit(tree.operand)))

    def _member(self, tree: Field) -> Tree:
        kind = tree.operand.type
        if isinstance(kind, Unknown | Null):
            return replace(tree, type=kind)
        if not isinstance(kind, Struct):
            message = f"{_a(kind)} has no fields"
            self.say(UNKNOWN_FIELD, message, tree.name_start, tree.end)
            return replace(tree, type=UNKNOWN)
        for field in kind.fields:
            if field.name == tree.name:
                return replace(tree, type=field.type)
        names = [field.name for field in kind.fields]
        message = f"the struct has no field `{tree.name}`"
        self.say(UNKNOWN_FIELD, message, tree.name_start, tree.end, _near(tree.name, names))
        return replace(tree, type=UNKNOWN)

    def _cast(self, tree: Cast) -> Tree:
        operand = self.visit(tree.operand)
        if tree.kind == "typed":
            assert isinstance(operand, Literal)
            return replace(self._read(operand, tree.to), start=tree.start, end=tree.end)
        if not fits_cast(operand.type, tree.to):
            message = f"{_a(operand.type)} cannot be cast to {tree.to}"
            self.say(OPERAND_TYPES, message, tree.start, tree.end)
        return replace(tree, operand=operand, type=tree.to)

    def _case(self, tree: Case) -> Tree:
        branches = [(self._condition(when), self.visit(then)) for when, then in tree.branches]
        otherwise = self.visit(tree.otherwise)
        results = [*(then for _, then in branches), otherwise]
        kind = unify(results)
        if kind is None:
            self._odd_result(results)
            return replace(tree, type=UNKNOWN)
        return replace(
            tree,
            branches=tuple((when, self.coerce(then, kind)) for when, then in branches),
            otherwise=self.coerce(otherwise, kind),
            type=kind,
        )

    def _condition(self, tree: Tree) -> Tree:
        condition = self.visit(tree)
        if isinstance(condition.type, Boolean | Unknown | Null):
            return self.coerce(condition, BOOLEAN)
        message = f"the condition is {_a(condition.type)}, but {_a(BOOLEAN)} is wanted here"
        self.say(OPERAND_TYPES, message, condition.start, condition.end)
        return condition

    def _odd_result(self, results: Sequence[Tree]) -> None:
        first = next(tree for tree in results if not isinstance(tree.type, Null))
        for tree in results:
            if unify((first, tree)) is None:
                message = f"this branch is {_a(tree.type)}, but the first one is {_a(first.type)}"
                help = "all branches need one type; add a cast"
                self.say(OPERAND_TYPES, message, tree.start, tree.end, help)
                return

    def _call(self, tree: Call) -> Tree:
        path = runtime_path(tree, self.scope)
        if path is not None:
            return self._name(path)
        if tree.name == "->":
            refused = self._arrow(tree)
            if refused is not None:
                return refused
        function = BY_NAME.get(tree.name)
        if function is None:
            return self._special(tree)
        arguments = self._arguments(tree)
        if any(tree.names) and not function.named:
            message = f"`{function.name}` takes no named arguments"
            self.say(ARGUMENTS, message, tree.start, tree.end)
            return replace(tree, name=function.name, arguments=arguments, type=UNKNOWN)
        return self._apply(tree, function, arguments)

    def _arrow(self, tree: Call) -> Tree | None:
        """`->` reads JSON here and binds loosest; it makes no lambda any more."""
        left, right = tree.arguments
        if isinstance(right, Literal):
            return None
        name = left.parts[0].text if isinstance(left, Name) and len(left.parts) == 1 else "x"
        help = f"a lambda is written `lambda {name}: …`; JSON is read as `(doc -> 'field') = …`"
        message = "`->` takes the name of a field or a place, written out"
        self.say(ARGUMENTS, message, right.start, right.end, help)
        return replace(tree, type=UNKNOWN)

    def called(self, tree: Call, function: Function) -> Tree:
        """A call of this function, whose arguments are not checked yet."""
        return self._apply(tree, function, self._arguments(tree))

    def _arguments(self, tree: Call) -> tuple[Tree, ...]:
        found: list[Tree] = []
        for argument in tree.arguments:
            if isinstance(argument, Lambda) and found:
                found.append(self._lambda(argument, found[0].type))
            else:
                found.append(self.visit(argument))
        return tuple(found)

    def _lambda(self, tree: Lambda, source: DataType) -> Tree:
        item = source.item if isinstance(source, List) else UNKNOWN
        if len(tree.parameters) > 1:
            self.say(ARGUMENTS, "a lambda has one parameter here: the item of the list",
                     tree.start, tree.end)  # fmt: skip
        with self._bound(dict.fromkeys(tree.parameters, item)):
            body = self.visit(tree.body)
        self._only_its_own(tree, body)
        return replace(tree, body=body, type=body.type)

    def _only_its_own(self, tree: Lambda, body: Tree) -> None:
        """A lambda is computed over the items of a list, where no other column is at hand."""
        for node in walk(body):
            outer = isinstance(node, Local) and node.name not in tree.parameters
            if (outer and len(self.locals) > 0) or isinstance(node, Column | Runtime):
                if isinstance(node, Column) and isinstance(node.type, Unknown):
                    continue
                help = "constants such as `params.x` are seen, too"
                message = "a lambda sees its parameter alone, not the record's other columns"
                self.say(ARGUMENTS, message, node.start, node.end, help)

    @contextmanager
    def _bound(self, names: dict[str, DataType]) -> Iterator[None]:
        self.locals.append(names)
        yield
        self.locals.pop()

    def _apply(self, tree: Call, function: Function, arguments: tuple[Tree, ...]) -> Tree:
        """Chooses the signature that fits best and converts the arguments to what it takes."""
        chosen = choose(function, arguments)
        if not isinstance(chosen, tuple):
            tree = replace(tree, name=function.name, arguments=arguments, type=UNKNOWN)
            self._mismatch(tree, function, chosen)
            return tree
        index, match = chosen
        arguments = tuple(map(self.coerce, arguments, match.parameters))
        result = match.result
        if function.name == "struct_pack":
            result = pack_type(tree.names, arguments)
        wrong = function.verify(arguments) if function.verify is not None else None
        if wrong is not None:
            culprit = arguments[wrong[0]]
            self.say(PATTERN, wrong[1], culprit.start, culprit.end)
        # Not `replace`, which takes ten times as long and would be felt in large documents.
        return Call(function.name, arguments, tree.start, tree.end, result, tree.names,
                    tree.name_start, tree.name_end, index)  # fmt: skip

    def _mismatch(self, tree: Call, function: Function, reason: str | None) -> None:
        kinds = [argument.type for argument in tree.arguments]
        fitting = [s for s in function.signatures if s.fits(len(kinds))]
        if not fitting:
            wrong_count = f"does not take {_count(len(kinds))}" if kinds else "needs an argument"
            message = f"`{function.name}` {wrong_count}"
            self.say(ARGUMENTS, message, tree.start, tree.end, help=_usage(function))
            return
        if any(isinstance(kind, Unknown) for kind in kinds):
            return
        loose = _not_literal(fitting, tree.arguments)
        if loose is not None:
            message = f"this argument of `{function.name}` must be a literal"
            self.say(ARGUMENTS, message, loose.start, loose.end, help=_usage(function))
            return
        if reason is not None:
            self.say(OPERAND_TYPES, reason, tree.start, tree.end)
            return
        self._wrong_types(tree, function, fitting, kinds)

    def _wrong_types(
        self, tree: Call, function: Function, fitting: list[Signature], kinds: list[DataType]
    ) -> None:
        shown = " and ".join(_a(kind) for kind in kinds)
        if (function.family in ("arithmetic", "logic") and not function.name.islower()) or (
            function.name.startswith(("is", "in", "between"))
        ):
            message = f"`{function.name}` does not go with {shown}"
            self.say(OPERAND_TYPES, message, tree.start, tree.end, help=_mend(tree.arguments))
            return
        wrong = _culprit(fitting, tree.arguments)
        if wrong is None:
            message = f"`{function.name}` does not take {shown} together"
            self.say(OPERAND_TYPES, message, tree.start, tree.end, help=_usage(function))
            return
        message = f"`{function.name}` does not take {_a(wrong.type)} here"
        self.say(OPERAND_TYPES, message, wrong.start, wrong.end, help=_usage(function))

    def _special(self, tree: Call) -> Tree:
        """Functions that belong to a place, and those that do not exist."""
        name, here = tree.name, self.scope
        start, end = tree.name_start, tree.name_end
        for argument in tree.arguments:
            if not isinstance(argument, Lambda):
                self.visit(argument)
        if name in STATUS or name in SOURCE or name == "now":
            if tree.arguments:
                self.say(ARGUMENTS, f"`{name}` takes no arguments", tree.start, tree.end)
            return self._placed(tree)
        if name in UNREPEATABLE:
            message = f"the result of `{name}` would change from run to run"
            self.say(NOT_REPEATABLE, message, start, end, help=UNREPEATABLE[name])
        elif name in AGGREGATES:
            message = f"`{name}` looks at many records; an expression sees one record"
            help = AGGREGATES[name]
            if name in HORIZONTAL:
                help += f", or `{HORIZONTAL[name]}` for values of this record"
            self.say(AGGREGATE, message, start, end, help)
        else:
            names = [*BY_NAME, *(SOURCE if here.source else ()), *(STATUS if here.status else ())]
            message = f"unknown function `{self.text[start:end]}`"
            fallback = "`flowctl kinds functions` lists them all"
            self.say(UNKNOWN_FUNCTION, message, start, end, _near(name, names) or fallback)
        return replace(tree, type=UNKNOWN)

    def _placed(self, tree: Call) -> Tree:
        name, here = tree.name, self.scope
        if name == "now":
            from flowctl.expressions.moments import NOW_TYPE

            if here.now is None:
                return replace(tree, type=NOW_TYPE)
            return Literal(here.now, tree.start, tree.end, NOW_TYPE)
        legal = here.status if name in STATUS else here.source
        if not legal:
            where = "a step's `if`" if name in STATUS else "a stream that reads files"
            message = f"`{name}()` exists only in {where}"
            self.say(NOT_HERE, message, tree.start, tree.end)
        kind = BOOLEAN if name in STATUS else STRING if name == "source_file" else INT64
        return replace(tree, type=kind)


def _literal_type(value: Scalar) -> DataType:
    """The type of a literal as it stands in the text, without anything beside it."""
    match value:
        case None:
            return NULL
        case bool():
            return BOOLEAN
        case str():
            return STRING
        case int():
            return literal_type(value)
        case Months():
            return Interval()
        case dt.timedelta():
            return Duration()
        case _:
            return UNKNOWN


def _not_literal(signatures: list[Signature], arguments: Sequence[Tree]) -> Tree | None:
    for signature in signatures:
        for parameter, argument in zip(signature.parameters, arguments, strict=False):
            if isinstance(parameter, Fixed) and not isinstance(argument, Literal):
                return argument
    return None


def _culprit(signatures: list[Signature], arguments: Sequence[Tree]) -> Tree | None:
    """The one argument that fits nowhere; None where it is their combination."""
    from flowctl.expressions.functions.signature import may_be

    for index, argument in enumerate(arguments):
        if not any(may_be(signature, index, argument) for signature in signatures):
            return argument
    return arguments[0] if len(arguments) == 1 else None


def _usage(function: Function) -> str:
    if not function.name.replace("_", "").isalnum() or function.name in ("and", "or", "not"):
        wanted = " or ".join(str(signature) for signature in function.signatures[:4])
        return f"`{function.name}` goes with {wanted}"
    shown = " or ".join(f"`{function.name}{signature}`" for signature in function.signatures[:4])
    return f"it is called as {shown}"


def _mend(arguments: Sequence[Tree]) -> str | None:
    kinds = [argument.type for argument in arguments]
    if STRING in kinds and any(kind != STRING for kind in kinds):
        index = kinds.index(STRING)
        text = arguments[index]
        other = next(kind for kind in kinds if kind != STRING)
        if isinstance(text, Literal) and isinstance(text.value, str):
            try:
                read_literal(text.value, other)
            except ValueError:
                return "numbers go with numbers, text with text; say what you mean with a `cast`"
            if not isinstance(other, Boolean):
                return f"write `{text.value}` without quotes"
    return "numbers go with numbers, otherwise like with like; say what you mean with a `cast`"


def _near(name: str, names: Sequence[str]) -> str | None:
    near = nearest(name, list(names))
    if near is not None:
        return f"did you mean `{near}`?"
    return f"there is {', '.join(f'`{known}`' for known in names)}" if len(names) < 12 else None


def _a(kind: DataType) -> str:
    """The type with its article."""
    word = str(kind)
    return f"{'an' if word[0] in 'aeio' else 'a'} {word}" if word != "null" else "null"


def _count(count: int) -> str:
    return "one argument" if count == 1 else f"{count} arguments"


def _sentence(problem: Exception) -> str:
    text = str(problem)
    return text[:1].lower() + text[1:]
