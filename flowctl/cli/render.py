"""The only module that prints: data to stdout, everything else to stderr."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, TextIO

from flowctl.cli import report
from flowctl.cli.paint import Paint, width
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Diagnostic

PLAIN_WIDTH = 80


@dataclass(frozen=True, slots=True)
class Screen:
    """A stream, and what may be shown on it."""

    stream: TextIO
    width: int
    paint: Paint
    terminal: bool

    def write(self, text: str) -> None:
        """Write at once; raises BrokenPipeError where nobody reads any more."""
        self.stream.write(text)
        self.stream.flush()

    @property
    def binary(self) -> BinaryIO:
        """The stream for bytes."""
        return self.stream.buffer

    def line(self, text: str = "") -> None:
        """Write a line."""
        self.write(text + "\n")

    def diagnostics(self, found: Sequence[Diagnostic], *, counted: bool = True) -> None:
        """Write each with its source, and the counts; nothing where there are none."""
        if found:
            sources = report.Sources(Path.cwd())
            self.write(report.text(found, sources, self.width, self.paint))
            if counted:
                self.line(self.paint("strong", report.counts(found)))


@dataclass(frozen=True, slots=True)
class Console:
    """Both streams of the process."""

    out: Screen
    err: Screen


def console(colour: str = "auto") -> Console:
    """The console of this process; `colour` is `auto`, `always` or `never`."""
    return Console(screen(sys.stdout, colour), screen(sys.stderr, colour))


def screen(stream: TextIO, colour: str) -> Screen:
    """What a stream can show: 80 columns without colour unless it is a terminal."""
    if isinstance(stream, TextIOWrapper):
        # A source line may hold what the terminal's encoding does not.
        stream.reconfigure(errors="backslashreplace")
    terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
    wide = shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns if terminal else PLAIN_WIDTH
    coloured = terminal and not os.environ.get("NO_COLOR")
    on = colour == "always" or (colour == "auto" and coloured)
    return Screen(stream, wide, Paint(on), terminal)


def open_streams() -> None:
    """Give the process the standard streams that it was started without."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))


def silence() -> None:
    """Let nothing more be written to stdout, whose reader is gone."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def table(rows: Sequence[Sequence[str]], right: Sequence[int] = (), indent: int = 0) -> str:
    """Rows in aligned columns, those named in `right` to the right; without a line's end at last.

    >>> print(table([("step", "rows"), ("a", "1"), ("bc", "1,000")], right=[1]))
    step   rows
    a         1
    bc    1,000
    """
    if not rows:
        return ""
    widths = [max(width(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        padded = []
        for column, text in enumerate(row):
            space = " " * (widths[column] - width(text))
            padded.append(space + text if column in right else text + space)
        lines.append(" " * indent + "  ".join(padded).rstrip())
    return "\n".join(lines)
