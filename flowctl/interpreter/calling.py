"""A function of the project as a part of a stream: it is called with each split's records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal, TypeAlias

import polars as pl

from flowctl.codes.runs import FUNCTION_FAILED, FUNCTION_RESULT
from flowctl.dataclass import dataclass
from flowctl.dataflow import SOURCE_FILE, SOURCE_LINE
from flowctl.diagnostics import Code, Fault
from flowctl.expressions.polars_types import polars_type, schema_of
from flowctl.expressions.types import implicit_cost
from flowctl.gathering.spill import Spill
from flowctl.gathering.spooling import Spool
from flowctl.interpreter.pipeline import Stage
from flowctl.operators import Blocking, Foreign, Gathering, Rowwise
from flowctl.records import Schema
from flowctl.syntax.node import Json, Pointer
from flowctl.workers import Call, Raised, Stopped, WorkerFailed, Workers
from flowctl.workers.calls import Stop

Heard: TypeAlias = "Callable[[Literal['stdout', 'stderr'], bytes], None]"


_UNCHANGED = Rowwise(lambda frame: frame)


class CallFailed(Exception):
    """A function has failed, or has returned what it should not; `final` if it would again."""

    def __init__(self, fault: Fault, *, final: bool) -> None:
        super().__init__(fault.message)
        self.fault = fault
        self.final = final


class YieldedOtherwise(Exception):
    """What is yielded now is not what was read before."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class CallStopped(Exception):
    """A call was ended because all is to end."""


@dataclass(frozen=True, slots=True)
class Callers:
    """Where functions are called: from the workflow's folder, with these variables.

    Their calls are ended at once where `stop` asks for it.
    """

    base: Path
    environment: Mapping[str, str]
    heard: Heard
    stop: Stop | None = None
    cancelled: Callable[[], bool] = lambda: False

    def workers(self, root: str) -> Workers:
        """Processes that call functions below a folder, which is found from the workflow's."""
        return Workers((self.base / root).resolve(), self.base, self.environment)

    def blocking(self, foreign: Foreign, given: Schema, boundary: Stage) -> Blocking:
        """The function as the end of a stage, with a pool of workers of its own.

        The frames that it returns wait until the stage has ended. So nothing that it did is done
        again after a crash.
        """
        workers = self.workers(foreign.root)
        file = workers.root / foreign.file
        called = _Called(foreign, given, boundary, workers, self.heard, file, self.stop)

        def open(folder: Path, memory: int) -> Gathering:
            return _Returned(Spool(Spill(folder), memory), workers)

        return Blocking(called.condense, open, before=_UNCHANGED, placed=True)


@dataclass(frozen=True, slots=True)
class _Called:
    foreign: Foreign
    given: Schema
    boundary: Stage
    workers: Workers
    heard: Heard
    file: Path
    stop: Stop | None

    def condense(self, frame: pl.DataFrame) -> pl.DataFrame:
        """What the function makes of a split; raises CallFailed and CallStopped."""
        if frame.is_empty():
            return pl.DataFrame(schema={one.name: polars_type(one.type) for one in self._gives})
        records = frame.select(self.given.names)
        call = Call(self.foreign.module, self.foreign.function, self.file, {}, records)
        try:
            returned = self.workers.frame(call, self.heard, self.stop)
        except Stopped as error:
            raise CallStopped from error
        except WorkerFailed as error:
            raise self._failed(error, frame) from error
        return self._fit(returned, frame)

    @property
    def _gives(self) -> Schema:
        return self.foreign.gives

    def _failed(self, error: WorkerFailed, frame: pl.DataFrame) -> CallFailed:
        pointer = (*self.boundary.pointer, self.boundary.kind)
        return call_failed(error, pointer, self.heard, _place(frame))

    def _fit(self, returned: pl.DataFrame, frame: pl.DataFrame) -> pl.DataFrame:
        """The declared columns in their types; raises CallFailed where they are not there."""
        found, wrong = schema_of(returned), ""
        for column in self._gives:
            if column.name not in found:
                wrong = f"there is no column `{column.name}`"
            elif implicit_cost(found[column.name].type, column.type) is None:
                kind = found[column.name].type
                wrong = f"`{column.name}` is {kind}, and declared as {column.type}"
            elif not column.nullable and returned[column.name].has_nulls():
                wrong = f"`{column.name}` has nulls, and is declared without `?`"
            if wrong:
                break
        extra = [name for name in found.names if name not in self._gives]
        if not wrong and extra:
            wrong = f"the column `{extra[0]}` is not declared"
        if wrong:
            name = f"{self.foreign.module}:{self.foreign.function}"
            message = f"{_place(frame)}what `{name}` returned is not as declared: {wrong}"
            raise CallFailed(self._fault(FUNCTION_RESULT, message), final=True)
        return returned.select(pl.col(one.name).cast(polars_type(one.type)) for one in self._gives)

    def _fault(self, code: Code, message: str) -> Fault:
        return Fault(code, message, (*self.boundary.pointer, self.boundary.kind))


@dataclass(frozen=True, slots=True)
class _Returned:
    """What was returned so far; the workers end with it."""

    spool: Spool
    workers: Workers

    def take(self, frame: pl.DataFrame) -> None:
        self.spool.take(frame)

    def leave(self) -> Iterator[pl.DataFrame]:
        self.workers.close()
        return self.spool.leave()

    def checkpoint(self) -> Json:
        return self.spool.checkpoint()

    def restore(self, state: Json) -> None:
        self.spool.restore(state)

    def close(self) -> None:
        self.workers.close()
        self.spool.close()


def call_failed(error: WorkerFailed, pointer: Pointer, heard: Heard, place: str = "") -> CallFailed:
    """What a call's failure means for the step; `place` begins the message."""
    message = f"{place}{error}"
    if not isinstance(error, Raised):
        return CallFailed(Fault(FUNCTION_FAILED, message, pointer), final=False)
    if error.unfit:
        return CallFailed(Fault(FUNCTION_RESULT, message, pointer), final=True)
    heard("stderr", error.traceback.encode())
    return CallFailed(Fault(FUNCTION_FAILED, message, pointer), final=True)


def _place(frame: pl.DataFrame) -> str:
    """Where the records of a frame stand, for the beginning of a message."""
    if SOURCE_FILE not in frame.columns or SOURCE_LINE not in frame.columns:
        return ""
    file, lines = frame[SOURCE_FILE][0], frame[SOURCE_LINE].drop_nulls()
    if not file or lines.is_empty():
        return ""
    first, last = lines[0], lines[-1]
    return f"{file}:{first}-{last}: " if last != first else f"{file}:{first}: "
