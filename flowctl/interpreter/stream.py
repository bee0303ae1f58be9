"""A stream step, from its part of the plan to its published outputs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import BinaryIO, Literal
from urllib.parse import quote

from flowctl.codes.runs import ENGINE_FAULT, RECORD_FAULT, TOO_MANY_REJECTS
from flowctl.dataflow import BadInput, Reader
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.files.streams import PIECE
from flowctl.interpreter.assembly import Components, Unfit, assemble, open_writer
from flowctl.interpreter.careful import EngineRefused
from flowctl.interpreter.drive import Cancelled, Drive, Flow, Progress, RecordFailed
from flowctl.interpreter.events import Counts
from flowctl.interpreter.gathered import GatheredReader, Gatherer
from flowctl.interpreter.outputs import Outlet, Output
from flowctl.interpreter.pipeline import Pipeline
from flowctl.interpreter.publish import CannotWrite, StagedFile, Tap, publish_all
from flowctl.interpreter.rejects import SCHEMA as REJECTS
from flowctl.interpreter.rejects import Allowance, Rejects, TooManyRejects
from flowctl.plan import Operation, Step, Stream
from flowctl.records import Schema

PROGRAM_BYTES = 100 * 1024 * 1024
"""What Python and the libraries take before any record is read."""
SPLIT_BYTES = 16 * 1024 * 1024
"""Measured best: smaller splits cost more queries, larger ones leave the processor's caches."""


@dataclass(frozen=True, slots=True)
class StreamSetting:
    """What a stream step needs to know of its run.

    `scope` has the constants and the run's time; `token` marks the files that are being written;
    records for `stdout` sinks go to `stdout` as they come. `memory` is what the process may take,
    in bytes; what blocking transforms cannot hold goes to files in the folder `work`.
    """

    base: Path
    scope: Scope
    token: str
    workers: int = 2
    stdout: BinaryIO | None = None
    cancelled: Callable[[], bool] = lambda: False
    on_progress: Callable[[Progress], None] = lambda progress: None
    split_bytes: int = SPLIT_BYTES
    memory: int = field(default_factory=lambda: quarter_of_memory())
    work: Path | None = None


@dataclass(frozen=True, slots=True)
class StreamResult:
    """How a stream ended; `sinks` are the paths published, as the plan has them.

    A fault's pointer starts at the step: `("transforms", 0, "derive", "speed")`.
    """

    status: Literal["succeeded", "failed", "cancelled"]
    counts: Counts = field(default_factory=Counts)
    sinks: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


def run_stream(step: Step, setting: StreamSetting, components: Components) -> StreamResult:
    """Runs a step whose body is a stream; what goes wrong is in the result, not raised."""
    body = step.body
    if not isinstance(body, Stream):
        raise TypeError(f"step {step.id} is no stream")
    work = _Work(step.id, body, setting, components)
    try:
        work.run()
    except Cancelled:
        return StreamResult("cancelled", work.counts)
    except _FAILURES as error:
        return StreamResult("failed", work.counts, faults=_faults(error, body))
    return StreamResult("succeeded", work.counts, work.published)


_FAILURES = (Unfit, BadInput, CannotWrite, RecordFailed, EngineRefused, TooManyRejects)


def _faults(error: Exception, body: Stream) -> tuple[Fault, ...]:
    """What a failure says to the author, and at which part of the step."""
    match error:
        case Unfit(faults=faults):
            return faults
        case BadInput(fault=fault):
            return (fault.below("source"),)
        case CannotWrite(fault=fault):
            return (fault,)
        case RecordFailed():
            return (_record_fault(error),)
        case EngineRefused(stage=stage):
            return (Fault(ENGINE_FAULT, str(error), (*stage.pointer, stage.kind)),)
    return (Fault(TOO_MANY_REJECTS, str(error), ("max_rejects",)),)


def _record_fault(error: RecordFailed) -> Fault:
    stage, fault = error.fault.stage, error.fault.fault
    (origin,) = error.split.origins([fault.record])
    place = origin.file if origin.line is None else f"{origin.file}:{origin.line}"
    message = f"{place}: {fault.message}" if place else fault.message
    help = "`on_error: skip` leaves such records out, `on_error: reject` also writes them down"
    return Fault(RECORD_FAULT, message, (*stage.pointer, *fault.pointer), help=help)


@dataclass(slots=True)
class _Work:
    """One attempt at a stream."""

    step: str
    body: Stream
    setting: StreamSetting
    components: Components
    counts: Counts = field(default_factory=Counts)
    published: tuple[str, ...] = ()
    _files: list[StagedFile] = field(default_factory=list)

    def run(self) -> None:
        """All or nothing: the files are published when all are whole, or none is left behind."""
        setting = self.setting
        stages = assemble(self.body, setting.base, setting.scope, self.components)
        _raise_allocator_threshold()
        executor = ThreadPoolExecutor(setting.workers, thread_name_prefix=self.step)
        readers: list[Reader] = [stages.first.reader]
        try:
            outputs = [
                self._output(sink, stages.result, pointer, executor)
                for sink, pointer in _sinks(self.body)
            ]
            rejects = self._rejects(executor)
            rejects.begin()
            pipeline = stages.first
            for number, later in enumerate(stages.later):
                gathering = later.blocking.open(self._folder(number), memory_to_gather(setting))
                readers.append(reader := GatheredReader(later.blocking, gathering, later.boundary))
                gatherer = Gatherer(later.blocking, gathering, later.boundary, executor)
                self._drive(pipeline, [gatherer], rejects, executor)
                pipeline = later.pipeline(reader)
            self._drive(pipeline, outputs, rejects, executor)
            rejects.finish(self.counts.read)
            publish_all(self._files)
            self.published = tuple(path for sink in self.body.sinks for path in self._paths(sink))
        finally:
            executor.shutdown(cancel_futures=True)
            for file in self._files:
                file.discard()
            for opened in readers:
                opened.close()

    def _drive(
        self, pipeline: Pipeline, outlets: Sequence[Outlet], rejects: Rejects, executor: Executor
    ) -> None:
        """Takes all records through one stage; `counts` grows by what becomes of them there."""
        setting, before = self.setting, self.counts
        first = not isinstance(pipeline.reader, GatheredReader)
        flow = Flow(
            setting.workers,
            setting.split_bytes,
            setting.cancelled,
            setting.on_progress if first else lambda progress: None,
        )
        drive = Drive(pipeline, outlets, rejects, flow)
        try:
            drive.run(executor)
        finally:
            self.counts = drive.counts if first else _joined(before, drive.counts)

    def _folder(self, number: int) -> Path:
        """Where the blocking transform with this number keeps what memory does not hold."""
        if self.setting.work is None:
            return Path(mkdtemp(prefix="flowctl-"))
        return self.setting.work / quote(self.step, safe="") / str(number)

    def _output(
        self, sink: Operation, schema: Schema, pointer: tuple[str | int, ...], executor: Executor
    ) -> Output:
        setting = self.setting
        writer = open_writer(sink, schema, pointer, setting.base, setting.scope, self.components)
        paths = self._paths(sink)
        if not paths:
            return Output(writer, Tap(setting.stdout), executor)
        file = StagedFile.create(setting.base / paths[0], paths[0], setting.token)
        self._files.append(file)
        return Output(writer, file, executor)

    def _rejects(self, executor: Executor) -> Rejects:
        sink = self.body.rejects
        output = self._output(sink, REJECTS, ("rejects",), executor) if sink is not None else None
        return Rejects(self.step, Allowance.parse(self.body.max_rejects), output)

    def _paths(self, sink: Operation) -> tuple[str, ...]:
        return self.components.sinks[sink.kind].paths(sink.arguments)


def _joined(before: Counts, stage: Counts) -> Counts:
    """The records of a stream after one more stage.

    What one stage wrote the next one reads, unless the transform between them has absorbed
    records, or made some.
    """
    return Counts(
        read=before.read,
        made=before.made + stage.made + max(0, stage.read - before.written),
        written=stage.written,
        filtered=before.filtered + stage.filtered,
        rejected=before.rejected + stage.rejected,
        skipped=before.skipped + stage.skipped,
        absorbed=before.absorbed + stage.absorbed + max(0, before.written - stage.read),
    )


def memory_to_gather(setting: StreamSetting) -> int:
    """What is left of the memory for a blocking transform, beside the splits that are under way.

    A split takes about six times its size on its way from bytes to what is condensed.
    """
    under_way = PROGRAM_BYTES + 6 * (setting.workers + 1) * setting.split_bytes
    return max(setting.memory // 8, setting.memory - under_way)


def quarter_of_memory() -> int:
    """A quarter of the machine's memory, in bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4


def _sinks(body: Stream) -> Iterator[tuple[Operation, tuple[str | int, ...]]]:
    """Each sink with its place in the step, as the author wrote it: alone or in a list."""
    for index, sink in enumerate(body.sinks):
        yield sink, ("sink",) if len(body.sinks) == 1 else ("sink", index)


def _raise_allocator_threshold() -> None:
    """Lets splits be allocated from memory that is used again.

    glibc maps large blocks afresh each time, and their page faults cost as much as the reading; it
    stops doing so for sizes that it has seen freed.
    """
    bytes(2 * SPLIT_BYTES - PIECE)
