"""What a checkpoint of a stream holds, and what the records of its journal add up to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace
from functools import cache
from pathlib import Path

from flowctl import __version__
from flowctl.codec import decode, encode
from flowctl.dataclass import dataclass
from flowctl.dataflow import Stretch
from flowctl.files.fingerprints import Consumed
from flowctl.interpreter.counts import Counts
from flowctl.store.journal import Records, read_records
from flowctl.syntax.node import Json

JOURNAL = "checkpoints"


@dataclass(frozen=True, slots=True)
class Pending:
    """Records that wait to be encoded, in a file beside the journal."""

    file: str
    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What takes its place once the checkpoint is durable that tells of it.

    In a file the staged bytes, which have this digest, go behind the first `base`. In a dataset
    `parts` are new files with their lengths, and the next part has the number `next`; `first` tells
    that nothing of the run stands there before.
    """

    base: int = 0
    digest: str = ""
    parts: tuple[tuple[str, int], ...] = ()
    next: int = 0
    first: bool = False


@dataclass(frozen=True, slots=True)
class OutputState:
    """How far an output is written; `footers` is the length of the journal of its footers.

    Of a dataset, `length` is that of the file `part`, which may be none; its journal tells of the
    whole files too. The records that are pending belong into the partition's `folder`. `columns`
    are told of an output that others add to a file. Of one that publishes at each checkpoint,
    `length` and `batch` tell what came since the one before.
    """

    begun: bool = False
    length: int = 0
    records: int = 0
    footers: int = 0
    pending: Pending | None = None
    part: str | None = None
    folder: str = ""
    columns: tuple[str, ...] = ()
    batch: Batch | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a stage stands between two splits.

    `position` is that of the reader of the `feed` with this number, `before` counts the splits of
    those before it. `states` are those of the in-order operators. `bytes` of the input were read.
    `left` counts the records that have left by each of the stage's mouths.
    """

    feed: int = 0
    before: int = 0
    position: Json = None
    splits: int = 0
    bytes: int = 0
    states: tuple[Json, ...] = ()
    counts: Counts = field(default_factory=Counts)
    left: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Gathered:
    """What has been gathered at a boundary: the state of who gathers, and of how many records."""

    state: Json
    records: int


@dataclass(frozen=True, slots=True)
class Engine:
    """The programs that make the output what it is."""

    flowctl: str
    polars: str


@dataclass(frozen=True, slots=True)
class Beside:
    """A transform's further source: its columns, and what was read of it before the stream began.

    `held` says whether its records are in memory; `counts` is what became of them. One that is
    `followed` is read in the course of the stream instead.
    """

    columns: tuple[tuple[str, str], ...] = ()
    files: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    taken: tuple[Stretch, ...] = ()
    held: bool = False
    followed: bool = False
    counts: Counts = field(default_factory=Counts)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One record of a step's journal.

    `taken` is what was read since the record before; `files`, their `sizes` and the source's
    `columns` are told once for each process, as are the sources `beside`. `earlier` counts the
    records of the stages that have ended. `gathered` is what stands at each boundary, None where a
    later stage leads to it. `check` is the state of the step's check. When `ended`, all is written,
    and only the outputs' names are missing.
    """

    number: int
    at: str
    digest: str
    engine: Engine
    split_bytes: int
    stage: int
    standing: Standing
    earlier: Counts
    rejected: int
    outputs: tuple[OutputState, ...]
    gathered: tuple[Gathered | None, ...] = ()
    check: Json = None
    taken: tuple[Stretch, ...] = ()
    files: tuple[str, ...] = ()
    sizes: tuple[int, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    beside: tuple[Beside, ...] = ()
    ended: bool = False

    @property
    def rows(self) -> int:
        """Records of the input that were read."""
        return self.standing.counts.read if self.stage == 0 else self.earlier.read

    def to_json(self) -> Json:
        return encode(self)


@dataclass(frozen=True, slots=True)
class Kept:
    """All checkpoints of a step, and what they say together; `records` is the journal itself."""

    checkpoints: tuple[Checkpoint, ...]
    records: Records

    @property
    def last(self) -> Checkpoint:
        return self.checkpoints[-1]

    @property
    def place(self) -> str:
        """Where reading goes on, for people; empty at the beginning."""
        rows = self.last.rows
        return place_of(self.stretches) or (f"record {rows + 1:,}" if rows else "")

    @property
    def stretches(self) -> tuple[Stretch, ...]:
        """All that was read of the input, in order."""
        return tuple(stretch for one in self.checkpoints for stretch in one.taken)

    @property
    def columns(self) -> tuple[tuple[str, str], ...]:
        """The source's columns and their types, as they were observed at first."""
        return next((one.columns for one in self.checkpoints if one.columns), ())

    @property
    def beside(self) -> tuple[Beside, ...]:
        """The sources of transforms, as they were at first."""
        return next((one.beside for one in self.checkpoints if one.beside), ())

    @property
    def consumed(self) -> Consumed:
        """What was read of the stream's own source."""
        listed = [one for one in self.checkpoints if one.files]
        if not listed:
            return Consumed((), (), ())
        return Consumed(listed[-1].files, listed[-1].sizes, self._read(0))

    def consumed_beside(self, number: int) -> Consumed:
        """What was read of a transform's source with this number, from 0."""
        beside = self.beside[number]
        return Consumed(beside.files, beside.sizes, beside.taken or self._read(number + 1))

    @property
    def files(self) -> tuple[str, ...]:
        """All files that are read in the course of the stream, in the order of the reading."""
        beside = (file for one in self.beside if one.followed for file in one.files)
        return (*self.consumed.files, *beside)

    def _read(self, source: int) -> tuple[Stretch, ...]:
        return tuple(stretch for stretch in self.stretches if stretch.input == source)

    def until(self, count: int) -> Kept:
        """As it was after the first so many checkpoints, at least one."""
        ends = self.records.ends[:count]
        records = replace(self.records, values=self.records.values[:count], ends=ends)
        return Kept(self.checkpoints[:count], records)


def read_kept(folder: Path) -> Kept | None:
    """What a step's folder keeps; None without a checkpoint. Raises OSError and Malformed."""
    records = read_records(folder / JOURNAL)
    if not records.values:
        return None
    return Kept(tuple(decode(Checkpoint, value) for value in records.values), records)


@cache
def engine_now() -> Engine:
    """The versions of this process."""
    import polars

    return Engine(__version__, polars.__version__)


def place_of(stretches: Sequence[Stretch]) -> str:
    """Where reading goes on, for people: `data/a.csv:120,001`; empty for no file."""
    if not stretches:
        return ""
    last = stretches[-1]
    if last.counted == "records":
        return f"{last.file}, record {last.line:,}"
    return f"{last.file}:{last.line:,}"
