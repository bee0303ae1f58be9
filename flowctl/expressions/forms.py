"""The constructs of SQL that have a grammar of their own: `case`, casts, intervals, `in`, types."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, Literal as OneOf

from flowctl.codes.expressions import AGGREGATE, BAD_LITERAL, NOT_SCALAR, UNKNOWN_TYPE
from flowctl.diagnostics import Fault, nearest
from flowctl.expressions.operators import Binding
from flowctl.expressions.sqltypes import SQL_TYPES, UTC
from flowctl.expressions.tokens import SyntaxFault, Token, syntax_fault
from flowctl.expressions.tree import Call, Case, Cast, Lambda, Literal, Tree
from flowctl.records import Boolean, Column, DataType, Datetime, Decimal, List, String, Struct

if TYPE_CHECKING:
    from flowctl.expressions.parse import Parser

_TYPED: Final = ("date", "time", "timestamp", "timestamptz", "datetime")
_UNIT: Final = re.compile(
    r"(microsecond|millisecond|second|minute|hour|day|week|month|quarter|year|decade"
    r"|century|centurie|millennium|millennia)s?"
)
UNITS: Final = {"centurie": "centuries", "century": "centuries", "millennium": "millennia",
                "millennia": "millennia"}  # fmt: skip


def is_membership(first: Token, last: Token, tree: Tree) -> bool:
    """Whether the suffix was `in`, `like` or `between`, which cannot follow each other."""
    return first.value not in ("is", "isnull", "notnull", "at")


def suffix(parser: Parser, tree: Tree, least: Binding, member: bool) -> Tree | None:
    """`is null`, `between`, `in`, `like`, `at time zone`; None where the word belongs outside."""
    word = parser.token.value
    if word == "at":
        return _at_time_zone(parser, tree) if least <= Binding.ZONE else None
    if word in ("is", "isnull", "notnull"):
        return _is(parser, tree) if least <= Binding.COMPARISON else None
    if least > Binding.MEMBERSHIP:
        return None
    if member:
        raise parser.unexpected()
    return _membership(parser, tree)


def _call(parser: Parser, name: str, arguments: tuple[Tree, ...], head: Token) -> Call:
    return Call(name, arguments, arguments[0].start, parser.previous.end,
                name_start=head.start, name_end=parser.previous.end)  # fmt: skip


def _is(parser: Parser, tree: Tree) -> Tree:
    head = parser.token
    parser.position += 1
    if head.value in ("isnull", "notnull"):
        return _call(parser, "is null" if head.value == "isnull" else "is not null", (tree,), head)
    negated = "is not" if parser.accept("not") else "is"
    if parser.accept("null", "unknown"):
        return _call(parser, f"{negated} null", (tree,), head)
    for word in ("true", "false"):
        if parser.accept(word):
            return _call(parser, f"{negated} {word}", (tree,), head)
    if parser.accept("distinct"):
        parser.expect("from", "as in `is distinct from`")
        name_end = parser.previous.end
        right = parser.expression(Binding.COMPARISON)
        return Call(f"{negated} distinct from", (tree, right), tree.start, right.end,
                    name_start=head.start, name_end=name_end)  # fmt: skip
    raise parser.unexpected("`null`, `true`, `false` or `distinct from` should stand behind `is`")


def _at_time_zone(parser: Parser, tree: Tree) -> Tree:
    head = parser.token
    parser.position += 1
    parser.expect("time", "as in `at time zone`")
    parser.expect("zone", "as in `at time zone`")
    zone = parser.expression(Binding.SIGN)
    return Call("timezone", (zone, tree), tree.start, zone.end,
                name_start=head.start, name_end=parser.previous.end)  # fmt: skip


def _membership(parser: Parser, tree: Tree) -> Tree:
    head = parser.token
    negated = parser.accept("not") is not None
    word = parser.token
    parser.position += 1
    if word.value == "between" and word.kind == "name":
        low = parser.expression(Binding.OTHER)
        parser.expect("and", "between the bounds")
        high = parser.expression(Binding.OTHER)
        return _negated(parser, negated, "between", (tree, low, high), head)
    if word.value == "in" and word.kind == "name":
        return _in(parser, tree, negated, head)
    if word.value in ("like", "ilike", "glob") and word.kind == "name":
        right = parser.expression(Binding.OTHER)
        name = word.value
        if name == "glob":
            return _negated(parser, negated, name, (tree, right), head)
        name = f"not {name}" if negated else name
        if parser.at("escape"):
            return escaped_like(parser, name, head, tree, right)
        return Call(name, (tree, right), tree.start, right.end,
                    name_start=head.start, name_end=word.end)  # fmt: skip
    if word.value == "similar" and word.kind == "name":
        parser.expect("to", "as in `similar to`")
        right = parser.expression(Binding.OTHER)
        return _negated(parser, negated, "regexp_full_match", (tree, right), head)
    parser.position -= 1
    raise parser.unexpected()


def _negated(
    parser: Parser, negated: bool, name: str, arguments: tuple[Tree, ...], head: Token
) -> Tree:
    inner = _call(parser, name, arguments, head)
    return _call(parser, "not", (inner,), head) if negated else inner


def _in(parser: Parser, tree: Tree, negated: bool, head: Token) -> Tree:
    opening = parser.accept("(")
    if opening is None:
        right = parser.expression(Binding.OTHER)
        call = Call("contains", (right, tree), tree.start, right.end,
                    name_start=head.start, name_end=head.end)  # fmt: skip
        return _call(parser, "not", (call,), head) if negated else call
    if parser.at("select", "with", "from", "values"):
        raise parser.not_scalar("a sub-query has no meaning here: use a `join` with how: semi")
    if parser.at(")"):
        raise parser.unexpected("at least one value should stand in the parentheses")
    items: list[Tree] = [tree]
    while not parser.at(")"):
        items.append(parser.expression())
        if not parser.accept(","):
            break
    parser.expect(")", "or a comma")
    return _negated(parser, negated, "in", tuple(items), head)


def escaped_like(parser: Parser, name: str, head: Token, left: Tree, right: Tree) -> Tree:
    """`like 'a!%' escape '!'`; the pattern has been read."""
    parser.expect("escape", "")
    escape = parser.expression(Binding.OTHER)
    return Call(name, (left, right, escape), left.start, escape.end,
                name_start=head.start, name_end=head.end)  # fmt: skip


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
        names.append(key.value if key.kind == "string" else parser.raw_name(key))
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
    call = parser._call("if", head, ")") if parser.accept("(") else None  # noqa: SLF001
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
    kind = type_name(parser)
    end = parser.expect(")", "behind the type")
    sort: OneOf["try", "cast"] = "try" if head.value == "try_cast" else "cast"
    return Cast(operand, kind, sort, head.start, end.end)


def _typed(parser: Parser, head: Token) -> Tree | None:
    """`date '2013-01-01'`; otherwise `date` is a name like any other."""
    start = parser.position
    kind: DataType = SQL_TYPES[head.value]
    parser.position += 1
    if head.value in ("timestamp", "time"):
        kind = _zone(parser, kind)
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
    amount = parser._atom()  # noqa: SLF001
    unit = parser.token
    found = _UNIT.fullmatch(unit.value) if unit.kind == "name" else None
    if found:
        parser.position += 1
        name = UNITS.get(found[1], found[1] + "s")
        if isinstance(amount, Literal):
            text = f"{amount.value} {name}"
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
    from flowctl.expressions.literals import read_interval

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
    return parser._call("list_value", head, "]")  # noqa: SLF001


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
    if parser.at("over", "filter") and parser.peek().value in ("(",):
        message = f"`{name}(…) {parser.token.value}` looks at many records; "
        message += "an expression sees one record"
        help = "use the transform `window`" if parser.at("over") else "use the transform `aggregate`"
        end = parser.token.end
        raise SyntaxFault(Fault(AGGREGATE, message, start=head.start, end=end, help=help))


def type_name(parser: Parser) -> DataType:
    """A type of SQL, as casts name it: `decimal(10, 2)`, `integer[]`, `struct(a text)`."""
    token = parser.token
    if token.kind not in ("name", "quoted"):
        raise parser.unexpected("a type should stand here, such as `integer` or `text`")
    parser.depth += 1
    if parser.depth > 50:
        raise syntax_fault("the type nests too deep", token.start, token.end)
    parser.position += 1
    kind = _struct_type(parser) if token.value == "struct" else _simple_type(parser, token)
    while parser.accept("["):
        if parser.token.kind == "number":
            raise syntax_fault("lists have no fixed length here: write `[]`",
                               parser.token.start, parser.token.end)  # fmt: skip
        parser.expect("]", "to close the list's type")
        kind = List(kind)
    parser.depth -= 1
    return kind


def _struct_type(parser: Parser) -> DataType:
    parser.expect("(", "as in `struct(a integer)`")
    fields: list[Column] = []
    while True:
        token = parser.token
        if token.kind not in ("name", "quoted"):
            raise parser.unexpected("the name of a field should stand here")
        parser.position += 1
        fields.append(Column(parser.raw_name(token), type_name(parser)))
        if not parser.accept(","):
            break
    parser.expect(")", "or a comma")
    return Struct(tuple(fields))


def _simple_type(parser: Parser, token: Token) -> DataType:
    kind = SQL_TYPES.get(token.value.lower())
    if kind is None:
        near = nearest(token.value, tuple(SQL_TYPES))
        help = f"did you mean `{near}`?" if near else "such as `integer`, `double`, `text`, `date`"
        message = f"unknown type `{token.value}`"
        raise SyntaxFault(
            Fault(UNKNOWN_TYPE, message, start=token.start, end=token.end, help=help)
        )
    if token.value == "double":
        parser.accept("precision")
    if token.value in ("timestamp", "time"):
        return _zone(parser, kind)
    if isinstance(kind, Decimal | String) and parser.accept("("):
        numbers = [_digits(parser)]
        if isinstance(kind, Decimal) and parser.accept(","):
            numbers.append(_digits(parser))
        end = parser.expect(")", "behind the number of digits")
        if isinstance(kind, Decimal):
            return _decimal(numbers, token.start, end.end)
    return kind


def _zone(parser: Parser, kind: DataType) -> DataType:
    word = parser.token.value
    if word in ("with", "without") and parser.peek().value == "time":
        parser.position += 1
        parser.expect("time", f"as in `{word} time zone`")
        parser.expect("zone", f"as in `{word} time zone`")
        if word == "with" and isinstance(kind, Datetime):
            return Datetime(UTC)
        if word == "with":
            message = "a time of day has no time zone here"
            raise syntax_fault(message, parser.previous.start, parser.previous.end)
    return kind


def _digits(parser: Parser) -> int:
    token = parser.token
    if token.kind != "number" or not token.value.isdigit() or len(token.value) > 9:
        raise parser.unexpected("a number of digits should stand here")
    parser.position += 1
    return int(token.value)


def _decimal(numbers: list[int], start: int, end: int) -> Decimal:
    precision, scale = numbers[0], numbers[1] if len(numbers) > 1 else 0
    if not 1 <= precision <= 38 or scale > precision:
        message = "a decimal has 1 to 38 digits, of which no more stand after the point"
        raise syntax_fault(message, start, end)
    return Decimal(precision, scale)


TRUTH: Final = Boolean()
