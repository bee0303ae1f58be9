"""Types as casts name them: `decimal(10, 2)`, `integer[]`, `struct(a integer, b text)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowctl.codes.expressions import UNKNOWN_TYPE
from flowctl.diagnostics import Fault, nearest
from flowctl.expressions.sqltypes import SQL_TYPES, UTC
from flowctl.expressions.tokens import SyntaxFault, Token, syntax_fault
from flowctl.records import Column, DataType, Datetime, Decimal, List, String, Struct

if TYPE_CHECKING:
    from flowctl.expressions.parse import Parser


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
    nested = 0
    while parser.accept("["):
        if parser.token.kind == "number":
            raise syntax_fault("lists have no fixed length here: write `[]`",
                               parser.token.start, parser.token.end)  # fmt: skip
        parser.expect("]", "to close the list's type")
        kind = List(kind)
        nested += 1
        if nested > 30:
            raise syntax_fault("the type nests too deep", token.start, parser.previous.end)
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
        raise SyntaxFault(Fault(UNKNOWN_TYPE, message, start=token.start, end=token.end, help=help))
    if token.value == "double":
        parser.accept("precision")
    if token.value in ("timestamp", "time"):
        return with_zone(parser, kind)
    if isinstance(kind, Decimal | String) and parser.accept("("):
        numbers = [_digits(parser)]
        if isinstance(kind, Decimal) and parser.accept(","):
            numbers.append(_digits(parser))
        end = parser.expect(")", "behind the number of digits")
        if isinstance(kind, Decimal):
            return _decimal(numbers, token.start, end.end)
    return kind


def with_zone(parser: Parser, kind: DataType) -> DataType:
    """The type with what may stand behind it: `with time zone`."""
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
