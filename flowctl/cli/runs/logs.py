"""`flowctl runs logs RUN [STEP] [-f]`: what the steps of a run have printed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from flowctl.cli import render
from flowctl.cli.render import Screen
from flowctl.cli.runs.finding import about_all, found, runs_of
from flowctl.diagnostics import nearest
from flowctl.errors import UsageError

if TYPE_CHECKING:
    from flowctl.interpreter.runs import RunRecord, Runs

_BETWEEN: Final = 0.1
"""Seconds between two looks at logs that are followed."""


@click.command(short_help="Print what steps have printed.")
@click.argument("run")
@click.argument("step", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on until the run has come to its end.")
@about_all
def logs(run: str, step: str | None, follow: bool, state_dir: Path | None, colour: str) -> None:
    """Print what the steps of RUN have printed, or STEP alone; both of its streams, as they came.

    Of a STEP that has cells these are printed. With several steps each line begins with its step.
    Secrets are `***`.
    """
    out = render.console(colour).out
    runs = runs_of(state_dir)
    record = found(runs, run)
    steps = list(runs.history(record.run).steps)
    cells = [id for id in steps if step is not None and id.startswith(f"{step}[")]
    if step is not None and step not in steps and not cells:
        near = nearest(step, steps)
        hint = f"; did you mean `{near}`?" if near else ""
        raise UsageError(f"run {record.run} has no step `{step}`{hint}")
    shown = steps if step is None else cells or [step]
    alone = shown == [step]
    tails = [_Tail(_log(runs, record, id), None if alone else id) for id in shown]
    while True:
        last = not follow or not runs.at_work(record.run)
        for tail in tails:
            tail.print(out, whole=last)
        if last:
            return
        time.sleep(_BETWEEN)


def _log(runs: Runs, record: RunRecord, step: str) -> Path:
    from flowctl.interpreter.setting import file_name

    return runs.folder(record.run) / "logs" / f"{file_name(step)}.log"


class _Tail:
    """A log that may still grow, from where it has been printed to."""

    def __init__(self, path: Path, step: str | None) -> None:
        self._path = path
        self._step = step
        self._at = 0

    def print(self, out: Screen, *, whole: bool) -> None:
        """Prints the lines that have come; the last one only with its end, unless it is `whole`."""
        for line in self._lines(whole):
            text = line.decode("utf-8", "replace").rstrip("\r\n")
            out.line(f"{self._step} | {text}" if self._step else text)

    def _lines(self, whole: bool) -> Iterator[bytes]:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._at)
            for line in file:
                if not whole and not line.endswith(b"\n"):
                    return
                self._at += len(line)
                yield line
