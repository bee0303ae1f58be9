"""Reads an expression's text into a tree without types.

A descent over the grammar that DuckDB 2 has for scalar expressions. It is our own, and not that of
a general SQL parser, for three reasons: every node knows its exact stretch of the text, whatever
is not a scalar expression is refused by its own name, and functions keep the name that was written.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Final

from flowctl.codes.expressions import NOT_SCALAR, TOO_LARGE
from flowctl.diagnostics import Fault
from flowctl.expressions import forms, suffixes, typenames
from flowctl.expressions.literals import decimal_type
from flowctl.expressions.operators import BINARY, PREFIX, SYNONYMS, Binding
from flowctl.expressions.tokens import SyntaxFault, Token, syntax_fault, tokenize
from flowctl.expressions.tree import Call, Cast, Field, Literal, Name, Part, Tree, children
from flowctl.expressions.types import FLOAT64, MAX_DIGITS, literal_type
from flowctl.records import Float

MAX_LENGTH: Final = 100_000
MAX_DEPTH: Final = 100

_NEGATED: Final = frozenset(("between", "in", "like", "ilike", "glob", "similar"))
_WORDS: Final[dict[str, Binding]] = {
    "and": Binding.AND,
    "or": Binding.OR,
    **dict.fromkeys(("is", "isnull", "notnull"), Binding.IS),
    **dict.fromkeys(("not", *_NEGATED), Binding.MEMBERSHIP),
    "at": Binding.ZONE,
}
"""How tightly the operators bind that are words."""
RESERVED: Final = frozenset(
    [
        "all",
        "and",
        "any",
        "array",
        "as",
        "asc",
        "between",
        "both",
        "case",
        "cast",
        "collate",
        "desc",
        "distinct",
        "else",
        "end",
        "except",
        "exists",
        "false",
        "for",
        "from",
        "group",
        "having",
        "in",
        "intersect",
        "is",
        "lambda",
        "leading",
        "like",
        "limit",
        "not",
        "null",
        "on",
        "or",
        "order",
        "qualify",
        "select",
        "some",
        "then",
        "to",
        "trailing",
        "true",
        "union",
        "unique",
        "using",
        "when",
        "where",
        "window",
        "with",
    ]
)


def parse(text: str) -> Tree | Fault:
    """The tree of the text, or what is wrong with its syntax.

    >>> tree = parse("delay > 15")
    >>> tree.name, tree.start, tree.end
    ('>', 0, 10)
    """
    if len(text) > MAX_LENGTH:
        message = f"the expression has {len(text):,} characters; at most {MAX_LENGTH:,} are allowed"
        return Fault(TOO_LARGE, message, start=0, end=min(len(text), 80))
    try:
        return Parser(text).whole()
    except SyntaxFault as stopped:
        return stopped.fault


class Parser:
    """Walks over the tokens; every method reads one construct and stops behind it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.position = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.position]

    @property
    def previous(self) -> Token:
        return self.tokens[self.position - 1]

    def peek(self, ahead: int = 1) -> Token:
        return self.tokens[min(self.position + ahead, len(self.tokens) - 1)]

    def accept(self, *values: str) -> Token | None:
        """The next token, if it is one of these words or operators."""
        token = self.tokens[self.position]
        if token.value in values and token.kind in ("name", "operator"):
            self.position += 1
            return token
        return None

    def expect(self, value: str, where: str) -> Token:
        token = self.accept(value)
        if token is None:
            raise self.unexpected(f"`{value}` should stand here, {where}")
        return token

    def at(self, *values: str) -> bool:
        token = self.tokens[self.position]
        return token.value in values and token.kind in ("name", "operator")

    def whole(self) -> Tree:
        if self.token.kind == "end":
            raise syntax_fault("the expression is empty", 0, len(self.text))
        tree = self.expression()
        if self.token.kind != "end":
            raise self._leftover()
        if len(self.tokens) > MAX_DEPTH and _height(tree) > MAX_DEPTH:
            raise self._too_deep()
        return tree

    def expression(self, least: int = Binding.ARROW) -> Tree:
        """One expression whose operators bind at least so tightly."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._too_deep()
        tree = self._operand(least)
        before = Binding.ATOM
        tested = False
        compared: str | None = None
        while (binding := self._following()) is not None and binding >= least:
            compares = self._comparison(binding)
            if compares is not None and compares == compared:
                raise self._chained(self.token)
            # No second `like` behind `a like b` or `a is null`, and no `+` behind `a in (1)`.
            tested = tested or binding is Binding.IS
            if binding >= Binding.MEMBERSHIP and before is Binding.MEMBERSHIP:
                raise self.unexpected()
            if binding is Binding.MEMBERSHIP and tested:
                raise self.unexpected()
            tree = self._extended(tree, binding)
            before, compared = binding, compares
        self.depth -= 1
        return tree

    def _comparison(self, binding: Binding) -> str | None:
        """Which sort of comparison the next operator is: two of a sort cannot follow each other."""
        if binding is Binding.COMPARISON:
            return "="
        ahead = 2 if self.peek().value == "not" else 1
        return "distinct" if self.at("is") and self.peek(ahead).value == "distinct" else None

    def _following(self) -> Binding | None:
        """How tightly the next operator binds; None where none stands next."""
        token = self.token
        if token.kind == "operator":
            return BINARY.get(SYNONYMS.get(token.value, token.value))
        if token.kind != "name":
            return None
        if token.value == "collate":
            message = "text compares by code point; there are no collations"
            raise syntax_fault(message, token.start, token.end)
        if token.value == "not" and self.peek().value not in _NEGATED:
            return None
        if token.value == "at" and self.peek().value != "time":
            return None
        return _WORDS.get(token.value)

    def _extended(self, left: Tree, binding: Binding) -> Tree:
        """The tree with the operator that stands next, and its right side."""
        token = self.token
        if token.kind == "operator":
            self.position += 1
            return self._binary(SYNONYMS.get(token.value, token.value), token, left, binding)
        if token.value in ("and", "or"):
            return self._conjunction(token.value, left, binding)
        return suffixes.suffix(self, left)

    def _binary(self, symbol: str, token: Token, left: Tree, binding: Binding) -> Tree:
        right = self.expression(binding + 1)
        if symbol in ("like", "not like", "ilike", "not ilike") and self.at("escape"):
            return suffixes.escaped_like(self, symbol, token, left, right)
        name = "regexp_matches" if symbol == "~" else symbol
        return Call(name, (left, right), left.start, right.end,
                    name_start=token.start, name_end=token.end)  # fmt: skip

    def _conjunction(self, word: str, first: Tree, binding: Binding) -> Tree:
        operands = [first]
        token = self.token
        while self.accept(word):
            operands.append(self.expression(binding + 1))
        return Call(word, tuple(operands), first.start, operands[-1].end,
                    name_start=token.start, name_end=token.end)  # fmt: skip

    def _operand(self, least: int) -> Tree:
        """What stands between operators: a prefix with its operand, or an atom with postfixes."""
        token = self.token
        if token.value in PREFIX and (token.kind == "operator" or token.value == "not"):
            if token.value == "not" and least > Binding.MEMBERSHIP:
                raise self.unexpected()
            return self._prefixed(token)
        return self._postfixes(self.atom())

    def _prefixed(self, token: Token) -> Tree:
        self.position += 1
        binding = PREFIX[token.value]
        if binding is Binding.OTHER:
            binding = Binding.SUM
        operand = self.expression(binding)
        if token.value == "-" and isinstance(operand, Literal) and _is_number(operand):
            return _negative(operand, token.start)
        return Call(token.value, (operand,), token.start, operand.end,
                    name_start=token.start, name_end=token.end)  # fmt: skip

    def _postfixes(self, tree: Tree) -> Tree:
        while True:
            token = self.token
            if token.kind != "operator":
                return tree
            if token.value == "::":
                self.position += 1
                kind = typenames.type_name(self)
                tree = Cast(tree, kind, "cast", tree.start, self.previous.end)
            elif token.value == "[":
                tree = self._index(tree)
            elif token.value == ".":
                tree = self._member(tree)
            else:
                return tree

    def _member(self, tree: Tree) -> Tree:
        self.position += 1
        token = self.token
        if token.kind not in ("name", "quoted"):
            message = "the name of a field should stand behind the dot"
            if token.value == "*":
                raise self.not_scalar("`*` means all columns; an expression reads them by name")
            raise self.unexpected(message)
        self.position += 1
        name = self.raw_name(token)
        if self.at("("):
            raise syntax_fault(f"a function is called as `{token.value}(…)`, not behind a dot",
                               token.start, token.end)  # fmt: skip
        if isinstance(tree, Name):
            part = Part(name, token.kind == "quoted", token.start, token.end)
            return replace(tree, parts=(*tree.parts, part), end=token.end)
        return Field(tree, name, tree.start, token.end, name_start=token.start)

    def _index(self, tree: Tree) -> Tree:
        opening = self.token
        self.position += 1
        if self.accept(":"):
            first: Tree = Literal(None, opening.end, opening.end)
        else:
            first = self.expression()
            if not self.accept(":"):
                self.expect("]", "behind the index")
                return Call("[]", (tree, first), tree.start, self.previous.end,
                            name_start=opening.start, name_end=self.previous.end)  # fmt: skip
        last: Tree = Literal(None, self.token.start, self.token.start)
        if not self.at("]"):
            last = self.expression()
        self.expect("]", "behind the slice")
        return Call("[:]", (tree, first, last), tree.start, self.previous.end,
                    name_start=opening.start, name_end=self.previous.end)  # fmt: skip

    def atom(self) -> Tree:
        token = self.token
        if token.kind == "number":
            self.position += 1
            return _number(token)
        if token.kind == "string":
            self.position += 1
            if self.token.kind == "string":
                message = "two texts stand beside each other; join them with `||`"
                raise syntax_fault(message, token.start, self.token.end)
            return Literal(token.value, token.start, token.end)
        if token.kind in ("name", "quoted"):
            return self._word(token)
        if token.value == "(":
            return self._parentheses()
        if token.value == "[":
            self.position += 1
            return self.call("list_value", token, "]")
        if token.value == "{":
            return forms.struct(self)
        raise self.unexpected()

    def _word(self, token: Token) -> Tree:
        if token.kind == "name":
            special = forms.SPECIAL.get(token.value)
            if special is not None:
                found = special(self, token)
                if found is not None:
                    return found
            if token.value in RESERVED:
                raise self.unexpected()
        self.position += 1
        if self.at("("):
            self.position += 1
            return self.call(token.value.lower(), token, ")")
        part = Part(self.raw_name(token), token.kind == "quoted", token.start, token.end)
        return Name((part,), token.start, token.end)

    def raw_name(self, token: Token) -> str:
        """A name as it was written: names of columns keep their case."""
        return token.value if token.kind == "quoted" else self.text[token.start : token.end]

    def _parentheses(self) -> Tree:
        opening = self.token
        self.position += 1
        if self.at("select", "with", "from", "values"):
            raise self.not_scalar("a sub-query has no meaning here: an expression sees one record")
        tree = self.expression()
        if self.at(","):
            raise syntax_fault("a list is written in brackets, `[a, b]`, a struct as `{'x': a}`",
                               opening.start, self.token.end)  # fmt: skip
        closing = self.expect(")", "to close the parenthesis")
        return replace(tree, start=opening.start, end=closing.end)

    def call(self, name: str, head: Token, closing: str) -> Tree:
        """The arguments of a function or a list; the opening mark has been read."""
        if self.at("distinct", "all") or self.at("*"):
            return forms.aggregate_arguments(self, name, head)
        arguments: list[Tree] = []
        names: list[str | None] = []
        while not self.at(closing):
            label = self._label()
            names.append(label)
            arguments.append(self.expression())
            if self.at("order", "from"):
                raise self.unexpected()
            if not self.accept(","):
                break
        end = self.expect(closing, "or a comma")
        forms.refuse_window(self, name, head)
        return Call(name, tuple(arguments), head.start, end.end,
                    names=tuple(names) if any(names) else (),
                    name_start=head.start, name_end=head.end)  # fmt: skip

    def _label(self) -> str | None:
        token, mark = self.token, self.peek()
        if token.kind in ("name", "quoted") and mark.value in (":=", "=>"):
            self.position += 2
            return self.raw_name(token)
        return None

    def unexpected(self, message: str | None = None) -> SyntaxFault:
        """The fault that the next token cannot stand where it stands."""
        token = self.token
        if token.kind == "end":
            message = message or "the expression ends here, but a value should follow"
            return syntax_fault(message, max(0, token.end - 1), token.end)
        if token.value in ("?", "$", "#"):
            return self.not_scalar("query parameters have no meaning here; write `params.name`")
        if token.value == ";":
            return self.not_scalar("an expression ends without `;`")
        if token.kind == "name" and token.value in ("select", "with", "exists"):
            return self.not_scalar("a query has no meaning here: an expression sees one record")
        if token.value == "*":
            return self.not_scalar("`*` means all columns; an expression reads them by name")
        shown = self.text[token.start : token.end]
        help = None
        if token.kind == "name" and token.value in RESERVED:
            help = f'`{shown}` is a word of SQL; a column of that name is written `"{shown}"`'
        return syntax_fault(message or f"`{shown}` cannot stand here", token.start, token.end, help)

    def not_scalar(self, message: str) -> SyntaxFault:
        token = self.token
        return SyntaxFault(Fault(NOT_SCALAR, message, start=token.start, end=token.end))

    def _leftover(self) -> SyntaxFault:
        token = self.token
        if token.value in (";", "?", "$", "select"):
            return self.unexpected()
        shown = self.text[token.start : token.end]
        if token.value == "=":
            return syntax_fault("`=` cannot stand here", token.start, token.end)
        if token.value == "as" and token.kind == "name":
            message = "a result gets its name from the key that holds the expression"
            return syntax_fault(message, token.start, token.end, "leave out `as …`")
        if token.value in (")", "]", "}"):
            return syntax_fault(f"`{shown}` closes nothing", token.start, token.end)
        message = f"an operator, such as `=` or `and`, should stand before `{shown}`"
        return syntax_fault(message, token.start, token.end)

    def _chained(self, token: Token) -> SyntaxFault:
        help = "join two comparisons with `and`: `a < b and b < c`"
        return syntax_fault("comparisons cannot be chained", token.start, token.end, help)

    def _too_deep(self) -> SyntaxFault:
        message = (
            f"the expression nests more than {MAX_DEPTH} deep; each operator of a chain such as "
            "`a + b + c` counts too"
        )
        help = "compute a part of it first, in a `derive` before"
        token = self.token
        return SyntaxFault(Fault(TOO_LARGE, message, start=token.start, end=token.end, help=help))


def _number(token: Token) -> Literal:
    text = token.value
    if "e" in text or "E" in text:
        return Literal(float(text), token.start, token.end, FLOAT64)
    if "." in text:
        kind = decimal_type(text)
        value = float(text) if isinstance(kind, Float) else Decimal(text)
        return Literal(value, token.start, token.end, kind)
    if len(text) > MAX_DIGITS:
        return Literal(float(text), token.start, token.end, FLOAT64)
    return Literal(int(text), token.start, token.end, literal_type(int(text)))


def _negative(literal: Literal, start: int) -> Literal:
    value = -literal.value  # type: ignore[operator]
    kind = literal_type(value) if isinstance(value, int) else literal.type
    return Literal(value, start, literal.end, kind)


def _is_number(literal: Literal) -> bool:
    return isinstance(literal.value, int | float | Decimal) and not isinstance(literal.value, bool)


def _height(tree: Tree) -> int:
    """How deep the tree is, without recursion: chains of operators make tall trees."""
    height = 0
    level: list[Tree] = [tree]
    while level:
        height += 1
        level = [child for node in level for child in children(node)]
    return height
