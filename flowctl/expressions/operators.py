"""How tightly operators bind, as measured on DuckDB's own parser; read by parser and printer."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Binding(IntEnum):
    """From loosest to tightest."""

    ARROW = 1
    OR = 2
    AND = 3
    NOT = 4
    IS = 5
    COMPARISON = 6
    MEMBERSHIP = 7
    OTHER = 8
    SUM = 9
    PRODUCT = 10
    POWER = 11
    ZONE = 12
    SIGN = 13
    POSTFIX = 14
    ATOM = 15


BINARY: Final[dict[str, Binding]] = {
    "->": Binding.ARROW,
    "or": Binding.OR,
    "and": Binding.AND,
    **dict.fromkeys(("=", "<>", "<", "<=", ">", ">="), Binding.COMPARISON),
    **dict.fromkeys(("like", "not like", "ilike", "not ilike", "glob"), Binding.MEMBERSHIP),
    **dict.fromkeys(("~", "!~"), Binding.MEMBERSHIP),
    **dict.fromkeys(("||", "&", "|", "<<", ">>", "->>", "^@", "@>", "<@", "&&"), Binding.OTHER),
    "+": Binding.SUM,
    "-": Binding.SUM,
    "*": Binding.PRODUCT,
    "/": Binding.PRODUCT,
    "//": Binding.PRODUCT,
    "%": Binding.PRODUCT,
    "^": Binding.POWER,
    "**": Binding.POWER,
}

PREFIX: Final[dict[str, Binding]] = {
    "not": Binding.NOT,
    "~": Binding.OTHER,
    "@": Binding.OTHER,
    "-": Binding.SIGN,
    "+": Binding.SIGN,
}

SYNONYMS: Final[dict[str, str]] = {
    "==": "=",
    "!=": "<>",
    "~~": "like",
    "!~~": "not like",
    "~~*": "ilike",
    "!~~*": "not ilike",
    "~~~": "glob",
}
