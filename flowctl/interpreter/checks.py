"""Holds the records that are staged against the step's `check`, before anything is published."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import field
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Final

import polars as pl

from flowctl.arguments import checked_tree, listed
from flowctl.checking import comparisons
from flowctl.codes.runs import CHECK_FAILED
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault
from flowctl.expressions import columns_used
from flowctl.expressions.lower import lower
from flowctl.expressions.scope import Scope
from flowctl.gathering.repeats import Keys, Repeats
from flowctl.interpreter.careful import EngineRefused
from flowctl.interpreter.counts import Counts
from flowctl.interpreter.pipeline import Stage
from flowctl.operators import Rowwise
from flowctl.plan import Check
from flowctl.records import Boolean, Schema
from flowctl.syntax.node import Json

_MOST: Final = 120
_BROKEN: Final = "__broken"
_REASON: Final = "__reason"


class CheckFailed(Exception):
    """The output is not what the check demands; the faults' pointers start at the step."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(fault.message for fault in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What there is to know of some records: for `where`, the first one that breaks it."""

    rows: int
    nulls: tuple[int, ...]
    broken: int
    first: int | None
    example: str
    keys: pl.DataFrame | None


@dataclass(frozen=True, slots=True)
class _Condition:
    """`where`, ready to be asked: where it does not hold, and why it cannot be computed there."""

    text: str
    broken: pl.Expr
    reason: pl.Expr
    columns: tuple[str, ...]

    @classmethod
    def of(cls, text: str, schema: Schema, scope: Scope) -> _Condition:
        tree = checked_tree(text, schema, scope, Boolean())
        lowered = lower(tree)
        untrue = lowered.value.fill_null(value=False).not_()
        faults = [] if lowered.fault is None else [lowered.fault]
        used = tuple(name for name in schema.names if name in columns_used(tree))
        reason = pl.lit(None, pl.String) if lowered.reason is None else lowered.reason
        return cls(text, reduce(or_, faults, untrue), reason, used)

    def breaks(self, frame: pl.DataFrame) -> tuple[int, int | None, str]:
        """How many records break it, which one is the first, and what that looks like."""
        broken = frame.select(self.broken.alias(_BROKEN)).get_column(_BROKEN)
        count = int(broken.sum())
        if not count:
            return 0, None, ""
        first = broken.arg_max() or 0
        record = frame.slice(first, 1)
        reason = record.select(self.reason.alias(_REASON)).item()
        return count, first, reason or _shown(record.select(self.columns).row(0, named=True))


@dataclass(slots=True)
class Checker:
    """Sees all that goes to the sinks; a part of the checkpoints, since it sees each record once.

    Records are looked at in the workers, and what they come to is added up in order.
    """

    check: Check
    condition: _Condition | None
    repeats: Repeats | None
    executor: Executor
    rows: int = 0
    broken: int = 0
    example: str = ""
    nulls: list[int] = field(default_factory=list)
    _looking: deque[Future[_Seen]] = field(default_factory=deque)

    @classmethod
    def open(
        cls,
        check: Check,
        schema: Schema,
        scope: Scope,
        folder: Path,
        memory: int,
        executor: Executor,
    ) -> Checker:
        condition = _Condition.of(check.where, schema, scope) if check.where else None
        repeats = Keys(check.unique).open(folder, memory) if check.unique else None
        return cls(check, condition, repeats, executor, nulls=[0] * len(check.not_null))

    def begin(self) -> None:
        """There is nothing before the first record."""

    @property
    def waiting(self) -> int:
        return len(self._looking)

    def take(self, frame: pl.DataFrame) -> None:
        self._looking.append(self.executor.submit(self._look, frame))

    def drain(self, waiting: int) -> None:
        while self._looking and (self._looking[0].done() or self.waiting > waiting):
            with _told_as("where"):
                seen = self._looking.popleft().result()
            if seen.first is not None and not self.example:
                self.example = f"record {self.rows + seen.first + 1:,}: {seen.example}"
            self.rows += seen.rows
            self.broken += seen.broken
            self.nulls = [sum(pair) for pair in zip(self.nulls, seen.nulls, strict=True)]
            if self.repeats is not None and seen.keys is not None:
                with _told_as("unique"):
                    self.repeats.take(seen.keys)

    def finish(self) -> None:
        self.drain(waiting=0)

    def checkpoint(self) -> Json:
        """What was seen so far; keys that are in no memory but this one are made durable."""
        self.drain(waiting=0)
        keys = self.repeats.checkpoint() if self.repeats is not None else None
        return {
            "rows": self.rows,
            "broken": self.broken,
            "example": self.example,
            "nulls": [*self.nulls],
            "keys": keys,
        }

    def restore(self, state: Json) -> None:
        match state:
            case {
                "rows": int(rows),
                "broken": int(broken),
                "example": str(example),
                "nulls": [*nulls],
                "keys": keys,
            }:
                self.rows, self.broken, self.example = rows, broken, example
                self.nulls = [count for count in nulls if isinstance(count, int)]
                if self.repeats is not None:
                    self.repeats.restore(keys)
            case _:
                raise ValueError(f"not the state of a check: {state!r}")

    def judge(self, counts: Counts, rejected: int) -> None:
        """Raises CheckFailed with all that does not hold; nothing can be taken afterwards."""
        faults = [fault.below("check") for fault in self._faults(counts, rejected)]
        if faults:
            raise CheckFailed(faults)

    def close(self) -> None:
        """Lets go of all, and deletes the files."""
        for future in self._looking:
            future.cancel()
        if self.repeats is not None:
            self.repeats.close()

    def _look(self, frame: pl.DataFrame) -> _Seen:
        nulls = tuple(frame.get_column(name).null_count() for name in self.check.not_null)
        broken, first, example = 0, None, ""
        if self.condition is not None:
            broken, first, example = self.condition.breaks(frame)
        keys = Keys(self.check.unique).condense(frame) if self.repeats is not None else None
        return _Seen(frame.height, nulls, broken, first, example, keys)

    def _faults(self, counts: Counts, rejected: int) -> Iterator[Fault]:
        check = self.check
        if check.rows is not None and not _holds(check.rows, self.rows, 0):
            yield _fault("rows", f"{_records(self.rows)} written, but `{check.rows}` is demanded")
        if check.rejected is not None and not _holds(check.rejected, rejected, counts.read):
            found = f"{rejected:,} of {_records(counts.read)} rejected"
            if "%" in check.rejected and counts.read:
                found += f" ({100 * rejected / counts.read:.2f}%)"
            yield _fault("rejected", f"{found}, but `{check.rejected}` is demanded")
        for index, (name, nulls) in enumerate(zip(check.not_null, self.nulls, strict=True)):
            if nulls:
                found = f"`{name}` is null in {nulls:,} of {_records(self.rows)}"
                yield _fault("not_null", found, index)
        if self.broken:
            found = f"{self.broken:,} of {_records(self.rows)} do not satisfy `{check.where}`"
            yield _fault("where", f"{found}; the first is {self.example}")
        yield from self._repeated()

    def _repeated(self) -> Iterator[Fault]:
        if self.repeats is None:
            return
        with _told_as("unique"):
            found = self.repeats.found()
        if found is not None:
            names = listed(self.check.unique)
            occur = "1 value occurs" if found.keys == 1 else f"{found.keys:,} values occur"
            such = f"{_shown(found.first)} ({found.times:,} times)"
            yield _fault("unique", f"of {names}, {occur} more than once, such as {such}")


def _fault(name: str, message: str, *pointer: int) -> Fault:
    return Fault(CHECK_FAILED, f"the check `{name}` does not hold: {message}", (name, *pointer))


def _holds(text: str, count: int, of: int) -> bool:
    return all(one.holds(count, of) for one in comparisons(text))


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count:,} records"


def _shown(record: object) -> str:
    """Values for a message: `flight = 12, day = 2013-01-01`."""
    pairs = record.items() if isinstance(record, dict) else ()
    text = ", ".join(f"{name} = {'null' if value is None else value}" for name, value in pairs)
    text = " ".join(text.split())
    return text if len(text) <= _MOST else text[: _MOST - 1] + "…"


@contextmanager
def _told_as(name: str) -> Iterator[None]:
    """What Polars refuses is told as this part of the check."""
    try:
        yield
    except pl.exceptions.PolarsError as error:
        stage = Stage(Rowwise(lambda frame: frame), "fail", ("check",), name)
        raise EngineRefused(stage, error) from error
