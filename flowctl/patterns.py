"""Regular expressions as the engine reads them (Rust's): faults and groups."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NamedTuple

_GROUP = re.compile(r"\(\?P?<(?P<name>[^>=!]+)>")
_CARETS = re.compile(r"\^+")
_INDENT = 4


class BadPattern(NamedTuple):
    """What is wrong with a pattern, and where in its text."""

    message: str
    start: int
    end: int


def bad_pattern(pattern: str) -> BadPattern | None:
    """What is wrong with a pattern; None where the engine can read it.

    >>> bad_pattern("a(b")
    BadPattern(message='unclosed group', start=1, end=2)
    """
    if _plainly_good(pattern):
        return None
    import polars
    from polars.exceptions import ComputeError

    try:
        polars.select(polars.lit("").str.contains(pattern))
    except ComputeError as error:
        return _located(str(error), pattern)
    return None


def group_names(pattern: str) -> list[str]:
    r"""The names of the groups, in the order of the text.

    >>> group_names(r"(?P<ip>\S+) \(?P<no> [(?P<no>] (?<user>\S+)")
    ['ip', 'user']
    """
    names: list[str] = []
    position = brackets = 0
    while position < len(pattern):
        mark = pattern[position]
        found = _GROUP.match(pattern, position)
        if mark == "\\":
            position += 1
        elif mark == "[":
            brackets += 1
        elif mark == "]" and brackets:
            brackets -= 1
        elif found and not brackets:
            names.append(found["name"])
        position += 1
    return names


def _plainly_good(pattern: str) -> bool:
    r"""Whether the pattern can be read for sure, asked without loading the engine.

    The JSON Schema library uses the same regular expressions, but knows a few escapes more.
    """
    if r"\c" in pattern:
        return False
    import jsonschema_rs

    try:
        jsonschema_rs.Draft202012Validator(
            {"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions()
        )
    except (ValueError, jsonschema_rs.ValidationError):
        return False
    return True


def _located(error: str, pattern: str) -> BadPattern:
    if "exceeds size limit" in error:
        message = "it is too large once its repeats are written out"
        return BadPattern(message, 0, len(pattern))
    lines = error.splitlines()
    message = next(
        (line.removeprefix("error: ") for line in lines if line.startswith("error: ")), lines[0]
    )
    for shown, below in pairwise(lines):
        carets = _CARETS.search(below)
        if shown[_INDENT:] == pattern and carets is not None:
            return BadPattern(message, carets.start() - _INDENT, carets.end() - _INDENT)
    return BadPattern(message, 0, len(pattern))
