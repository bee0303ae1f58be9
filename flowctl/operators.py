"""What a transform is to the stream engine: by record, in order, over all records, or in branches.

On the hot path an operator only tells which records are *suspect*, cheaply and rather too often
than too seldom; a split with suspects is gone through again, operator by operator, where `examine`
says exactly which records are at fault and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from flowctl.dataclass import dataclass

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from pathlib import Path

    import polars as pl

    from flowctl.records import Schema
    from flowctl.syntax.node import Json


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
