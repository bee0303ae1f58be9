"""Where something stands in a file, what is wrong there, and the report that collects it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field, replace
from difflib import get_close_matches
from typing import Literal, NamedTuple

from flowctl.dataclass import dataclass

Severity = Literal["error", "warning", "note"]


class Span(NamedTuple):
    """A stretch of a text file: lines and columns are 1-based code points, the end is exclusive.

    `file` is an absolute POSIX path, or a name in angle brackets (`<stdin>`); how it is shown to a
    person is up to whoever prints it. (A named tuple, since each value of a document has one.)
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    @classmethod
    def point(cls, file: str, line: int, column: int) -> Span:
        """The one character at this place."""
        return cls(file, line, column, line, column + 1)

    def to(self, other: Span) -> Span:
        """From the start of this span to the end of the other one, in the same file."""
        return self._replace(end_line=other.end_line, end_column=other.end_column)


@dataclass(frozen=True, slots=True, order=True)
class Related:
    """A second place that explains the first: `first defined here`."""

    span: Span
    message: str


@dataclass(frozen=True, slots=True)
class Frame:
    """One link of the chain that made a value: the place of a `$ref`, template or matrix cell.

    `kind` is the word that a person reads (`$ref`, `template`, `matrix`, `profile`, `defaults`,
    `uses`), `detail` what it says there (`{{ params.year }}`, `load[us,2012]`).
    """

    kind: str
    detail: str
    span: Span


@dataclass(frozen=True, slots=True)
class Code:
    """A stable name for one sort of fault; `explain CODE` prints the explanation."""

    id: str
    title: str
    explanation: str
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One fault, told at the place where it was written."""

    code: Code
    message: str
    span: Span | None = None
    help: str | None = None
    related: tuple[Related, ...] = ()
    trace: tuple[Frame, ...] = ()

    def __str__(self) -> str:
        """One line, as compilers write it: `FILE:LINE:COLUMN: error[CODE]: message`."""
        place = f"{self.span.file}:{self.span.line}:{self.span.column}: " if self.span else ""
        return f"{place}{self.severity}[{self.code.id}]: {self.message}"

    @property
    def severity(self) -> Severity:
        return self.code.severity


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault found in a value, by someone who does not know in which file the value was written.

    `pointer` leads from the value that was looked at to the part that is wrong, `start` and `end`
    are offsets into that part's text; `key` tells that the key at the pointer's end is wrong, not
    the value under it. Whoever knows the file makes it a Diagnostic.
    """

    code: Code
    message: str
    pointer: tuple[str | int, ...] = ()
    start: int | None = None
    end: int | None = None
    help: str | None = None
    key: bool = False

    def below(self, *pointer: str | int) -> Fault:
        """The same fault, seen from a value that holds this one under `pointer`."""
        return replace(self, pointer=(*pointer, *self.pointer))


@dataclass(slots=True)
class Report:
    """Collects the faults of one compilation; each is kept once, whoever finds it how often.

    `strict` makes an error of each note, that is of whatever could not be checked.
    """

    strict: bool = False
    _found: dict[tuple[str, Span | None, str], Diagnostic] = field(default_factory=dict)

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep a fault, unless the same code and message already stand at the same place."""
        if self.strict and diagnostic.severity == "note":
            diagnostic = replace(diagnostic, code=replace(diagnostic.code, severity="error"))
        key = (diagnostic.code.id, diagnostic.span, diagnostic.message)
        self._found.setdefault(key, diagnostic)

    def say(
        self,
        code: Code,
        span: Span | None,
        message: str,
        *,
        help: str | None = None,
        related: tuple[Related, ...] = (),
        trace: tuple[Frame, ...] = (),
    ) -> None:
        """Make a diagnostic and keep it."""
        self.add(Diagnostic(code, message, span, help, related, trace))

    def __iter__(self) -> Iterator[Diagnostic]:
        """In the order of files, lines and columns; what has no place comes first."""
        return iter(sorted(self._found.values(), key=_place))

    def __len__(self) -> int:
        return len(self._found)

    @property
    def failed(self) -> bool:
        """Whether anything stands in the way of a run."""
        return any(found.severity == "error" for found in self._found.values())


def nearest(name: str, legal: Iterable[str]) -> str | None:
    """The legal name that a misspelt one most likely means, if any is near.

    >>> nearest("fliter", ["derive", "filter"])
    'filter'
    >>> nearest("xyz", ["derive", "filter"])
    """
    names = list(legal)
    folded = {candidate.lower(): candidate for candidate in names}
    if name.lower() in folded:
        return folded[name.lower()]
    close = get_close_matches(name.lower(), list(folded), n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def _place(found: Diagnostic) -> tuple[str, int, int, int, int, str, str]:
    span = found.span or Span("", 0, 0, 0, 0)
    return (
        span.file,
        span.line,
        span.column,
        span.end_line,
        span.end_column,
        found.code.id,
        found.message,
    )
