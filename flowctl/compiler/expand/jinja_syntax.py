"""Reads Jinja's expressions with Jinja's own parser, keeping the offset of every token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import Lexer, Token, TokenStream
from jinja2.parser import Parser

from flowctl.codes.templates import TEMPLATE_SYNTAX
from flowctl.compiler.expand.faults import TemplateFault
from flowctl.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Parsed:
    """An expression's tree, whose line numbers are offsets, and where the token of each ends."""

    text: str
    tree: nodes.Expr
    ends: Mapping[int, int]


def read(expression: str, environment: Environment) -> Parsed:
    """The tree of an expression; raises TemplateFault."""
    ends: dict[int, int] = {}
    parser = Parser(environment, "", state="variable")
    tokens = _tokens(environment.lexer, expression.replace("\r", " "), ends)
    try:
        parser.stream = TokenStream(tokens, None, None)
        tree = parser.parse_expression()
        if not parser.stream.eos:
            found = parser.stream.current
            raise TemplateSyntaxError(f"`{found.value}` cannot stand here", found.lineno)
    except TemplateSyntaxError as error:
        raise _syntax(error, expression, ends) from None
    except RecursionError:
        raise TemplateFault(TEMPLATE_SYNTAX, "the expression nests too deep") from None
    return Parsed(expression, tree, ends)


def _tokens(lexer: Lexer, expression: str, ends: dict[int, int]) -> Iterator[Token]:
    """Jinja's tokens, with their offsets where it has the lines."""

    def located() -> Iterator[tuple[int, str, str]]:
        offset = 0
        try:
            for _, kind, text in lexer.tokeniter(expression, None, state="variable"):
                ends[offset] = offset + len(text)
                yield offset, kind, text
                offset += len(text)
        except TemplateSyntaxError as error:
            wrong = expression[offset : offset + 1]
            message = f"`{wrong}` cannot stand here" if wrong else str(error.message)
            if wrong in ("'", '"'):
                message = "this quote is not closed"
            raise TemplateFault(TEMPLATE_SYNTAX, message, offset, offset + 1) from None

    return lexer.wrap(located())


def _syntax(error: TemplateSyntaxError, text: str, ends: Mapping[int, int]) -> TemplateFault:
    message = str(error.message).replace("'end of print statement'", "the end")
    message = message.replace("'end of template'", "the end").replace("'", "`").rstrip(".")
    message = message[:1].lower() + message[1:]
    if "chunk after" in message or not text.strip():
        message = "an expression should stand between `{{` and `}}`"
    start = min(error.lineno, len(text))
    return TemplateFault(TEMPLATE_SYNTAX, message, start, ends.get(start, start + 1))
