"""Reads an expression with aggregates: each becomes a name in a tree without aggregates."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from flowctl.codes.expressions import AGGREGATE, TOO_LARGE, UNKNOWN_FUNCTION
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault, nearest
from flowctl.expressions.check import SOURCE, STATUS
from flowctl.expressions.functions import BY_NAME as SCALAR
from flowctl.expressions.parse import MAX_LENGTH, Parser
from flowctl.expressions.refused import AGGREGATES, NOT_REPEATABLE
from flowctl.expressions.tokens import SyntaxFault, Token, syntax_fault
from flowctl.expressions.tree import Call, Name, Part, Tree

MARK = "\ue000"
"""A character that no author writes; names that begin with it are the engine's own."""


@dataclass(frozen=True, slots=True)
class Written:
    """An aggregate as it was written: `sum(distinct x) filter (where y)`."""

    call: Call
    distinct: bool
    where: Tree | None


@dataclass(frozen=True, slots=True)
class Read:
    """The tree around the aggregates, in which `placeholder(i)` stands for the i-th of all."""

    tree: Tree
    aggregates: tuple[Written, ...]


def placeholder(index: int) -> str:
    """The name that stands for an aggregate."""
    return f"{MARK}{index}"


@dataclass(frozen=True, slots=True)
class Words:
    """What such functions are called, and the transform in which they stand.

    `nested` and `over` are said where they stand within each other, or before an `over`.
    """

    noun: str
    kind: str
    nested: str
    over: str


AGGREGATED = Words(
    "aggregate",
    "aggregate",
    "aggregate twice: the records of one `aggregate` go through another one",
    "use the transform `window`",
)


def read(
    text: str, names: Collection[str], first: int = 0, words: Words = AGGREGATED
) -> Read | Fault:
    """Reads an expression in which these functions are aggregates, numbered from `first`."""
    if len(text) > MAX_LENGTH:
        message = f"the expression has {len(text):,} characters; at most {MAX_LENGTH:,} are allowed"
        return Fault(TOO_LARGE, message, start=0, end=min(len(text), 80))
    try:
        parser = _AggregateParser(text, names, first, words)
        return Read(parser.whole(), tuple(parser.found))
    except SyntaxFault as stopped:
        return stopped.fault


def unknown(call: Call, text: str, names: Collection[str], words: Words) -> Fault | None:
    """Tells of a call of no function, or of one over many records that is none of these."""
    if call.name in AGGREGATES:
        message = f"`{call.name}` is no {words.noun} that is known here"
        help = _meant(call.name, names, words)
        return Fault(AGGREGATE, message, (), call.name_start, call.name_end, help)
    if call.name in SCALAR or call.name in _PLACED:
        return None
    message = f"unknown function `{text[call.name_start : call.name_end]}`"
    help = _meant(call.name, [*names, *SCALAR], words)
    return Fault(UNKNOWN_FUNCTION, message, (), call.name_start, call.name_end, help)


_PLACED: Final = frozenset({*SOURCE, *STATUS, *NOT_REPEATABLE, "now"})


def _meant(name: str, names: Collection[str], words: Words) -> str:
    close = nearest(name, names)
    return f"did you mean `{close}`?" if close else f"`flowctl kinds {words.kind}` lists them"


class _AggregateParser(Parser):
    """Reads what only aggregates have: `*`, `distinct`, `filter`."""

    def __init__(self, text: str, names: Collection[str], first: int, words: Words) -> None:
        super().__init__(text)
        self.words = words
        self.names = names
        self.first = first
        self.found: list[Written] = []
        self.inside = False

    def call(self, name: str, head: Token, closing: str) -> Tree:
        if closing == ")" and name not in self.names and self.at("*", "distinct"):
            message = f"`{name}` with `{self.token.value}` is no {self.words.noun}"
            help, end = _meant(name, self.names, self.words), head.end
            raise SyntaxFault(Fault(AGGREGATE, message, start=head.start, end=end, help=help))
        if closing != ")" or name not in self.names:
            return super().call(name, head, closing)
        if self.inside:
            message = f"`{name}` stands within another function that looks at many records"
            end, help = head.end, self.words.nested
            raise SyntaxFault(Fault(AGGREGATE, message, start=head.start, end=end, help=help))
        self.inside = True
        distinct = self.accept("distinct") is not None
        arguments = self._values(name)
        end = self.expect(")", "or a comma").end
        where: Tree | None = None
        if self.at("filter") and self.peek().value == "(":
            where = self._where()
            end = self.previous.end
        self.inside = False
        if self.at("over"):
            message = "a window has no meaning here"
            raise syntax_fault(message, head.start, self.token.end, self.words.over)
        call = Call(name, arguments, head.start, end, name_start=head.start, name_end=head.end)
        self.found.append(Written(call, distinct, where))
        part = Part(placeholder(self.first + len(self.found) - 1), False, head.start, end)
        return Name((part,), head.start, end)

    def _values(self, name: str) -> tuple[Tree, ...]:
        if name == "count" and self.accept("*"):
            return ()
        arguments: list[Tree] = []
        while not self.at(")"):
            arguments.append(self.expression())
            if self.at("order"):
                token = self.token
                help = "sort the records before: `- sort: [...]`"
                raise syntax_fault("an aggregate has no order of its own", token.start, token.end,
                                   help)  # fmt: skip
            if not self.accept(","):
                break
        return tuple(arguments)

    def _where(self) -> Tree:
        """`filter (where x > 0)`; the word `filter` comes next."""
        self.accept("filter")
        self.accept("(")
        self.expect("where", "as in `filter (where x > 0)`")
        condition = self.expression()
        self.expect(")", "to close the filter")
        return condition
