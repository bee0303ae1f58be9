"""`flowctl explain CODE`: what a code means, why it matters, how to mend it."""

from __future__ import annotations

import textwrap

import click

from flowctl.cli import options, render
from flowctl.cli.paint import Paint
from flowctl.codes import CODES, FAMILIES
from flowctl.diagnostics import Code, nearest
from flowctl.errors import UsageError


@click.command(short_help="Explain a diagnostic's code.")
@click.argument("code", required=False)
@options.colour
def explain(code: str | None, colour: str) -> None:
    """Explain a diagnostic's CODE, such as E203.

    Without one, or with the beginning of one such as E2, list all codes.
    """
    screen = render.console(colour).out
    wanted = (code or "").upper()
    if wanted in CODES:
        screen.write(_one(CODES[wanted], screen.width, screen.paint))
    elif any(known.startswith(wanted) for known in CODES):
        screen.write(_list(wanted, screen.paint))
    else:
        near = nearest(wanted, list(CODES))
        hint = f"did you mean `{near}`?" if near else "`flowctl explain` lists them all"
        raise UsageError(f"there is no code `{code}`; {hint}")


def _one(code: Code, width: int, paint: Paint) -> str:
    head = f"{paint(code.severity, f'{code.severity}[{code.id}]')}: {paint('strong', code.title)}"
    return f"{head}\n\n{paragraphs(code.explanation, min(width, 88))}\n"


def _list(beginning: str, paint: Paint) -> str:
    """The codes by family, as far as they begin so."""
    parts = []
    for family in FAMILIES:
        codes = [found for found in vars(family).values() if isinstance(found, Code)]
        members = sorted(
            (found for found in codes if found.id.startswith(beginning)), key=lambda one: one.id
        )
        if members:
            parts.append(paint("strong", (family.__doc__ or "").strip()))
            parts += [f"  {paint(one.severity, one.id)}  {one.title}" for one in members]
            parts.append("")
    return "\n".join(parts[:-1]) + "\n"


def paragraphs(text: str, width: int) -> str:
    """Text set to a width; paragraphs that hold an indented line are examples and stay."""
    blocks = textwrap.dedent(text).strip("\n").split("\n\n")
    return "\n\n".join(
        block
        if any(line.startswith(" ") for line in block.splitlines())
        else textwrap.fill(" ".join(block.split()), width, break_on_hyphens=False)
        for block in blocks
    )
