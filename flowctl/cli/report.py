"""Diagnostics as a person reads them: place, message, source, where it came from, the mend."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import field
from pathlib import Path

from flowctl.cli.excerpt import Frame, Lines, excerpt
from flowctl.cli.paint import Paint, Role, safe
from flowctl.cli.quantities import plural
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Diagnostic, Span
from flowctl.ordinary import read_file
from flowctl.syntax.source import SourceFile

_ENDLESS = re.compile(r"(`[^`]{200})[^`]+`")

_ROLES: dict[str, Role] = {"error": "error", "warning": "warning", "note": "note"}


@dataclass(slots=True)
class Sources:
    """The texts that excerpts are taken from, each read once; names are seen from `folder`."""

    folder: Path
    _read: dict[str, SourceFile] = field(default_factory=dict)

    def __getitem__(self, file: str) -> SourceFile:
        if file not in self._read:
            self._read[file] = SourceFile(file, _text(file))
        return self._read[file]

    def shown(self, file: str) -> str:
        """The file's name for a person: the shorter one of relative and absolute path."""
        if not file.startswith("/"):
            return file
        return min(os.path.relpath(file, self.folder), file, key=len)

    def place(self, span: Span) -> str:
        """`file:line:column`, as editors and terminals know how to follow."""
        return safe(f"{self.shown(span.file)}:{span.line}:{span.column}")


def text(diagnostics: Iterable[Diagnostic], sources: Sources, width: int, paint: Paint) -> str:
    """All diagnostics, each a block of lines with an empty line behind it; notes are a list."""
    written: list[str] = []
    before = ""
    for found in diagnostics:
        block = "\n".join(_block(found, sources, width, paint)) + "\n\n"
        if found.severity == "note" == before:
            written[-1] = written[-1][:-1]
        written.append(block)
        before = found.severity
    return "".join(written)


def counts(diagnostics: Iterable[Diagnostic]) -> str:
    """The closing line.

    >>> from flowctl.diagnostics import Code
    >>> counts([Diagnostic(Code("E101", "", ""), "", Span.point("/a", 1, 1))])
    '1 error in 1 file'
    """
    found = list(diagnostics)
    words = []
    for severity in ("error", "warning", "note"):
        number = sum(one.severity == severity for one in found)
        if number:
            words.append(plural(number, severity))
    files = len({one.span.file for one in found if one.span})
    return ", ".join(words) + (f" in {plural(files, 'file')}" if files else "")


def _block(found: Diagnostic, sources: Sources, width: int, paint: Paint) -> Iterator[str]:
    role = _ROLES[found.severity]
    place = f"{sources.place(found.span)}: " if found.span else ""
    title = paint(role, f"{found.severity}[{found.code.id}]")
    yield f"{paint('strong', place)}{title}{paint('strong', ': ' + safe(_cropped(found.message)))}"
    if found.severity == "note":
        return  # nothing is to be mended, so its place is enough; `explain` tells the rest
    spans = [span for span in (found.span, *(other.span for other in found.related)) if span]
    digits = max((len(str(span.end_line)) for span in spans), default=1)
    frame = Frame(width, max(digits, 2), paint)
    shown: list[str] = []
    if found.span:
        shown = list(_excerpt(sources[found.span.file], found.span, frame, "^", role))
        yield from shown
    file = found.span.file if found.span else None
    for other in found.related:
        if other.span == found.span:
            continue  # cells of one matrix are written in one place: it is shown already
        if other.span.file != file:
            yield f"  {paint('strong', sources.place(other.span) + ':')}"
            file, shown = other.span.file, []
        lines = _excerpt(sources[file], other.span, frame, "-", "frame", safe(other.message))
        before, shown = shown, list(lines)
        same_line = len(before) > 1 and before[:1] == shown[:1]
        yield from shown[1:] if same_line else shown
    for step in found.trace:
        detail = f" {safe(step.detail)}" if step.detail != step.kind else ""
        yield f"  {paint('frame', f'in {step.kind}')}{detail} at {sources.place(step.span)}"
    if found.help:
        yield from _help(found.help, width, paint)


def _excerpt(
    lines: Lines, span: Span, frame: Frame, mark: str, role: Role, label: str = ""
) -> Iterator[str]:
    if lines.line(span.line) or lines.line(span.line + 1):
        yield from excerpt(lines, span, frame, mark, role, label)
    elif label:
        yield f"{frame.gutter(span.line)} {label}"


def _help(help: str, width: int, paint: Paint) -> Iterator[str]:
    indent = " " * 8
    lines = [safe(line) for line in _cropped(help).splitlines()]
    first, *rest = textwrap.wrap(
        lines[0], max(width - len(indent), 20), break_long_words=False, break_on_hyphens=False
    ) or [""]
    yield f"  {paint('help', 'help:')} {first}"
    yield from (indent + line for line in (*rest, *lines[1:]))


def _cropped(text: str) -> str:
    """The text with what it quotes cut where nobody would read to its end.

    >>> _cropped("unknown key `" + "k" * 1000 + "`") == "unknown key `" + "k" * 200 + "…`"
    True
    """
    return _ENDLESS.sub(r"\1…`", text)


def _text(file: str) -> str:
    try:
        data = read_file(Path(file))
    except (OSError, ValueError):
        return ""
    return data.removeprefix(b"\xef\xbb\xbf").decode(errors="replace")
