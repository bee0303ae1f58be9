"""`flowctl kinds [KIND]`: what a workflow can be made of, told by the components themselves."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from flowctl.cli import arguments, options, render
from flowctl.cli.explain import paragraphs
from flowctl.cli.paint import Paint
from flowctl.diagnostics import nearest
from flowctl.errors import UsageError

if TYPE_CHECKING:
    from flowctl.component import Spec

FUNCTIONS = "functions"


@click.command(short_help="Show what workflows are made of.")
@click.argument("kind", required=False)
@options.colour
def kinds(kind: str | None, colour: str) -> None:
    """List what workflows are made of, or show the arguments of one KIND.

    `flowctl kinds functions` lists the functions of expressions.
    """
    screen = render.console(colour).out
    width = min(screen.width, 100)
    if kind == FUNCTIONS:
        from flowctl.cli.functions import table

        screen.write(table(width, screen.paint))
        return
    groups = _groups()
    if kind is None:
        screen.write(_overview(groups, width, screen.paint))
        return
    found = arguments.by_kind(groups, kind)
    if not found:
        from flowctl.cli.functions import one

        if function := one(kind, width, screen.paint):
            screen.write(function)
            return
        names = [name for specs in groups.values() for name in specs]
        near = nearest(kind, [*names, FUNCTIONS])
        hint = f"did you mean `{near}`?" if near else "`flowctl kinds` lists them all"
        raise UsageError(f"there is no kind `{kind}`; {hint}")
    screen.write("\n".join(_one(group, spec, width, screen.paint) for group, spec in found))


def _groups() -> dict[str, dict[str, Spec]]:
    from flowctl.registry import builtin

    registry = builtin()
    return {
        "source": {kind: one.spec for kind, one in sorted(registry.sources.items())},
        "transform": {kind: one.spec for kind, one in sorted(registry.transforms.items())},
        "sink": {kind: one.spec for kind, one in sorted(registry.sinks.items())},
        "step": {kind: one.spec for kind, one in sorted(registry.actions.items())},
    }


def _overview(groups: Mapping[str, Mapping[str, Spec]], width: int, paint: Paint) -> str:
    names = max(len(kind) for specs in groups.values() for kind in specs)
    blocks = []
    for group, specs in groups.items():
        lines = [paint("strong", f"{group}s")]
        for kind, spec in specs.items():
            text = textwrap.wrap(spec.summary, max(width - names - 4, 24))
            lines.append(f"  {kind:<{names}}  {text[0]}")
            lines += [f"  {'':<{names}}  {more}" for more in text[1:]]
        blocks.append("\n".join(lines))
    more = "`flowctl kinds KIND` tells more; `flowctl kinds functions` lists functions."
    return "\n\n".join([*blocks, more]) + "\n"


def _one(group: str, spec: Spec, width: int, paint: Paint) -> str:
    head = textwrap.fill(f"{spec.kind} ({group}): {spec.summary}", width, subsequent_indent="  ")
    parts = [
        paint("strong", spec.kind) + head.removeprefix(spec.kind),
        arguments.table(spec, width, paint),
    ]
    if spec.detail:
        parts.append(paragraphs(spec.detail, width))
    parts.append(f"{paint('strong', 'example')}\n{textwrap.indent(spec.example.strip(), '  ')}")
    return "\n\n".join(parts) + "\n"
