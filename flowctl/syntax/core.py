"""What an unquoted scalar means: the core schema of YAML 1.2, and nothing beside it.

`on`, `yes`, dates, `1_000`, `1:30` and `0b1` are strings.
"""

from __future__ import annotations

import re
from typing import TypeAlias

from flowctl.dataclass import dataclass

MAX_DIGITS = 4000

Scalar: TypeAlias = "None | bool | int | float | str"

_WORDS: dict[str, Scalar] = {
    "": None,
    **dict.fromkeys(("~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **{sign + word: float("inf") for sign in ("", "+") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
# Every other string is known by its first character, which keeps the common case short.
_STARTS = frozenset("0123456789+-.~nNtTfF")
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class TooLarge:
    """A number that cannot be held; `reason` ends a sentence that begins with the number."""

    reason: str


def resolve(text: str) -> Scalar | TooLarge:
    """The value of an unquoted scalar.

    >>> [resolve(text) for text in ("0x1F", "1e3", "yes", "2024-01-01", "~", "-.inf")]
    [31, 1000.0, 'yes', '2024-01-01', None, -inf]
    """
    if text and text[0] not in _STARTS:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _DECIMAL.fullmatch(text):
        return _integer(text, 10)
    if _OCTAL.fullmatch(text):
        return _integer(text[2:], 8)
    if _HEXADECIMAL.fullmatch(text):
        return _integer(text[2:], 16)
    if _FLOAT.fullmatch(text):
        return finite(text)
    return text


def finite(text: str) -> float | TooLarge:
    """A float; one that overflows is a fault and not infinity."""
    value = float(text)
    if value in (float("inf"), float("-inf")):
        return TooLarge("is larger than a 64-bit float can hold")
    return value


def _integer(digits: str, base: int) -> int | TooLarge:
    if len(digits) > MAX_DIGITS:
        return TooLarge(f"has {len(digits)} digits; at most {MAX_DIGITS} are allowed")
    return int(digits, base)
