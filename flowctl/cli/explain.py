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
    """Explain a diagnostic's CODE, such as E203; without one, list them all."""
    screen = render.console(colour).out
    if code is None:
        screen.write(_all(screen.paint))
        return
    found = CODES.get(code.upper())
    if found is None:
        near = nearest(code.upper(), list(CODES))
        hint = f"did you mean {near}?" if near else "`flowctl explain` lists them all"
        raise UsageError(f"there is no code `{code}`; {hint}")
    screen.write(_one(found, screen.width, screen.paint))


def _one(code: Code, width: int, paint: Paint) -> str:
    head = f"{paint(code.severity, f'{code.severity}[{code.id}]')}: {paint('strong', code.title)}"
    return f"{head}\n\n{paragraphs(code.explanation, min(width, 88))}\n"


def _all(paint: Paint) -> str:
    parts = []
    for family in FAMILIES:
        members = [found for found in vars(family).values() if isinstance(found, Code)]
        if members:
            parts.append(paint("strong", (family.__doc__ or "").strip()))
            parts += [f"  {found.id}  {found.title}" for found in members]
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
