"""What stands behind an operand and is more than a sign: `is null`, `between`, `in`, `like`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flowctl.expressions.operators import Binding
from flowctl.expressions.tokens import Token
from flowctl.expressions.tree import Call, Tree

if TYPE_CHECKING:
    from flowctl.expressions.parse import Parser


def suffix(parser: Parser, tree: Tree) -> Tree:
    """Reads the suffix whose first word stands next."""
    word = parser.token.value
    if word == "at":
        return _at_time_zone(parser, tree)
    if word in ("is", "isnull", "notnull"):
        return _is(parser, tree)
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
        if parser.at("not"):
            raise parser.unexpected()
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
