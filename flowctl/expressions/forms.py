"""The constructs of SQL that begin with a word of their own: `case`, casts, intervals, `lambda`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from typing import Literal as OneOf

from flowctl.codes.expressions import AGGREGATE, BAD_LITERAL, NOT_SCALAR
from flowctl.diagnostics import Fault
from flowctl.expressions import typenames
from flowctl.expressions.literals import read_interval
from flowctl.expressions.operators import Binding
from flowctl.expressions.sqltypes import SQL_TYPES
from flowctl.expressions.tokens import SyntaxFault, Token, syntax_fault
from flowctl.expressions.tree import Call, Case, Cast, Lambda, Literal, Tree
from flowctl.records import DataType

if TYPE_CHECKING:
    from flowctl.expressions.parse import Parser

_TYPED: Final = ("date", "time", "timestamp", "timestamptz", "datetime")
_UNIT: Final = re.compile(
    r"(microsecond|millisecond|second|minute|hour|day|week|month|quarter|year|decade"
    r"|century|centurie|millennium|millennia)s?"
)
UNITS: Final = {"centurie": "centuries", "century": "centuries", "millennium": "millennia",
                "millennia": "millennia"}  # fmt: skip


def struct(parser: Parser) -> Tree:
    """`{'a': 1, b: 2}`."""
    opening = parser.expect("{", "")
    names: list[str | None] = []
    values: list[Tree] = []
    while not parser.at("}"):
        key = parser.token
        if key.kind not in ("string", "name", "quoted"):
            raise parser.unexpected("the name of a field should stand here, as in `{'a': 1}`")
        parser.position += 1
        parser.expect(":", "behind the name of a field")
        name = key.value if key.kind == "string" else parser.raw_name(key)
        if name in names:
            raise syntax_fault(f"the field `{name}` stands twice", key.start, key.end)
        names.append(name)
        values.append(parser.expression())
        if not parser.accept(","):
            break
    closing = parser.expect("}", "or a comma")
    return Call("struct_pack", tuple(values), opening.start, closing.end,
                names=tuple(names), name_start=opening.start, name_end=opening.end)  # fmt: skip


def _case(parser: Parser, head: Token) -> Tree:
    parser.position += 1
    subject = None if parser.at("when") else parser.expression()
    branches: list[tuple[Tree, Tree]] = []
    while when := parser.accept("when"):
        condition = parser.expression()
        if subject is not None:
            condition = Call("=", (subject, condition), condition.start, condition.end,
                             name_start=when.start, name_end=when.end)  # fmt: skip
        parser.expect("then", "behind the condition")
        branches.append((condition, parser.expression()))
    if not branches:
        raise parser.unexpected("`when` should stand here")
    otherwise: Tree = Literal(None, parser.token.start, parser.token.start)
    if parser.accept("else"):
        otherwise = parser.expression()
    end = parser.expect("end", "to close the `case`")
    return Case(tuple(branches), otherwise, head.start, end.end)


def _if(parser: Parser, head: Token) -> Tree | None:
    """`if(condition, a, b)` is a `case`."""
    if parser.peek().value != "(":
        return None
    parser.position += 1
    call = parser.call("if", head, ")") if parser.accept("(") else None
    if not isinstance(call, Call):
        return call
    if len(call.arguments) not in (2, 3):
        message = "`if` takes a condition, a value, and a value where the condition is not true"
        raise syntax_fault(message, call.start, call.end, "if(a > 1, 'many', 'one')")
    condition, value, *rest = call.arguments
    otherwise = rest[0] if rest else Literal(None, call.end - 1, call.end - 1)
    return Case(((condition, value),), otherwise, call.start, call.end)


def _cast(parser: Parser, head: Token) -> Tree | None:
    if parser.peek().value != "(":
        return None
    parser.position += 2
    operand = parser.expression()
    parser.expect("as", "before the type, as in `cast(a as integer)`")
    kind = typenames.type_name(parser)
    end = parser.expect(")", "behind the type")
    sort: OneOf["try", "cast"] = "try" if head.value == "try_cast" else "cast"
    return Cast(operand, kind, sort, head.start, end.end)


def _typed(parser: Parser, head: Token) -> Tree | None:
    """`date '2013-01-01'`; otherwise `date` is a name like any other."""
    start = parser.position
    kind: DataType = SQL_TYPES[head.value]
    parser.position += 1
    if head.value in ("timestamp", "time"):
        kind = typenames.with_zone(parser, kind)
    text = parser.token
    if text.kind != "string":
        parser.position = start
        return None
    parser.position += 1
    literal = Literal(text.value, text.start, text.end)
    return Cast(literal, kind, "typed", head.start, text.end)


def _interval(parser: Parser, head: Token) -> Tree | None:
    following = parser.peek()
    if following.kind not in ("string", "number") and following.value != "(":
        return None
    start = parser.position
    parser.position += 1
    amount = parser.atom()
    unit = parser.token
    found = _UNIT.fullmatch(unit.value) if unit.kind == "name" else None
    if found:
        parser.position += 1
        name = UNITS.get(found[1], found[1] + "s")
        if isinstance(amount, Literal):
            text = f"{amount.value!s} {name}"
            return _interval_literal(text, head.start, unit.end)
        return Call(f"to_{name}", (amount,), head.start, unit.end,
                    name_start=head.start, name_end=head.end)  # fmt: skip
    if following.kind == "string":
        return _interval_literal(following.value, head.start, following.end)
    if following.value == "(":
        parser.position = start
        return None
    raise parser.unexpected("a unit should stand here, as in `interval 5 minutes`")


def _interval_literal(text: str, start: int, end: int) -> Tree:
    value = read_interval(text)
    if value is None:
        message = f"`{text}` is no interval"
        help = "write it as `interval '1 month 2 days'` or `interval 5 minutes`"
        raise SyntaxFault(Fault(BAD_LITERAL, message, start=start, end=end, help=help))
    return Literal(value, start, end)


def _extract(parser: Parser, head: Token) -> Tree | None:
    if parser.peek().value != "(":
        return None
    parser.position += 2
    part = parser.token
    if part.kind not in ("name", "quoted", "string"):
        raise parser.unexpected("a part of a date should stand here, as in `extract(year from d)`")
    parser.position += 1
    parser.expect("from", "as in `extract(year from d)`")
    operand = parser.expression()
    end = parser.expect(")", "to close `extract`")
    name = Literal(part.value.lower(), part.start, part.end)
    return Call("date_part", (name, operand), head.start, end.end,
                name_start=head.start, name_end=head.end)  # fmt: skip


def _substring(parser: Parser, head: Token) -> Tree | None:
    """`substring(a from 1 for 2)`, beside the plain call."""
    start = parser.position
    if parser.peek().value != "(":
        return None
    parser.position += 2
    text = parser.expression()
    if not parser.at("from", "for"):
        parser.position = start
        return None
    first: Tree = Literal(1, parser.token.start, parser.token.start)
    if parser.accept("from"):
        first = parser.expression()
    arguments = [text, first]
    if parser.accept("for"):
        arguments.append(parser.expression())
    end = parser.expect(")", "to close `substring`")
    return Call("substring", tuple(arguments), head.start, end.end,
                name_start=head.start, name_end=head.end)  # fmt: skip


def _trim(parser: Parser, head: Token) -> Tree | None:
    """`trim(both 'x' from a)`, beside the plain call."""
    side = parser.peek(2).value
    if parser.peek().value != "(" or side not in ("both", "leading", "trailing"):
        return None
    parser.position += 3
    marks = None if parser.at("from") else parser.expression()
    parser.expect("from", "as in `trim(both ' ' from a)`")
    text = parser.expression()
    end = parser.expect(")", "to close `trim`")
    name = {"both": "trim", "leading": "ltrim", "trailing": "rtrim"}[side]
    arguments = (text,) if marks is None else (text, marks)
    return Call(name, arguments, head.start, end.end,
                name_start=head.start, name_end=head.end)  # fmt: skip


def _position(parser: Parser, head: Token) -> Tree | None:
    """`position('a' in b)`, beside the plain call."""
    start = parser.position
    if parser.peek().value != "(":
        return None
    parser.position += 2
    needle = parser.expression(Binding.OTHER)
    if not parser.accept("in"):
        parser.position = start
        return None
    text = parser.expression(Binding.OTHER)
    end = parser.expect(")", "to close `position`")
    return Call("position", (text, needle), head.start, end.end,
                name_start=head.start, name_end=head.end)  # fmt: skip


def _array(parser: Parser, head: Token) -> Tree | None:
    if parser.peek().value != "[":
        return None
    parser.position += 2
    return parser.call("list_value", head, "]")


def _lambda(parser: Parser, head: Token) -> Tree:
    parser.position += 1
    names: list[str] = []
    while True:
        token = parser.token
        if token.kind not in ("name", "quoted"):
            raise parser.unexpected("a name should stand here, as in `lambda x: x + 1`")
        names.append(parser.raw_name(token))
        parser.position += 1
        if not parser.accept(","):
            break
    parser.expect(":", "as in `lambda x: x + 1`")
    body = parser.expression()
    return Lambda(tuple(names), body, head.start, body.end)


def _constant(parser: Parser, head: Token) -> Tree:
    parser.position += 1
    value = {"true": True, "false": False, "null": None}[head.value]
    return Literal(value, head.start, head.end)


def _exists(parser: Parser, head: Token) -> Tree:
    message = "a sub-query has no meaning here: use a `join` with how: semi"
    raise SyntaxFault(Fault(NOT_SCALAR, message, start=head.start, end=head.end))


SPECIAL: Final[dict[str, Callable[[Parser, Token], Tree | None]]] = {
    "case": _case,
    "if": _if,
    "cast": _cast,
    "try_cast": _cast,
    **dict.fromkeys(_TYPED, _typed),
    "interval": _interval,
    "extract": _extract,
    "substring": _substring,
    "trim": _trim,
    "position": _position,
    "array": _array,
    "lambda": _lambda,
    **dict.fromkeys(("true", "false", "null"), _constant),
    "exists": _exists,
}


def aggregate_arguments(parser: Parser, name: str, head: Token) -> Tree:
    """`count(*)`, `sum(distinct a)`: only aggregates take these."""
    message = f"`{name}` with `{parser.token.value}` counts over many records; "
    message += "an expression sees one record"
    help = "use the transform `aggregate`"
    raise SyntaxFault(Fault(AGGREGATE, message, start=head.start, end=parser.token.end, help=help))


def refuse_window(parser: Parser, name: str, head: Token) -> None:
    """`over` behind a call makes a window function of it."""
    if parser.at("over", "filter") and parser.peek().value == "(":
        message = f"`{name}(…) {parser.token.value}` looks at many records; "
        message += "an expression sees one record"
        help = (
            "use the transform `window`" if parser.at("over") else "use the transform `aggregate`"
        )
        end = parser.token.end
        raise SyntaxFault(Fault(AGGREGATE, message, start=head.start, end=end, help=help))
