"""Records in a file of rejects, mended perhaps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from flowctl.codec import Malformed, decode, encode
from flowctl.codes.replay import NOT_A_REJECT
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Diagnostic, Span
from flowctl.files.paths import DataFile
from flowctl.files.streams import PIECE, open_stream
from flowctl.plan import canonical

Key: TypeAlias = tuple[str, str, int | None, int | None]
"""What tells a reject from all others: its step, and where its record stands."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A line of a file of rejects."""

    file: str
    line: int | None
    offset: int | None
    step: str
    transform: str
    rule: str
    message: str
    record: str

    @property
    def key(self) -> Key:
        return self.step, self.file, self.line, self.offset

    @property
    def place(self) -> str:
        """Where the record stands, for people."""
        if not self.file:
            return "a record without a place"
        return self.file if self.line is None else f"{self.file}:{self.line:,}"

    def to_line(self) -> str:
        return canonical(encode(self)) + "\n"


@dataclass(frozen=True, slots=True)
class Listed:
    """A reject and the line of the file in which it stands."""

    reject: Reject
    at: int


def read_rejects(path: Path) -> Iterator[Listed | Diagnostic]:
    """The rejects of a file, compressed perhaps, and what is wrong with lines that are none.

    Raises BadInput where the file cannot be read.
    """
    stream = open_stream(DataFile(path, path.name))
    try:
        data = b"".join(iter(lambda: stream.read(PIECE), b""))
    finally:
        stream.close()
    for at, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            yield _listed(line, at, path)


def _listed(line: bytes, at: int, path: Path) -> Listed | Diagnostic:
    try:
        # Options of other writers, such as a null for what is missing, are the same here.
        return Listed(decode(Reject, json.loads(line)), at)
    except Malformed as error:
        where = "/".join(map(str, error.pointer))
        return not_usable(path, at, f"{where}: {error.message}" if where else error.message)
    except ValueError as error:
        return not_usable(path, at, f"the line is not JSON: {error}")


def not_usable(path: Path, at: int, message: str, help: str | None = None) -> Diagnostic:
    """What is wrong with a reject, told at its line."""
    span = Span(path.absolute().as_posix(), at, 1, at, 2)
    return Diagnostic(NOT_A_REJECT, message, span, help)
