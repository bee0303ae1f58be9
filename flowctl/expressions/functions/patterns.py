"""Patterns: `like`, `glob`, regular expressions."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from flowctl.expressions import regex
from flowctl.expressions.elementwise import elementwise
from flowctl.expressions.functions.signature import (
    Fixed,
    Function,
    Operands,
    Verify,
    takes,
)
from flowctl.expressions.functions.text import lower_case
from flowctl.expressions.lazily import pl
from flowctl.expressions.tree import Literal, Tree
from flowctl.expressions.types import BOOLEAN, INT32, STRING
from flowctl.patterns import bad_pattern
from flowctl.records import List

_WILD: Final = re.compile(r"[%_]")
_P: Final = Fixed(STRING)


def _like(ignore_case: bool, negated: bool) -> Callable[[Operands], pl.Expr]:
    def lower(call: Operands) -> pl.Expr:
        pattern = call.scalar_text(1)
        escape = call.scalar_text(2) if len(call) == 3 else None
        if pattern is None or (len(call) == 3 and escape is None):
            found = elementwise(_like_one(ignore_case), call.values, BOOLEAN)
        elif ignore_case:
            text = regex.like(lower_case(pattern), escape)
            found = elementwise(_matcher(text), (call[0],), BOOLEAN)
        else:
            found = _known_like(call[0], pattern, escape)
        return ~found if negated else found

    return lower


def _known_like(value: pl.Expr, pattern: str, escape: str | None) -> pl.Expr:
    """The common patterns without a regular expression."""
    inner = pattern.strip("%")
    if not escape and not _WILD.search(inner):
        if pattern == inner:
            return value == inner
        if pattern == f"%{inner}%" and inner:
            return value.str.contains(inner, literal=True)
        if pattern == f"{inner}%":
            return value.str.starts_with(inner)
        if pattern == f"%{inner}":
            return value.str.ends_with(inner)
    return value.str.contains(regex.like(pattern, escape))


def _matcher(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern.replace(r"\z", r"\Z"))
    return lambda text: compiled.match(lower_case(text)) is not None


@lru_cache(maxsize=256)
def _compiled_like(pattern: str, escape: str | None) -> re.Pattern[str]:
    return re.compile(regex.like(pattern, escape).replace(r"\z", r"\Z"))


def _like_one(ignore_case: bool) -> Callable[..., bool]:
    def matches(text: str, pattern: str, escape: str = "") -> bool:
        if ignore_case:
            text, pattern = lower_case(text), lower_case(pattern)
        try:
            return _compiled_like(pattern, escape or None).match(text) is not None
        except regex.BadPattern:
            return False

    return matches


def _glob(call: Operands) -> pl.Expr:
    return call[0].str.contains(regex.glob(call.text(1)))


def _pattern(call: Operands, options: int = 2) -> regex.Pattern:
    given = call.text(options) if len(call) > options else ""
    return regex.compile_pattern(call.text(1), given.replace("g", ""))


def _matches(negated: bool) -> Callable[[Operands], pl.Expr]:
    def lower(call: Operands) -> pl.Expr:
        found = call[0].str.contains(_pattern(call).text)
        return ~found if negated else found

    return lower


def _full_match(call: Operands) -> pl.Expr:
    return call[0].str.contains(regex.full(_pattern(call)))


def _replace(call: Operands) -> pl.Expr:
    pattern = _pattern(call, options=3)
    new = regex.replacement(call.text(2), pattern.groups)
    every = len(call) == 4 and "g" in call.text(3)
    change = call[0].str.replace_all if every else call[0].str.replace
    return change(pattern.text, new)


def _extract(call: Operands) -> pl.Expr:
    group = int(call.scalar(2) or 0) if len(call) > 2 else 0
    pattern = _pattern(call, options=3)
    if group > pattern.groups:
        return pl.when(call[0].is_not_null()).then(pl.lit(""))
    found = call[0].str.extract(pattern.text, group)
    return pl.when(call[0].is_not_null()).then(found.fill_null(""))


def _extract_all(call: Operands) -> pl.Expr:
    group = int(call.scalar(2) or 0) if len(call) > 2 else 0
    pattern = _pattern(call, options=3)
    found = call[0].str.extract_all(pattern.text)
    if group == 0:
        return found
    return found.list.eval(pl.element().str.extract(pattern.text, group))


def _split(call: Operands) -> pl.Expr:
    pattern = _pattern(call).text
    found = call[0].str.split(pattern, literal=False)
    # An empty text is one empty part, unless it is split into its letters.
    empty = pl.lit([""] if pattern else [], dtype=pl.List(pl.String))
    return pl.when(call[0] == "").then(empty).otherwise(found)


def _escape(text: str) -> str:
    return "".join(
        mark if mark.isalnum() or mark == "_" or not mark.isascii() else f"\\{mark}"
        for mark in text
    )


def _verified(
    *, options: int = 2, replacement: int | None = None, group: int | None = None
) -> Verify:
    """Reads the pattern when the workflow is compiled; the index tells which argument is wrong."""

    def verify(arguments: Sequence[Tree]) -> tuple[int, str] | None:
        values = [item.value if isinstance(item, Literal) else None for item in arguments]
        pattern = values[1] if len(values) > 1 else None
        given = values[options] if len(values) > options else None
        if not isinstance(pattern, str):
            return None
        marks = given.replace("g", "") if isinstance(given, str) and replacement else given
        try:
            read = regex.compile_pattern(pattern, marks if isinstance(marks, str) else "")
        except regex.BadPattern as problem:
            return (options if "option" in str(problem) else 1), str(problem)
        # Only counted repeats make a pattern that was read too large for the engine.
        if "{" in read.text and (bad := bad_pattern(read.text)) is not None:
            return 1, bad.message
        if replacement is not None and isinstance(values[replacement], str):
            try:
                regex.replacement(str(values[replacement]), read.groups)
            except regex.BadPattern as problem:
                return replacement, str(problem)
        wanted = values[group] if group is not None and len(values) > group else None
        if isinstance(wanted, int) and not 0 <= wanted <= max(9, read.groups):
            return group or 0, "a group is a number from 0 to 9"
        return None

    return verify


def _verify_like(arguments: Sequence[Tree]) -> tuple[int, str] | None:
    values = [item.value if isinstance(item, Literal) else None for item in arguments]
    escape = values[2] if len(values) == 3 else None
    if isinstance(escape, str) and len(escape) > 1:
        return 2, "the escape is one character"
    if isinstance(values[1], str):
        try:
            regex.like(values[1], escape if isinstance(escape, str) else None)
        except regex.BadPattern as problem:
            return 1, str(problem)
    return None


def _like_function(name: str, doc: str, example: str, ignore_case: bool, negated: bool) -> Function:
    lower = _like(ignore_case, negated)
    signatures = (
        takes(STRING, STRING, gives=BOOLEAN, lower=lower),
        takes(STRING, STRING, _P, gives=BOOLEAN, lower=lower),
    )
    return Function(name, signatures, doc, example, verify=_verify_like)


_TEXTS: Final = List(STRING)

FUNCTIONS: Final = (
    _like_function("like", "Whether the text is like the pattern: `%` is any text, `_` one"
                   " character.", "'abc' like 'a%' → true", False, False),
    _like_function("not like", "Whether the text is not like the pattern.",
                   "'abc' not like 'b%' → true", False, True),
    _like_function("ilike", "Like `like`, without regard to case.", "'ABC' ilike 'a%' → true",
                   True, False),
    _like_function("not ilike", "Like `not like`, without regard to case.",
                   "'ABC' not ilike 'a%' → false", True, True),
    Function("glob", (takes(STRING, _P, gives=BOOLEAN, lower=_glob),),
             "Whether the text fits a file pattern: `*`, `?`, `[a-z]`.",
             "'a.csv' glob '*.csv' → true"),
    Function("regexp_matches", (takes(STRING, _P, gives=BOOLEAN, lower=_matches(False)),
                                takes(STRING, _P, _P, gives=BOOLEAN, lower=_matches(False))),
             "Whether a regular expression fits somewhere; options `i` (any case), `s` (`.` is a"
             " line break, too), `l` (literal).", r"regexp_matches('a12', '\d+') → true",
             verify=_verified()),
    Function("!~", (takes(STRING, _P, gives=BOOLEAN, lower=_matches(True)),),
             "Whether a regular expression fits nowhere.", "'abc' !~ 'x' → true",
             verify=_verified()),
    Function("regexp_full_match", (takes(STRING, _P, gives=BOOLEAN, lower=_full_match),
                                   takes(STRING, _P, _P, gives=BOOLEAN, lower=_full_match)),
             "Whether a regular expression fits the whole text.",
             "regexp_full_match('abc', 'a.') → false", verify=_verified()),
    Function("regexp_replace", (takes(STRING, _P, _P, gives=STRING, lower=_replace),
                                takes(STRING, _P, _P, _P, gives=STRING, lower=_replace)),
             r"With the first match replaced, or each one with the option `g`; `\1` is a group.",
             r"regexp_replace('a-b-c', '-(\w)', '+\1', 'g') → 'a+b+c'",
             verify=_verified(options=3, replacement=2)),
    Function("regexp_extract", (takes(STRING, _P, gives=STRING, lower=_extract),
                                takes(STRING, _P, Fixed(INT32), gives=STRING, lower=_extract),
                                takes(STRING, _P, Fixed(INT32), _P, gives=STRING, lower=_extract)),
             "The first match, or one group of it; empty where there is none.",
             r"regexp_extract('a12b', '(\d)(\d)', 2) → '2'", verify=_verified(options=3, group=2)),
    Function("regexp_extract_all", (takes(STRING, _P, gives=_TEXTS, lower=_extract_all),
                                    takes(STRING, _P, Fixed(INT32), gives=_TEXTS,
                                          lower=_extract_all)),
             "All matches, or one group of each.", r"regexp_extract_all('a1b2', '\d') → ['1', '2']",
             verify=_verified(options=3, group=2)),
    Function("regexp_split_to_array", (takes(STRING, _P, gives=_TEXTS, lower=_split),),
             "The parts between matches.",
             r"regexp_split_to_array('a1b22c', '\d+') → ['a', 'b', 'c']",
             aliases=("string_split_regex", "str_split_regex"), verify=_verified()),
    Function("regexp_escape", (takes(STRING, gives=STRING, lower=lambda call: elementwise(
                                     _escape, call.values, STRING)),),
             "As a regular expression that fits this text alone.",
             r"regexp_escape('a.b') → 'a\.b'"),
)  # fmt: skip
