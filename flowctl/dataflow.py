"""The contract between the stream engine and what reads and writes: splits, readers, writers.

A source cuts its input into splits: the cut depends on the input and the plan alone. Each split is
read as one lazy frame, goes through the operators of the step, is encoded by the writers, and is
committed in order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from flowctl.dataclass import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from flowctl.diagnostics import Fault
    from flowctl.syntax.node import Json

SOURCE_FILE = "__source_file"
SOURCE_LINE = "__source_line"
RECORD = "__record"
SUSPECT = "__suspect"
BRANCH = "__branch"
RESERVED = frozenset({SOURCE_FILE, SOURCE_LINE, RECORD, SUSPECT, BRANCH})
CARRIED = r"^__(source_file|source_line|record|suspect)$"
"""A column pattern: an operator that drops columns keeps those that match, as in
`frame.select("a", "b", pl.col(CARRIED))`. They are the engine's own and no sink sees them."""


def reserved(name: str) -> bool:
    """Whether no column of the data may have this name: it would mean others to the engine.

    >>> reserved("*"), reserved("^a.*$"), reserved("a*")
    (True, True, False)
    """
    return name in RESERVED or name == "*" or (name.startswith("^") and name.endswith("$"))


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record stands: the file as the workflow names it, the 1-based line of its start.

    `offset` counts bytes of the (uncompressed) file; it is None where records have no byte of
    their own, as in Parquet, and `line` then counts records. `text` is the record as it stands.
    """

    file: str
    line: int | None
    offset: int | None
    text: str


@dataclass(frozen=True, slots=True)
class RecordFault:
    """What is wrong with one record: its index in the split, the broken rule, the message.

    `pointer` leads from the component's mapping to the argument that the record breaks.
    """

    record: int
    rule: str
    message: str
    pointer: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class Scan:
    """A split as the hot path reads it; a column SUSPECT, if any, tells what must be examined.

    Of `rows` records the frame holds so many more (or less, below 0), where they have met others.
    """

    rows: int
    frame: pl.LazyFrame
    more: int = 0


@dataclass(frozen=True, slots=True)
class Examined:
    """A split read with care: `frame` holds the sound records with their index in RECORD.

    It has all columns of the source, and of the engine's own those that were asked for. `faults`
    are sorted by record, one each; `rows` counts sound and faulty records, to which as many have
    come as `more` says (or have gone, below 0).
    """

    rows: int
    frame: pl.DataFrame
    faults: tuple[RecordFault, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bytes of a file that were read, with their XXH3, so that a change of them is noticed later.

    They are those of the text in the file, in UTF-8, or those of the file itself where it is `raw`.
    `line` is where the next record stands, from 1, in what `counted` says. An `unended` stretch
    may end in the midst of a record, should the file grow. The stream's own
    source has the number 0 among its inputs.
    """

    file: str
    start: int
    end: int
    line: int
    digest: str
    raw: bool = False
    counted: Literal["lines", "records"] = "lines"
    unended: bool = False
    input: int = 0


class Split(Protocol):
    """A stretch of the input that is read at once; safe to use from any one thread."""

    @property
    def size(self) -> int:
        """Bytes of the input that this split stands for."""
        ...

    @property
    def after(self) -> Json:
        """The position from which `Reader.splits` goes on behind this split."""
        ...

    def taken(self) -> Sequence[Stretch]:
        """What of the files this split has used, headers too; raises BadInput.

        A file that nobody can change, such as a work file, counts for nothing here.
        """
        ...

    def scan(self, columns: Sequence[str]) -> Scan | None:
        """A lazy query over all columns, of which only these are used and can be at fault.

        None where the split has to be examined at once.
        """
        ...

    def examine(self, columns: Sequence[str]) -> Examined:
        """The same records, with those told apart that are at fault in these columns.

        A value of another column that cannot be read is null. Raises BadInput.
        """
        ...

    def origins(self, records: Sequence[int]) -> list[Origin]:
        """Where these records stand; they are sorted indexes."""
        ...


class Reader(Protocol):
    """An opened source."""

    @property
    def size(self) -> int | None:
        """Bytes that all splits will stand for together, where that is known."""
        ...

    def splits(self, target: int, start: Json = None) -> Iterator[Split]:
        """The splits in order, each of about `target` bytes; raises BadInput.

        `start` is the `after` of the split behind which reading goes on.
        """
        ...

    def close(self) -> None: ...


@runtime_checkable
class Growing(Protocol):
    """A reader of an input to which more comes, without end."""

    def coming(self, target: int, start: Json = None) -> Iterator[Split | None]:
        """The splits as they come, as `Reader.splits` gives them; None where nothing is there yet.

        Who gets None asks again a little later. Raises BadInput.
        """
        ...

    @property
    def beginning(self) -> Json:
        """The position before the first split, once it is known; None before."""
        ...

    def noticed(self) -> Sequence[Fault]:
        """What has happened to the input since this was last asked, for people."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """An encoded run of records.

    `footer` is what a format says of the part at the end of the file, for a part at offset 0.
    `between` stands before the body, unless it is the file's first part.
    """

    body: bytes
    footer: bytes = b""
    between: bytes = b""


class Writer(Protocol):
    """An opened sink: pure functions from records to bytes, called from any thread."""

    @property
    def rows(self) -> int:
        """Records that are gathered before they are encoded; 0: each split by itself."""
        ...

    def begin(self) -> bytes:
        """What stands before the first part."""
        ...

    def encode(self, frame: pl.DataFrame) -> Part:
        """The bytes of these records."""
        ...

    def finish(self, footers: Sequence[tuple[int, bytes]]) -> bytes:
        """What stands behind the last part, given each part's offset in the file and footer."""
        ...


@runtime_checkable
class Appending(Protocol):
    """A writer whose parts may stand behind what a file holds already."""

    def misfit(self, path: Path, name: str) -> Fault | None:
        """Why they cannot stand behind this file, which may not exist; `name` is for people."""
        ...


@dataclass(frozen=True, slots=True)
class Joined:
    """A file made of two: so many bytes of the one, a stretch of the other, and a new end."""

    before: int
    start: int
    end: int
    tail: bytes


@runtime_checkable
class Joining(Protocol):
    """A writer whose whole files can be put together, their records as they are written."""

    def misfit(self, path: Path, name: str) -> Fault | None:
        """Why its files cannot join this one; `name` is for people."""
        ...

    def joined(self, old: Path, new: Path) -> Joined:
        """How two files become one; raises BadInput and OSError."""
        ...


class BadInput(Exception):
    """Input that cannot be read on, such as a damaged file or a quote that never ends.

    It is no record's fault, so no `on_error` helps.
    """

    def __init__(self, fault: Fault, file: str | None = None, line: int | None = None) -> None:
        super().__init__(fault.message)
        self.fault = fault
        self.file = file
        self.line = line
