"""`flowctl kinds functions`: the functions and operators of expressions, from their one table."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Final

from flowctl.cli.paint import Paint
from flowctl.expressions.aggregates import AGGREGATES
from flowctl.expressions.functions import BY_NAME, FAMILIES, Function, Signature
from flowctl.expressions.windows import WINDOWS

_OF_MANY: Final[dict[str, tuple[Function, ...]]] = {
    "only in the transform aggregate": tuple(entry.function for entry in AGGREGATES.values()),
    "only in the transform window": tuple(
        entry.function for entry in WINDOWS.values() if entry.aggregate is None
    ),
}
"""Functions that look at many records; in a window some of the aggregates stand, too."""


def table(width: int, paint: Paint) -> str:
    """All functions by family, each with its signatures, what it does and an example."""
    families = {**FAMILIES, **_OF_MANY}
    lines: list[str] = []
    for family, members in families.items():
        lines.append(paint("strong", family))
        for function in members:
            lines += _entry(function, width, paint)
        lines.append("")
    found = [function for members in families.values() for function in members]
    aliases = sum(len(function.aliases) for function in found)
    lines.append(f"{len(found)} functions, {aliases} more names for them")
    return "\n".join(lines) + "\n"


def one(name: str, width: int, paint: Paint) -> str | None:
    """A single function, or None where there is none of this name."""
    found = [BY_NAME[name.lower()]] if name.lower() in BY_NAME else []
    many = (function for members in _OF_MANY.values() for function in members)
    found += [function for function in many if name.lower() in (function.name, *function.aliases)]
    lines = [line for function in found for line in _entry(function, width, paint)]
    return "\n".join(lines) + "\n" if found else None


def _entry(function: Function, width: int, paint: Paint) -> Iterator[str]:
    for signature in function.signatures:
        call = _call(function.name, signature)
        lines = textwrap.wrap(call, width - 2, subsequent_indent="    ")
        yield from (f"  {paint('frame', line)}" for line in lines)
    also = f" Also {', '.join(function.aliases)}." if function.aliases else ""
    indent = " " * 6
    yield from textwrap.wrap(
        function.doc + also, width, initial_indent=indent, subsequent_indent=indent
    )
    example = textwrap.wrap(function.example, width - len(indent), subsequent_indent="    ")
    yield from (f"{indent}{paint('quiet', line)}" for line in example)


def _call(name: str, signature: Signature) -> str:
    """As it is written in an expression, and what it gives."""
    parameters, _, result = str(signature).rpartition(" → ")
    words = [str(parameter) for parameter in signature.parameters]
    if name.startswith("is ") and len(words) == 1:
        return f"{words[0]} {name} → {result}"
    if name[0].isalpha() and " " not in name:
        return f"{name}{parameters} → {result}"
    shown = f"{words[0]} {name} {' '.join(words[1:])}" if len(words) > 1 else f"{name} {words[0]}"
    return f"{shown} → {result}"
