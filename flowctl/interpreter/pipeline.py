"""A stream's body as things that run: a reader, operators in segments, and the columns that leave.

A segment holds operators that treat each split by itself. The first one runs in the workers;
behind an in-order operator the next one begins, and runs where the splits are in order again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from flowctl.dataclass import dataclass
from flowctl.dataflow import BRANCH, RECORD, SOURCE_FILE, SOURCE_LINE, SUSPECT, Reader
from flowctl.expressions.polars_types import polars_type
from flowctl.operators import InOrder, Keep, Rowwise
from flowctl.plan import OnError
from flowctl.records import DataType, Schema, Unknown

if TYPE_CHECKING:
    from polars.datatypes import DataType as PolarsType


_KEPT = (RECORD, SUSPECT)
"""By these it is told which records are at fault, behind any segment."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One operator, with what becomes of the records that are at fault there.

    `pointer` leads to the component's mapping in the step: `("transforms", 0)`.
    """

    operator: Rowwise | Keep
    on_error: OnError
    pointer: tuple[str | int, ...]
    kind: str


@dataclass(frozen=True)
class Pipeline:
    """`schema` are the columns that the source hands on, `result` those that leave.

    Between two segments stands an in-order operator, behind which the columns are those of
    `between`; of these only what is needed later is there. Where records go on into a blocking
    one that has computed what it needs by itself, `result` is None; if it wants to know where they
    stand, they are `placed`; if it is `homeward`, each record that leaves says which one it was of
    which split (see `home`). `slots` are the places of the in-order operators' states among those
    of the stage, `input` is the number of the source. Behind the last segment records go on in
    `branches`, as their column BRANCH says, or leave by the `mouth` with this number.
    """

    reader: Reader
    source: Stage
    segments: tuple[tuple[Stage, ...], ...]
    in_order: tuple[InOrder, ...]
    schema: Schema
    result: Schema | None
    homeward: bool = False
    slots: tuple[int, ...] = ()
    input: int = 0
    placed: bool = False
    branches: tuple[Pipeline, ...] = ()
    mouth: int = 0
    between: tuple[Schema, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The source's columns that the operators use."""
        return self._needs[0]

    @cached_property
    def _needs(self) -> tuple[tuple[str, ...], tuple[frozenset[str] | None, ...]]:
        """The source's columns that are used, and what each in-order operator gets (None: all)."""
        gets: list[frozenset[str] | None] = []
        used = self._asked(len(self.in_order), None)
        for segment, operator in reversed([*enumerate(self.in_order)]):
            wanted = None if operator.needs is None else operator.needs.union(used, _KEPT)
            gets.insert(0, wanted)
            used = self._asked(segment, wanted)
        return used, tuple(gets)

    def _asked(self, segment: int, wanted: frozenset[str] | None) -> tuple[str, ...]:
        """The columns that a segment uses, found by asking Polars' optimizer."""
        from polars.io.plugins import register_io_source

        asked: list[str] = []
        schema = (self.schema, *self.between)[segment]
        types = {column.name: column_type(column.type) for column in schema} | {
            SOURCE_FILE: pl.String(),
            SOURCE_LINE: pl.Int64(),
            RECORD: pl.Int64(),
        }

        def ask(names: list[str] | None, *_: pl.Expr | int | None) -> Iterator[pl.DataFrame]:
            asked.extend(types if names is None else names)
            yield pl.DataFrame(schema=types).select(asked)

        frame, _ = self._applied(register_io_source(ask, schema=types), segment)
        self._leaving(frame, segment, wanted).collect()
        return tuple(name for name in types if name in asked)

    @cached_property
    def _handed(self) -> frozenset[str]:
        """The columns that branches need; a record that may be at fault there has its number."""
        used = {name for branch in self.branches for name in branch.columns}
        faulty = any(branch.faulty for branch in self.branches)
        return frozenset({*used, BRANCH, *([RECORD] if faulty else [])})

    @property
    def all(self) -> Iterator[Pipeline]:
        """This one, and those of the branches."""
        yield self
        for branch in self.branches:
            yield from branch.all

    @property
    def leaves(self) -> Iterator[Pipeline]:
        """Those that do not part any more: the branches' ends."""
        return (one for one in self.all if not one.branches)

    @property
    def faulty(self) -> bool:
        """Whether records may be at fault in a segment."""
        stages = (stage for one in self.all for segment in one.segments for stage in segment)
        return any(stage.operator.hazards for stage in stages)

    def through(self, frame: pl.LazyFrame, segment: int) -> pl.LazyFrame:
        """The hot path: a query that lets suspect records through and marks them."""
        frame, marked = self._applied(frame, segment)
        return self.leaving(frame, segment, *([pl.col(SUSPECT)] if marked else []))

    def leaving(self, frame: pl.LazyFrame, segment: int, *further: pl.Expr) -> pl.LazyFrame:
        """What leaves a segment: the last one hands on the result's columns, in their types."""
        wanted = self._needs[1][segment] if segment < len(self.in_order) else None
        return self._leaving(frame, segment, wanted, *further)

    def _applied(self, frame: pl.LazyFrame, segment: int) -> tuple[pl.LazyFrame, bool]:
        """A segment's operators, and whether suspect records are marked."""
        marked = SUSPECT in frame.collect_schema()
        for stage in self.segments[segment]:
            frame, marked = _apply(frame, stage, marked)
        return frame, marked

    def _leaving(
        self,
        frame: pl.LazyFrame,
        segment: int,
        wanted: frozenset[str] | None,
        *further: pl.Expr,
    ) -> pl.LazyFrame:
        if segment < len(self.in_order):
            names = frame.collect_schema().names()
            return frame.select(name for name in names if wanted is None or name in wanted)
        if self.branches:
            handed = [name for name in frame.collect_schema() if name in self._handed]
            return frame.select(*handed, *further)
        if self.result is None:
            places = (SOURCE_FILE, SOURCE_LINE, RECORD)
            return frame if self.placed or self.homeward else frame.drop(places, strict=False)
        types = frame.collect_schema()
        kinds = ((column.name, column_type(column.type)) for column in self.result)
        columns = [
            pl.col(name) if types[name] == kind else pl.col(name).cast(kind) for name, kind in kinds
        ]
        return frame.select(*columns, *further)


def _apply(frame: pl.LazyFrame, stage: Stage, marked: bool) -> tuple[pl.LazyFrame, bool]:
    operator = stage.operator
    if operator.hazards:
        suspects = [
            pl.lit(value=True) if hazard.suspect is None else hazard.suspect
            for hazard in operator.hazards
        ]
        if marked:
            suspects.append(pl.col(SUSPECT))
        # Flat, because Polars takes a square of the time for a chain of ors.
        frame = frame.with_columns(pl.any_horizontal(suspects).alias(SUSPECT))
        marked = True
    match operator:
        case Rowwise(apply):
            return apply(frame), marked
        case Keep(predicate):
            return frame.filter(predicate | pl.col(SUSPECT) if marked else predicate), marked


def home(feed: int, split: int, record: pl.Expr) -> pl.Expr:
    """A number for a record of a split of a feed, which leads back to it."""
    return record.cast(pl.Int64) + ((feed << 56) | (split << 32))


def from_home(number: int) -> tuple[int, int, int]:
    """The feed, its split and the record that a number stands for.

    >>> from_home((2 << 56) | (3 << 32) | 7)
    (2, 3, 7)
    """
    return number >> 56, number >> 32 & 0xFFFFFF, number & 0xFFFFFFFF


def column_type(kind: DataType) -> PolarsType:
    """The type of a column in a frame; one that is not known holds nothing but nulls."""
    return pl.Null() if isinstance(kind, Unknown) else polars_type(kind)


def segments(
    stages: Sequence[Stage | InOrder],
) -> tuple[tuple[tuple[Stage, ...], ...], tuple[InOrder, ...]]:
    """The stages before, between and behind the in-order operators, and these."""
    found: list[list[Stage]] = [[]]
    for stage in stages:
        if isinstance(stage, InOrder):
            found.append([])
        else:
            found[-1].append(stage)
    in_order = tuple(stage for stage in stages if isinstance(stage, InOrder))
    return tuple(map(tuple, found)), in_order
