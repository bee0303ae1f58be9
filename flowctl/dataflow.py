"""The contract between the stream engine and the components that it drives at run time.

A source cuts its input into splits: the cut depends on the input and the plan alone. Each split is
read as one lazy frame, goes through the operators of the step, is encoded by the writers, and is
committed in order. On the hot path an operator only tells which records are *suspect*, cheaply and
rather too often than too seldom; a split with suspects is gone through again, operator by operator,
where `examine` says exactly which records are at fault and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

from flowctl.dataclass import dataclass

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from pathlib import Path

    import polars as pl

    from flowctl.diagnostics import Fault
    from flowctl.records import Schema
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
class Hazard:
    """One way in which records may be at fault at an operator.

    `suspect` is a boolean expression over the operator's input: true at least wherever `examine`
    finds a fault; None means that every record must be examined. `examine` takes the input frame
    and gives one string a record: the fault's message, null where there is none. `rule` names the
    broken rule in a reject; `pointer` leads to the argument (`("derive", "speed")`).
    """

    suspect: pl.Expr | None
    examine: Callable[[pl.DataFrame], pl.Series]
    rule: str
    pointer: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Rowwise:
    """One record in, one record out: columns are computed, renamed, dropped (see CARRIED)."""

    apply: Callable[[pl.LazyFrame], pl.LazyFrame]
    hazards: tuple[Hazard, ...] = ()


@dataclass(frozen=True, slots=True)
class Keep:
    """Keeps the records for which the predicate is true; null counts as false."""

    predicate: pl.Expr
    hazards: tuple[Hazard, ...] = ()


@dataclass(frozen=True, slots=True)
class InOrder:
    """Records pass split by split, in order, with a small state that is JSON.

    `step` takes the state and a frame and gives the next state and the frame that leaves; `done`
    tells from the state that nothing more will leave, so that reading may stop. `multiplies` says
    that one record may become several, which stand together; `stateless` that the state is always
    the same, so that no split needs to wait for those before it. It looks at the columns `needs`
    (None: at all of them), and the others only pass: those that nobody needs later are not there.
    """

    initial: Json
    step: Callable[[Json, pl.DataFrame], tuple[Json, pl.DataFrame]]
    done: Callable[[Json], bool]
    multiplies: bool = False
    stateless: bool = False
    needs: frozenset[str] | None = None


class Gathering(Protocol):
    """The records that a blocking transform has seen so far; one thread at a time uses it.

    What leaves depends on the splits and the plan alone, never on memory, workers or time.
    """

    def take(self, frame: pl.DataFrame) -> None:
        """The next split, condensed. All splits come, in order, empty ones too."""
        ...

    def leave(self) -> Iterator[pl.DataFrame]:
        """The result, in frames that are cut by the data alone; nothing is taken afterwards."""
        ...

    def checkpoint(self) -> Json:
        """Makes all that was taken durable in the work folder, and says how to find it again.

        That may be asked for while the result leaves, too, but not once all of it has left.
        The checkpoint before must be durable by now: what only earlier ones need is deleted.
        """
        ...

    def restore(self, state: Json) -> None:
        """Goes on from a checkpoint, in its folder; nothing has been taken yet."""
        ...

    def close(self) -> None:
        """Ends the work and deletes its files."""
        ...


class Ranged(Protocol):
    """Records that leave together, and are not put together yet."""

    @property
    def height(self) -> int: ...

    def gathered(self) -> pl.DataFrame:
        """The records; any thread may ask for them, more than once."""
        ...


@runtime_checkable
class Ranging(Protocol):
    """A gathering whose records are moved where they are needed, by several at once."""

    def ranges(self) -> Iterator[Ranged]:
        """What `Gathering.leave` gives, frame by frame."""
        ...


@runtime_checkable
class WritingAhead(Protocol):
    """A gathering that has much to write down for a checkpoint."""

    def write_ahead(self, executor: Executor) -> None:
        """Has records written on these threads as they come, once a checkpoint has been made."""
        ...


@dataclass(frozen=True, slots=True)
class Blocking:
    """A transform that must see all records before any leaves: the boundary of a stage.

    `before` is the part of it that sees one record at a time, `condense` turns a split into what
    is gathered of it; both run in the workers. `open` begins to gather in a work folder of its
    own, in about so many bytes of memory. `after` again sees one record at a time, of those that
    leave; `gives` are then the columns that it gets. With `placed`, `condense` sees where in the
    source each record stands, which costs time.
    """

    condense: Callable[[pl.DataFrame], pl.DataFrame]
    open: Callable[[Path, int], Gathering]
    before: Rowwise | None = None
    after: Rowwise | None = None
    gives: Schema | None = None
    placed: bool = False


@dataclass(frozen=True, slots=True)
class Foreign:
    """A function of the project, which is called with each split's records in another process.

    `root` leads from the workflow's folder to the project's, `file` from there to the module;
    `gives` are the columns that must come back. Records have no place any more behind it.
    """

    module: str
    function: str
    root: str
    file: str
    gives: Schema


@dataclass(frozen=True, slots=True)
class Yielding:
    """A function of the project that yields the records of a source, in another process.

    `root` leads from the workflow's folder to the project's, `file` from there to the module;
    `arguments` are given by name.
    """

    module: str
    function: str
    root: str
    file: str
    arguments: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Pairs:
    """The boundary of a stage at which two sides meet that are too large for memory.

    `condense` and `open` are those of a Blocking; it gets the engine's own columns, too, and what
    it hands on of them tells where the records came from.
    """

    condense: Callable[[pl.DataFrame], pl.DataFrame]
    open: Callable[[Path, int], Pairing]


class Pairing(Gathering, Protocol):
    """Two sides that are too large for memory: what was taken, and the records beside them.

    A frame leaves for each split that was taken, `heights` says of how many records; further ones
    hold what no record of the splits has led to.
    """

    @property
    def heights(self) -> Sequence[int]: ...

    def take_beside(self, frame: pl.DataFrame) -> None:
        """The next records of the other side; all of them come before the first split."""
        ...


@dataclass(frozen=True, slots=True)
class Meeting:
    """A transform whose records meet those of another source, all of which it must know first.

    It uses these `columns` of that source; `keep` leaves of its splits what is needed. What fits
    into memory is handed to `held`, and then each split passes by itself; else, or where there is
    no `held`, both sides are kept `apart`. What leaves is the same, frame by frame.
    """

    columns: tuple[str, ...]
    keep: Callable[[pl.DataFrame], pl.DataFrame]
    held: Callable[[pl.DataFrame], InOrder] | None
    apart: Pairs


@dataclass(frozen=True, slots=True)
class Awaiting:
    """A transform that can do its work when it knows the columns of its further sources."""

    meet: Callable[[Schema], Meeting]


@dataclass(frozen=True, slots=True)
class Confluence:
    """Records of further sources come behind those that pass.

    `bring` gets the columns of these sources, and says how records come to have the same columns:
    first those that pass, then those of each source.
    """

    bring: Callable[[Sequence[Schema]], Sequence[Rowwise]]


@dataclass(frozen=True, slots=True)
class Parting:
    """Records go on in branches: `choose` adds the column BRANCH, the number of a record's branch.

    It is an integer, null for a record that goes nowhere.
    """

    choose: Rowwise


Operator: TypeAlias = (
    "Rowwise | Keep | InOrder | Blocking | Foreign | Awaiting | Confluence | Parting"
)


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
