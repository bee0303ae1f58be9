"""The contract between the stream engine and the components that it drives at run time.

A source cuts its input into splits: the cut depends on the input and the plan alone. Each split is
read as one lazy frame, goes through the operators of the step, is encoded by the writers, and is
committed in order. On the hot path an operator only tells which records are *suspect*, cheaply and
rather too often than too seldom; a split with suspects is gone through again, record by record and
operator by operator, where `examine` says exactly which records are at fault and why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import polars as pl

    from flowctl.syntax.node import Json

SOURCE_FILE = "__source_file"
SOURCE_LINE = "__source_line"


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
    """One record in, one record out: columns are computed, renamed, dropped."""

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
    tells from the state that nothing more will leave, so that reading may stop.
    """

    initial: Json
    step: Callable[[Json, pl.DataFrame], tuple[Json, pl.DataFrame]]
    done: Callable[[Json], bool]


Operator: TypeAlias = "Rowwise | Keep | InOrder"
