"""The project's own files, as compilation reads them: confined, each once, and remembered."""

from __future__ import annotations

import os
from dataclasses import field
from pathlib import Path

from flowctl.codes.templates import OUTSIDE_PROJECT, REF_TARGET
from flowctl.compiler.stages import Project
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Code, Diagnostic, Report, nearest
from flowctl.ordinary import read_file
from flowctl.syntax import parse, read_source
from flowctl.syntax.node import Node, UnknownNode

MAX_TEXT = 1_000_000


class FileRefused(Exception):
    """A file that may not or cannot be read; without a message the report already says why."""

    def __init__(self, code: Code, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help


@dataclass(slots=True)
class ProjectFiles:
    """Reads files below the project's folder; `read` are all that were asked for, in order.

    `trees` are those of one document: its own, and those that it refers to.
    """

    project: Project
    report: Report
    read: dict[Path, None] = field(default_factory=dict)
    trees: dict[str, Node | None] = field(default_factory=dict)
    _parsed: dict[str, Node | None] = field(default_factory=dict)
    _root: Path | None = None

    def seen_from(self, project: Project) -> ProjectFiles:
        """The same files for another document; what is read is read once, and as confined."""
        return ProjectFiles(project, self.report, self.read, {}, self._parsed, self._root)

    def locate(self, written: str, holder: str) -> Path:
        """The path that a file refers to as `written`; raises FileRefused outside the project."""
        if "://" in written:
            message = f"`{written}` is not in the project; nothing is read from the network"
            raise FileRefused(OUTSIDE_PROJECT, message)
        if "\0" in written:
            raise FileRefused(REF_TARGET, "a path holds no NUL character")
        folder = self.project.base if holder.startswith("<") else Path(holder).parent
        path = Path(os.path.normpath(folder / written))
        if self._root is None:
            self._root = self.project.root.resolve()
        try:
            inside = path.resolve().is_relative_to(self._root)
        except (OSError, RuntimeError) as error:  # a circle of symbolic links
            raise FileRefused(REF_TARGET, f"`{written}` cannot be read: {error}") from None
        if not inside:
            message = f"`{written}` lies outside of the project folder"
            help = "a `flowctl.toml` marks the folder that is the project's"
            raise FileRefused(OUTSIDE_PROJECT, message, help)
        return path

    def tree(self, path: Path, written: str) -> Node:
        """The located tree of a file, read once; raises FileRefused.

        The faults of its text go into the report.
        """
        name = path.as_posix()
        if name not in self.trees:
            if name not in self._parsed:
                self._parsed[name] = self._parse(path, written)
            self.trees[name] = self._parsed[name]
        known = self.trees[name]
        if known is None:
            raise FileRefused(REF_TARGET, "")
        return known

    def text(self, path: Path, written: str) -> str:
        """The text of a file; raises FileRefused."""
        self.read[path] = None
        try:
            data = read_file(path, MAX_TEXT + 1)
        except OSError as error:
            raise self._refusal(path, written, error) from None
        if len(data) > MAX_TEXT:
            raise FileRefused(REF_TARGET, f"`{written}` is larger than {MAX_TEXT:,} bytes")
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise FileRefused(REF_TARGET, f"`{written}` is not UTF-8") from None

    def _parse(self, path: Path, written: str) -> Node | None:
        self.read[path] = None
        try:
            source = read_source(path)
        except OSError as error:
            raise self._refusal(path, written, error) from None
        if isinstance(source, Diagnostic):
            self.report.add(source)
            return None
        tree = parse(source, self.report)
        return None if isinstance(tree, UnknownNode) else tree

    def _refusal(self, path: Path, written: str, error: OSError) -> FileRefused:
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            reason = (error.strerror or str(error)).lower()
            return FileRefused(REF_TARGET, f"`{written}` cannot be read: {reason}")
        # The workflow itself, whose tree is the first, is not what its author meant.
        near = _nearest_file(path, next(iter(self.trees), ""))
        help = f"did you mean `{(Path(written).parent / near).as_posix()}`?" if near else None
        return FileRefused(REF_TARGET, f"there is no file `{written}`", help)


def _nearest_file(path: Path, besides: str) -> str | None:
    try:
        files = sorted(path.parent.iterdir())
    except OSError:
        return None
    names = [file.name for file in files if file.as_posix() != besides]
    return nearest(path.name, [name for name in names if name.endswith(path.suffix)])
