"""Prints a tree as SQL that parses to the same tree again, with no layout left to chance."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal as Number
from typing import Final

from flowctl.expressions.literals import write_decimal
from flowctl.expressions.operators import BINARY, Binding
from flowctl.expressions.parse import RESERVED
from flowctl.expressions.sqltypes import sql_name
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
    Tree,
)
from flowctl.records import Decimal, Float

_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PREFIX: Final = {"not": Binding.NOT, "-": Binding.SIGN, "+": Binding.SIGN, "~": Binding.OTHER,
                  "@": Binding.OTHER}  # fmt: skip
_SUFFIX: Final = frozenset(("is null", "is not null", "is true", "is not true", "is false",
                            "is not false"))  # fmt: skip
_DISTINCT: Final = frozenset(("is distinct from", "is not distinct from"))
_LIKE: Final = frozenset(("like", "not like", "ilike", "not ilike"))


def canonical(tree: Tree) -> str:
    """The expression as DuckDB SQL: lower-case functions, parentheses only where needed.

    >>> from flowctl.expressions.parse import parse
    >>> canonical(parse("((Delay))>15 AND  not late -- why"))
    'Delay > 15 and not late'
    """
    return _print(tree)[0]


def _print(tree: Tree) -> tuple[str, Binding]:
    """The text, and how tightly its outermost operator binds."""
    match tree:
        case Literal():
            return _literal(tree)
        case Column(name) | Local(name):
            return _name(name), Binding.ATOM
        case Name(parts):
            return ".".join(_name(part.text) for part in parts), Binding.ATOM
        case Runtime(path):
            return _path(path), Binding.ATOM
        case Call():
            return _call(tree)
        case Cast():
            return _cast(tree)
        case Case():
            return _case(tree), Binding.ATOM
        case Field(operand, name):
            base = canonical(operand)
            plain = isinstance(operand, Column | Local | Field | Runtime | Name)
            return f"{base if plain else f'({base})'}.{_name(name)}", Binding.ATOM
        case Lambda(parameters, body):
            names = ", ".join(map(_name, parameters))
            return f"lambda {names}: {canonical(body)}", Binding.ARROW
    raise TypeError(f"not a tree: {tree!r}")


def _within(tree: Tree, least: int) -> str:
    text, binding = _print(tree)
    return text if binding >= least else f"({text})"


def _name(name: str) -> str:
    if _PLAIN.fullmatch(name) and name.lower() not in RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def _path(path: tuple[str, ...]) -> str:
    parts = [f".{part}" if _PLAIN.fullmatch(part) else f"[{_quoted(part)}]" for part in path[1:]]
    return path[0] + "".join(parts)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _literal(tree: Literal) -> tuple[str, Binding]:
    value = tree.value
    if value is None:
        return "NULL", Binding.ATOM
    if isinstance(value, bool):
        return ("true" if value else "false"), Binding.ATOM
    if isinstance(value, str):
        return _quoted(value), Binding.ATOM
    if isinstance(value, int | float | Number):
        text = _number(value, tree)
        return text, Binding.SIGN if text.startswith("-") else Binding.ATOM
    return _typed(value), Binding.ATOM


def _number(value: int | float | Number, tree: Literal) -> str:
    if isinstance(value, Number):
        if isinstance(tree.type, Decimal):
            return write_decimal(value, tree.type)
        return str(value)
    if isinstance(value, int) and not isinstance(tree.type, Float):
        return str(value)
    text = repr(float(value))
    if text in ("inf", "-inf", "nan"):
        return f"'{text}'::DOUBLE"
    return text if "e" in text else f"{text}e0"


def _typed(value: object) -> str:
    if isinstance(value, dt.datetime):
        sort = "TIMESTAMPTZ" if value.tzinfo else "TIMESTAMP"
        return f"{sort} '{value.isoformat(' ')}'"
    if isinstance(value, dt.date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, dt.time):
        return f"TIME '{value.isoformat()}'"
    if isinstance(value, Months):
        rest = f" {_micros(value.rest)}" if value.rest else ""
        return f"INTERVAL '{value.months} months{rest}'"
    if isinstance(value, dt.timedelta):
        return f"INTERVAL '{_micros(value)}'"
    if isinstance(value, bytes):
        return "'" + "".join(f"\\x{byte:02X}" for byte in value) + "'::BLOB"
    raise TypeError(f"not a literal: {value!r}")


def _micros(value: dt.timedelta) -> str:
    micros = (value.days * 86400 + value.seconds) * 10**6 + value.microseconds
    days, micros = divmod(abs(micros), 86400 * 10**6)
    sign = "-" if value < dt.timedelta() else ""
    parts = [f"{sign}{days} days"] if days else []
    parts += [f"{sign}{micros} microseconds"] if micros or not days else []
    return " ".join(parts)


def _cast(tree: Cast) -> tuple[str, Binding]:
    if tree.kind == "implicit":
        return _print(tree.operand)
    if tree.kind == "typed" and isinstance(tree.operand, Literal):
        return f"{sql_name(tree.to)} {canonical(tree.operand)}", Binding.ATOM
    word = "try_cast" if tree.kind == "try" else "cast"
    return f"{word}({canonical(tree.operand)} as {sql_name(tree.to)})", Binding.ATOM


def _case(tree: Case) -> str:
    parts = [f"when {canonical(when)} then {canonical(then)}" for when, then in tree.branches]
    if not (isinstance(tree.otherwise, Literal) and tree.otherwise.value is None):
        parts.append(f"else {canonical(tree.otherwise)}")
    return f"case {' '.join(parts)} end"


def _call(tree: Call) -> tuple[str, Binding]:
    name, arguments = tree.name, tree.arguments
    if name in ("and", "or"):
        least = BINARY[name] + 1
        return f" {name} ".join(_within(item, least) for item in arguments), BINARY[name]
    if name in _PREFIX and len(arguments) == 1:
        return _prefix(name, arguments[0])
    if name in BINARY and len(arguments) == 2:
        return _binary(name, arguments)
    if name in _SUFFIX:
        return f"{_within(arguments[0], Binding.MEMBERSHIP)} {name}", Binding.IS
    if name in _DISTINCT:
        left, right = (_within(item, Binding.MEMBERSHIP) for item in arguments)
        return f"{left} {name} {right}", Binding.IS
    if name in _LIKE:
        text, pattern, escape = (_within(item, Binding.OTHER) for item in arguments)
        return f"{text} {name} {pattern} escape {escape}", Binding.MEMBERSHIP
    if name in ("between", "in"):
        return _membership(name, arguments), Binding.MEMBERSHIP
    return _brackets(tree), Binding.ATOM


def _prefix(name: str, operand: Tree) -> tuple[str, Binding]:
    binding = _PREFIX[name]
    least = Binding.IS if name == "not" else Binding.POSTFIX
    gap = " " if name == "not" else ""
    # A number behind a minus would be read as a negative literal.
    inner = _within(operand, least)
    number = isinstance(_bare(operand), Literal) and name == "-"
    return f"{name}{gap}{f'({inner})' if number else inner}", binding


def _bare(tree: Tree) -> Tree:
    while isinstance(tree, Cast) and tree.kind == "implicit":
        tree = tree.operand
    return tree


def _binary(name: str, arguments: tuple[Tree, ...]) -> tuple[str, Binding]:
    binding = BINARY[name]
    once = binding in (Binding.COMPARISON, Binding.MEMBERSHIP)
    left = _within(arguments[0], binding + 1 if once else binding)
    right = _within(arguments[1], binding + 1)
    return f"{left} {name} {right}", binding


def _membership(name: str, arguments: tuple[Tree, ...]) -> str:
    subject, *others = (_within(item, Binding.OTHER) for item in arguments)
    if name == "between":
        return f"{subject} between {others[0]} and {others[1]}"
    return f"{subject} in ({', '.join(canonical(item) for item in arguments[1:])})"


def _brackets(tree: Call) -> str:
    name, arguments = tree.name, tree.arguments
    shown = [canonical(item) for item in arguments]
    if name == "list_value":
        return f"[{', '.join(shown)}]"
    if name == "struct_pack":
        pairs = zip(tree.names, shown, strict=True)
        return "{" + ", ".join(f"{_quoted(key or '')}: {value}" for key, value in pairs) + "}"
    if name in ("[]", "[:]"):
        base = _within(arguments[0], Binding.POSTFIX)
        if isinstance(_bare(arguments[0]), Literal):
            base = f"({base})"
        bounds = ["" if _missing(item) else canonical(item) for item in arguments[1:]]
        return f"{base}[{':'.join(bounds)}]"
    if any(tree.names):
        pairs = zip(tree.names, shown, strict=True)
        shown = [f"{_name(key)} := {value}" if key else value for key, value in pairs]
    return f"{name}({', '.join(shown)})"


def _missing(tree: Tree) -> bool:
    return isinstance(tree, Literal) and tree.value is None
