"""`flowctl preview FILE [STEP]`: the first records after each transform."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flowctl.api.given import Given
from flowctl.cli import options, render
from flowctl.cli.paint import cut, safe, width
from flowctl.cli.render import Screen, table
from flowctl.diagnostics import nearest
from flowctl.errors import RunFailed, UsageError

if TYPE_CHECKING:
    import polars as pl

    from flowctl.cli.slices import Slice
    from flowctl.plan import Plan, Step

_LEAST = 8


@click.command(short_help="Show the first records after each transform.")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("step", required=False)
@click.option(
    "--rows",
    type=click.IntRange(1, 100),
    default=3,
    metavar="N",
    show_default=True,
    help="Records to show.",
)
@options.inputs
@options.colour
def preview(file: Path, step: str | None, rows: int, given: Given, colour: str) -> None:
    """Show the first records of each stream of FILE, or of one STEP, after each transform.

    Each record is a column. Faulty records are left out, and no file is written.
    """
    from flowctl.api.preparing import compiled_now
    from flowctl.cli.telling import plan_of

    console = render.console(colour)
    plan = plan_of(compiled_now(file, given), console.err)
    for chosen in _chosen(plan, step):
        _show(plan, chosen, rows, file.parent, console.out)


def _chosen(plan: Plan, name: str | None) -> list[Step]:
    """The streams of the plan, or the one that is named."""
    from flowctl.plan import Stream

    streams = [step for step in plan.steps if isinstance(step.body, Stream)]
    if name is None:
        return streams
    found = [step for step in streams if step.id == name]
    if not found:
        near = nearest(name, [step.id for step in streams])
        known = any(step.id == name for step in plan.steps)
        what = f"`{name}` is no stream" if known else f"there is no step `{name}`"
        raise UsageError(f"{what}{f'; did you mean `{near}`?' if near and not known else ''}")
    return found


def _show(plan: Plan, step: Step, rows: int, base: Path, out: Screen) -> None:
    import polars as pl

    from flowctl.api.working import work_quietly
    from flowctl.cli.slices import slices

    with tempfile.TemporaryDirectory(prefix="flowctl-preview-") as folder:
        cut_plan, places = slices(plan, step, rows, Path(folder))
        result = work_quietly(cut_plan, base, Path(folder))
        faults = [fault for state in result.steps.values() for fault in state.faults]
        out.line(out.paint("strong", step.id))
        known: list[str] = []
        for place in places:
            if not place.file.exists():
                break
            frame = pl.read_parquet(place.file)
            known = [] if place.begins else known
            out.write("\n".join(_place(place, frame, known, out)) + "\n\n")
            known = frame.columns
    if faults:
        out.diagnostics(faults, counted=False)
        raise RunFailed


def _place(place: Slice, frame: pl.DataFrame, known: list[str], out: Screen) -> Iterator[str]:
    """What was done there, and a line for each column; new ones have a mark."""
    from flowctl.cli import wording

    told = "; ".join(wording.lines(place.operation))
    kind = f"{place.operation.kind}: " if place.part == "source" else ""
    yield f"  {out.paint('frame', place.part)}  {cut(safe(kind + told), out.width - 14)}"
    if frame.is_empty():
        yield "    no records"
        return
    names = [
        f"{'+' if known and column not in known else ' '} {safe(column)}"
        for column in frame.columns
    ]
    room = out.width - max(map(width, names)) - 4
    each = max(room // frame.height - 2, _LEAST)
    shown = max(min(frame.height, room // (each + 2)), 1)
    rows = [
        (name, *(cut(_text(value), each) for value in frame[column].head(shown).to_list()))
        for name, column in zip(names, frame.columns, strict=True)
    ]
    yield table(rows, indent=2)


def _text(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return safe(str(value))
