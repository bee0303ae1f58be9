"""A source whose records a function of the project yields, in a process of its own.

Where reading goes on, the function is called anew, and what was read before is dropped, once it is
known to be the same.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

import polars as pl

from flowctl.codec import decode, encode
from flowctl.codes.runs import FUNCTION_RESULT, INPUT_CHANGED
from flowctl.dataclass import dataclass
from flowctl.dataflow import Examined, Origin, Reader, Scan, Split, Stretch
from flowctl.diagnostics import Fault
from flowctl.files.cutting import Chunk
from flowctl.files.fingerprints import digest_of
from flowctl.files.jsonlines import JsonColumns, JsonSplit
from flowctl.files.jsontypes import json_conversions
from flowctl.files.origins import Place
from flowctl.interpreter.calling import Callers, CallFailed, YieldedOtherwise
from flowctl.interpreter.pump import Pump
from flowctl.interpreter.yieldedlines import Run, lines_of, lines_of_frame, runs
from flowctl.operators import Yielding
from flowctl.records import Schema
from flowctl.syntax.node import Json, Pointer
from flowctl.workers import Call, Workers

MARKS: Final = 64
_HELP: Final = "have it yield the same again, or begin anew with `--fresh`"


@dataclass(frozen=True, slots=True)
class Trace:
    """What has been yielded in so many splits, as a digest that each of them has made longer.

    `marks` are those of earlier splits with the records up to there: one `every` so many splits.
    """

    records: int = 0
    digest: str = ""
    splits: int = 0
    every: int = 1
    marks: tuple[tuple[int, str], ...] = ()

    def behind(self, data: bytes, records: int) -> Trace:
        """Behind one more split."""
        found = replace(
            self,
            records=self.records + records,
            digest=digest_of(self.digest.encode(), data),
            splits=self.splits + 1,
        )
        if found.splits % self.every:
            return found
        marks = (*self.marks, (found.records, found.digest))
        if len(marks) <= MARKS:
            return replace(found, marks=marks)
        return replace(found, every=2 * self.every, marks=marks[1::2])


@dataclass(frozen=True, slots=True)
class YieldedReader:
    """What a call yields; `name` is what the workflow calls the function's file."""

    call: Call
    name: str
    columns: JsonColumns
    callers: Callers
    workers: Workers
    pointer: Pointer

    @classmethod
    def of(cls, found: Yielding, schema: Schema, callers: Callers, pointer: Pointer) -> Reader:
        """A reader of the function, which is not called yet."""
        workers = callers.workers(found.root)
        file = workers.root / found.file
        conversions = json_conversions({column.name: column for column in schema})
        return cls(
            Call(found.module, found.function, file, found.arguments),
            os.path.relpath(file, callers.base),
            JsonColumns(conversions, frozenset(schema.names)),
            callers,
            workers,
            (*pointer, "python"),
        )

    @property
    def size(self) -> int | None:
        return None

    def splits(self, target: int, start: Json = None) -> Iterator[Split]:
        """They are cut by the records alone; a position is a trace.

        Raises CallFailed, Cancelled, YieldedOtherwise.
        """
        before = decode(Trace, start) if start is not None else Trace()
        known = {**dict(before.marks), before.records: before.digest}
        now, same = Trace(), 0
        pump = Pump(self.call, self.workers, self.callers, self.pointer)
        try:
            for run in runs(pump.items(), target, self._lines):
                line, now = now.records + 1, now.behind(run.data, run.records)
                if line > before.records:
                    yield self._split(run, line, now)
                    continue
                if now.records > before.records or (
                    known.get(now.records, now.digest) != now.digest
                ):
                    raise self._otherwise(same, now.records)
                same = now.records if now.records in known else same
            if now.records < before.records:
                message = (
                    f"`{self.call}` has ended behind record {now.records:,}, "
                    f"but {before.records:,} were read before"
                )
                raise YieldedOtherwise(Fault(INPUT_CHANGED, message, self.pointer, help=_HELP))
        finally:
            pump.close()

    def close(self) -> None:
        self.workers.close()

    def _lines(self, item: pl.DataFrame | list[Json]) -> bytes:
        """Records as JSON; raises CallFailed for a frame that has no such form."""
        if not isinstance(item, pl.DataFrame):
            return lines_of(item)
        names = [name for name in self.columns.conversions if name in item.columns]
        why = "it has none of the columns"
        if names or item.is_empty():
            try:
                return lines_of_frame(item.select(names))
            except pl.exceptions.PolarsError as error:
                why = str(error)
        message = f"a frame that `{self.call}` yielded cannot be read: {why}"
        raise CallFailed(Fault(FUNCTION_RESULT, message, self.pointer), final=True)

    def _split(self, run: Run, line: int, now: Trace) -> Split:
        chunk = Chunk(run.data, 0, line, run.records, quoted=False, size=len(run.data))
        place = Place(self.name, chunk)
        return YieldedSplit(JsonSplit(self.columns, place, encode(now), noun="record"))

    def _otherwise(self, same: int, last: int) -> YieldedOtherwise:
        message = (
            f"`{self.call}` yields other records than before, "
            f"the first of them among {same + 1:,} to {last:,}"
        )
        return YieldedOtherwise(Fault(INPUT_CHANGED, message, self.pointer, help=_HELP))


@dataclass(frozen=True, slots=True)
class YieldedSplit:
    """Records as JSON; they have numbers, and no bytes in a file."""

    records: JsonSplit

    @property
    def size(self) -> int:
        return self.records.size

    @property
    def after(self) -> Json:
        return self.records.after

    def taken(self) -> Sequence[Stretch]:
        """Nothing that a file holds: the position tells what was yielded."""
        return ()

    def scan(self, columns: Sequence[str]) -> Scan | None:
        return self.records.scan(columns)

    def examine(self, columns: Sequence[str]) -> Examined:
        return self.records.examine(columns)

    def origins(self, records: Sequence[int]) -> list[Origin]:
        return [replace(one, offset=None) for one in self.records.origins(records)]
