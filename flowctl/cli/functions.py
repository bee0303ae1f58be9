"""`flowctl kinds functions`: the functions and operators of expressions, from their one table."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from flowctl.cli.paint import Paint
from flowctl.expressions.functions import BY_NAME, FAMILIES, FUNCTIONS, Function, Signature


def table(width: int, paint: Paint) -> str:
    """All functions by family, each with its signatures, what it does and an example."""
    lines: list[str] = []
    for family, members in FAMILIES.items():
        lines.append(paint("strong", family))
        for function in members:
            lines += _entry(function, width, paint)
        lines.append("")
    aliases = sum(len(function.aliases) for function in FUNCTIONS.values())
    lines.append(f"{len(FUNCTIONS)} functions, {aliases} more names for them")
    return "\n".join(lines) + "\n"


def one(name: str, width: int, paint: Paint) -> str | None:
    """A single function, or None where there is none of this name."""
    function = BY_NAME.get(name.lower())
    return "\n".join(_entry(function, width, paint)) + "\n" if function else None


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
