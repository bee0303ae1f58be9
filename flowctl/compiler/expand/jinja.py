"""Jinja's expressions: read by Jinja's own parser, evaluated here, within bounds.

Evaluating the tree ourselves keeps what a template may do to what is written in this file (no
attribute of a Python object can be reached), bounds every step, and gives each fault the column of
the very name that is wrong. Only this module and `jinja_syntax` import jinja2.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import cast

from jinja2 import nodes
from jinja2.filters import FILTERS
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from flowctl.codes.templates import TEMPLATE_FAILS, TEMPLATE_SYNTAX, UNDEFINED
from flowctl.compiler.expand.bounds import foresee, foresee_call, listed, plain, sized
from flowctl.compiler.expand.faults import TemplateFault, Unavailable
from flowctl.compiler.expand.jinja_syntax import Parsed, read
from flowctl.compiler.expand.names import Names, undefined
from flowctl.dataclass import dataclass
from flowctl.diagnostics import nearest
from flowctl.expressions.scope import NotYet
from flowctl.syntax.node import Json

ALLOWED_FILTERS = (
    *(
        "abs",
        "batch",
        "capitalize",
        "center",
        "count",
        "d",
        "default",
        "dictsort",
        "first",
        "float",
    ),
    *("int", "items", "join", "last", "length", "list", "lower", "map", "max", "min", "reject"),
    *("rejectattr", "replace", "reverse", "round", "select", "selectattr", "slice", "sort"),
    *("string", "sum", "title", "tojson", "trim", "truncate", "unique", "upper", "urlencode"),
    "wordcount",
)
TEXT_METHODS = (
    *("capitalize", "center", "count", "endswith", "find", "isalpha", "isdigit", "join", "ljust"),
    *("lower", "lstrip", "removeprefix", "removesuffix", "replace", "rjust", "rsplit", "rstrip"),
    *("split", "splitlines", "startswith", "strip", "title", "upper", "zfill"),
)
MAPPING_METHODS = ("get", "items", "keys", "values")
LIST_METHODS = ("count", "index")

_BINARY: dict[type[nodes.BinExpr], tuple[str, Callable[[object, object], object]]] = {
    nodes.Add: ("+", operator.add),
    nodes.Sub: ("-", operator.sub),
    nodes.Mul: ("*", operator.mul),
    nodes.Div: ("/", operator.truediv),
    nodes.FloorDiv: ("//", operator.floordiv),
    nodes.Mod: ("%", operator.mod),
    nodes.Pow: ("**", operator.pow),
}
_COMPARE: dict[str, Callable[[object, object], object]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,  # type: ignore[dict-item]
    "lteq": operator.le,  # type: ignore[dict-item]
    "gt": operator.gt,  # type: ignore[dict-item]
    "gteq": operator.ge,  # type: ignore[dict-item]
    "in": lambda left, right: left in right,  # type: ignore[operator]
    "notin": lambda left, right: left not in right,  # type: ignore[operator]
}


# What only takes a value from where it is held makes nothing that could be too large.
_STORED = (nodes.Name, nodes.Getattr, nodes.Getitem)


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a text, list or mapping, waiting for its call."""

    subject: object
    name: str


@dataclass(slots=True)
class Jinja:
    """Evaluates expressions; each text is parsed once.

    `functions` may be called by name, `filters` stand beside Jinja's own.
    """

    functions: Mapping[str, Callable[..., object]]
    filters: Mapping[str, Callable[..., object]]
    _environment: ImmutableSandboxedEnvironment = field(init=False)
    _parsed: dict[str, Parsed | TemplateFault] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._environment = ImmutableSandboxedEnvironment(keep_trailing_newline=True)
        own = {name: FILTERS[name] for name in ALLOWED_FILTERS}
        self._environment.filters = {**own, **self.filters}
        self._environment.tests.pop("filter", None)
        self._environment.tests.pop("test", None)

    def evaluate(self, expression: str, names: Names) -> Json | NotYet:
        """The value of an expression; raises TemplateFault, or Unavailable."""
        parsed = self._parsed.get(expression)
        if parsed is None:
            try:
                parsed = read(expression, self._environment)
            except TemplateFault as fault:
                parsed = fault
            self._parsed[expression] = parsed
        if isinstance(parsed, TemplateFault):
            raise parsed
        evaluation = _Evaluation(self, self._environment, names, parsed)
        try:
            return plain(evaluation.value(parsed.tree))
        except RecursionError:
            raise TemplateFault(TEMPLATE_FAILS, "the expression nests too deep") from None


@dataclass(slots=True)
class _Evaluation:
    """One walk over one tree."""

    engine: Jinja
    environment: ImmutableSandboxedEnvironment
    names: Names
    parsed: Parsed

    def value(self, node: nodes.Node) -> object:
        """The value of a tree; raises TemplateFault, or Unavailable."""
        try:
            found = self._value(node)
            if isinstance(found, NotYet):
                raise Unavailable
            return found if isinstance(node, _STORED) else sized(found)
        except TemplateFault as fault:
            raise self._placed(fault, node) from None
        except (Unavailable, RecursionError):
            raise
        except Exception as error:  # operators and filters refuse their operands in many ways
            raise self._placed(_failure(error), node) from None

    def _value(self, node: nodes.Node) -> object:  # noqa: C901  # one line a sort of node
        match node:
            case nodes.Const():
                return node.value
            case nodes.Name():
                return self._name(node)
            case nodes.Getattr():
                return self._member(node, node.attr, self._place(node.attr, node.lineno))
            case nodes.Getitem():
                return self._item(node)
            case nodes.List() | nodes.Tuple():
                return [self.value(item) for item in node.items]
            case nodes.Dict():
                return {self._key(pair.key): self.value(pair.value) for pair in node.items}
            case nodes.CondExpr():
                return self._condition(node)
            case nodes.And():
                return self.value(node.left) and self.value(node.right)
            case nodes.Or():
                return self.value(node.left) or self.value(node.right)
            case nodes.Not():
                return not self.value(node.node)
            case nodes.Neg():
                return -self.value(node.node)  # type: ignore[operator]
            case nodes.Pos():
                return +self.value(node.node)  # type: ignore[operator]
            case nodes.Concat():
                return _joined([self.value(part) for part in node.nodes])
            case nodes.Compare():
                return self._compare(node)
            case nodes.BinExpr():
                return self._binary(node)
            case nodes.Filter():
                return self._filter(node)
            case nodes.Test():
                return self._test(node)
            case nodes.Call():
                return self._call(node)
        raise TemplateFault(TEMPLATE_SYNTAX, "this cannot stand in a template")

    def _name(self, node: nodes.Name) -> object:
        if node.name in self.engine.functions:
            return self.engine.functions[node.name]
        return self.names.value(node.name, node.lineno)

    def _key(self, node: nodes.Node) -> str:
        key = self.value(node)
        if not isinstance(key, str):
            raise TemplateFault(TEMPLATE_FAILS, "the keys of a mapping must be text")
        return key

    def _member(self, node: nodes.Getattr, name: str, start: int) -> object:
        subject = self.value(node.node)
        if isinstance(subject, Mapping):
            if name in subject:
                return subject[name]
            if name in MAPPING_METHODS:
                return Method(subject, name)
            raise undefined(name, list(subject), start, _path(node.node), "names")
        if isinstance(subject, str) and name in TEXT_METHODS:
            return Method(subject, name)
        if isinstance(subject, list) and name in LIST_METHODS:
            return Method(subject, name)
        message = f"{_kind(subject)} has no `{name}`"
        raise TemplateFault(UNDEFINED, message, start, start + len(name))

    def _item(self, node: nodes.Getitem) -> object:
        subject = self.value(node.node)
        if isinstance(node.arg, nodes.Slice):
            parts = (node.arg.start, node.arg.stop, node.arg.step)
            bounds = slice(*(None if part is None else self.value(part) for part in parts))
            return subject[bounds]  # type: ignore[index]
        key = self.value(node.arg)
        start = node.arg.lineno
        if isinstance(subject, Mapping):
            if key in subject:
                return subject[key]
            fault = undefined(str(key), list(subject), start, _path(node.node), "names")
            fault.end = self.parsed.ends.get(start, start + 1)
            raise fault
        if isinstance(subject, list | str) and type(key) is int:
            if -len(subject) <= key < len(subject):
                return subject[key]
            message = f"there is no item {key}: there are {len(subject)}"
            raise TemplateFault(UNDEFINED, message, start, self.parsed.ends.get(start))
        raise TemplateFault(TEMPLATE_FAILS, f"{_kind(subject)} has no items by {_kind(key)}")

    def _condition(self, node: nodes.CondExpr) -> object:
        if self.value(node.test):
            return self.value(node.expr1)
        if node.expr2 is None:
            message = "the `if` has no `else`, so there is no value"
            raise TemplateFault(TEMPLATE_FAILS, message, help="add `else ...`")
        return self.value(node.expr2)

    def _compare(self, node: nodes.Compare) -> object:
        left = self.value(node.expr)
        for operand in node.ops:
            right = self.value(operand.expr)
            if not _COMPARE[operand.op](left, right):
                return False
            left = right
        return True

    def _binary(self, node: nodes.BinExpr) -> object:
        sign, compute = _BINARY[type(node)]
        left, right = self.value(node.left), self.value(node.right)
        foresee(sign, left, right)
        try:
            return compute(left, right)
        except TypeError:
            message = f"`{sign}` cannot take {_kind(left)} and {_kind(right)}"
            help = "`~` joins anything as text" if sign == "+" else None
            raise TemplateFault(TEMPLATE_FAILS, message, help=help) from None

    def _filter(self, node: nodes.Filter) -> object:
        if node.node is None:
            raise TemplateFault(TEMPLATE_SYNTAX, "a filter needs a value before it")
        if node.name not in self.environment.filters:
            raise self._unknown(node.name, list(self.environment.filters), node.lineno, "filter")
        arguments, named = self._arguments(node)
        if node.name in ("default", "d"):
            return self._default(node.node, arguments, named)
        subject = self.value(node.node)
        foresee_call(node.name, subject, [*arguments, *named.values()])
        context = Context(self.environment, {}, None, {})
        found = self.environment.call_filter(node.name, subject, arguments, named, context)
        return _concrete(found)

    def _default(
        self, node: nodes.Expr, arguments: list[object], named: dict[str, object]
    ) -> object:
        fallback = arguments[0] if arguments else named.get("default_value", "")
        falsy = (arguments[1:2] or [named.get("boolean", False)])[0]
        try:
            found = self.value(node)
        except TemplateFault as fault:
            if fault.code is UNDEFINED:
                return fallback
            raise
        return fallback if falsy and not found else found

    def _test(self, node: nodes.Test) -> object:
        if node.name in ("defined", "undefined"):
            return self._defined(node.node) is (node.name == "defined")
        if node.name not in self.environment.tests:
            start = self._place(node.name, node.lineno + len("is"))
            raise self._unknown(node.name, list(self.environment.tests), start, "test")
        arguments, named = self._arguments(node)
        return self.environment.call_test(node.name, self.value(node.node), arguments, named)

    def _defined(self, node: nodes.Expr) -> bool:
        try:
            self.value(node)
        except TemplateFault as fault:
            if fault.code is UNDEFINED:
                return False
            raise
        return True

    def _call(self, node: nodes.Call) -> object:
        target = self.value(node.node)
        arguments, named = self._arguments(node)
        if isinstance(target, Method):
            foresee_call(target.name, target.subject, [*arguments, *named.values()])
            return _concrete(getattr(target.subject, target.name)(*arguments, **named))
        if any(target is function for function in self.engine.functions.values()):
            try:
                return cast("Callable[..., object]", target)(*arguments, **named)
            except TemplateFault as fault:
                first = node.args[0].lineno if node.args else node.lineno
                fault.start = first if fault.start is None else fault.start
                fault.end = fault.end or self.parsed.ends.get(first)
                raise
        raise TemplateFault(TEMPLATE_FAILS, f"{_kind(target)} cannot be called")

    def _arguments(
        self, node: nodes.Filter | nodes.Test | nodes.Call
    ) -> tuple[list[object], dict[str, object]]:
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            raise TemplateFault(TEMPLATE_SYNTAX, "`*` and `**` cannot stand before an argument")
        named = {str(pair.key): self.value(pair.value) for pair in node.kwargs}
        return [self.value(argument) for argument in node.args], named

    def _place(self, name: str, offset: int) -> int:
        """Where a name stands that comes at or behind an offset."""
        return max(self.parsed.text.find(name, offset), offset)

    def _unknown(self, name: str, legal: list[str], start: int, what: str) -> TemplateFault:
        near = nearest(name, legal)
        help = f"did you mean `{near}`?" if near else None
        message = f"there is no {what} `{name}`"
        return TemplateFault(UNDEFINED, message, start, start + len(name), help)

    def _placed(self, fault: TemplateFault, node: nodes.Node) -> TemplateFault:
        """The fault with a place: that of the innermost part that failed, where it has none."""
        if fault.start is None and node.lineno is not None and not isinstance(node, nodes.BinExpr):
            fault.start = node.lineno
            fault.end = self.parsed.ends.get(node.lineno)
        return fault


def _concrete(found: object) -> object:
    if isinstance(found, Undefined):
        raise TemplateFault(UNDEFINED, "there is no such value: the list is empty")
    if isinstance(found, Iterator) or type(found).__name__ in (
        "dict_items",
        "dict_keys",
        "dict_values",
    ):
        return listed(found)  # type: ignore[arg-type]
    return found


def _joined(parts: list[object]) -> str:
    return "".join(part if isinstance(part, str) else _word(part) for part in parts)


def _word(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _path(node: nodes.Node) -> str:
    """The way to a value as the author wrote it, with a dot at its end."""
    if isinstance(node, nodes.Name):
        return f"{node.name}."
    if isinstance(node, nodes.Getattr):
        return f"{_path(node.node)}{node.attr}."
    return ""


def _kind(value: object) -> str:
    words = {str: "a text", bool: "a boolean", int: "a number", float: "a number", list: "a list"}
    return words.get(type(value), "null" if value is None else "a mapping")


def _failure(error: Exception) -> TemplateFault:
    if isinstance(error, ZeroDivisionError):
        return TemplateFault(TEMPLATE_FAILS, "a division by zero")
    reason = " ".join(str(error).split()) or type(error).__name__
    for python, word in (
        ("'str'", "text"),
        ("'int'", "a number"),
        ("'float'", "a number"),
        ("'list'", "a list"),
        ("'dict'", "a mapping"),
        ("'NoneType'", "null"),
        ("'bool'", "a boolean"),
    ):
        reason = reason.replace(python, word)
    return TemplateFault(TEMPLATE_FAILS, f"{reason[:1].lower()}{reason[1:160]}")
