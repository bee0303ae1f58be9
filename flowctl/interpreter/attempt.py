"""One attempt at a stream: from its files, or the last checkpoint, to its published outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import field
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import quote

from flowctl.codes.environment import OPTION
from flowctl.dataclass import dataclass
from flowctl.dataflow import BadInput, Gathering, Pairing, Pairs, Reader, Rowwise, Split
from flowctl.diagnostics import Fault
from flowctl.files.allocation import reuse_large_blocks
from flowctl.files.fingerprints import Consumed, meanwhile
from flowctl.files.paths import DataFile
from flowctl.interpreter.assembly import (
    Assembled,
    Components,
    Later,
    Stages,
    Unfit,
    assemble,
    open_writer,
)
from flowctl.interpreter.beside import HELD_MOST, BesideReading, typed
from flowctl.interpreter.calling import CallFailed
from flowctl.interpreter.careful import EngineRefused
from flowctl.interpreter.checkpoint import Beside, Checkpoint, Standing
from flowctl.interpreter.checks import Checker, CheckFailed
from flowctl.interpreter.counts import Counts, after_stage, sum_of
from flowctl.interpreter.dataset import DatasetOutput
from flowctl.interpreter.drive import AHEAD, Cancelled, Drive, Flow, Misread, RecordFailed
from flowctl.interpreter.gathered import GatheredReader, Gatherer, PairedReader
from flowctl.interpreter.incremental import files_read
from flowctl.interpreter.keeper import Keeper
from flowctl.interpreter.outputs import Outlet, Output
from flowctl.interpreter.partitions import by_partition
from flowctl.interpreter.pipeline import Pipeline, Stage
from flowctl.interpreter.publish import CannotWrite, publish_all
from flowctl.interpreter.rejects import SCHEMA as REJECTS
from flowctl.interpreter.rejects import Allowance, Rejects, TooManyRejects
from flowctl.interpreter.staging import Staging
from flowctl.interpreter.streamsetting import StreamSetting, memory_to_gather
from flowctl.interpreter.targets import all_sinks
from flowctl.plan import Operation, Stream
from flowctl.records import Schema
from flowctl.store.disk import REAL
from flowctl.syntax.node import Json, Pointer

OF_THE_DATA = (BadInput, Misread, RecordFailed, EngineRefused, TooManyRejects, Unfit, CheckFailed)
"""What another attempt would come to again."""


@dataclass(slots=True)
class Attempt:
    """One attempt at a stream, from its beginning or from the last checkpoint."""

    step: str
    body: Stream
    setting: StreamSetting
    components: Components
    counts: Counts = field(default_factory=Counts)
    published: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()
    _keeper: Keeper | None = None
    _staging: Staging | None = None
    _readers: list[Reader] = field(default_factory=list)
    _gathered: list[Json] = field(default_factory=list)
    _checker: Checker | None = None
    _beside: list[Beside] = field(default_factory=list)
    _pairings: dict[int, Pairing] = field(default_factory=dict)

    @property
    def total(self) -> Counts:
        """What became of all records, those of further sources too."""
        return sum_of(self.counts, *(one.counts for one in self._beside))

    def run(self) -> None:
        """All or nothing: the files are published when all are whole.

        Else none is left behind, unless a checkpoint tells how to go on with them.
        """
        setting = self.setting
        if setting.once is not None and setting.keeping is None:
            message = "no run can tell whether what it has read has reached standard output"
            pointer = ("source", "incremental")
            raise Unfit([Fault(OPTION, message, pointer, help="write to a file")])
        if setting.keeping is not None:
            self._keeper = Keeper.open(setting.keeping, setting.split_bytes)
        try:
            last = self._keeper.last if self._keeper is not None else None
            staging = self._staging = Staging(
                setting.base,
                setting.token,
                setting.stdout,
                setting.keeping.disk if setting.keeping is not None else REAL,
                self.components,
                self._keeper,
            )
            if last is not None and last.ended:
                self.counts = last.standing.counts
                self.columns = (
                    self._keeper.kept.columns if self._keeper and self._keeper.kept else ()
                )
                staging.find(all_sinks(self.body), last)
            else:
                self._write(staging, last)
            self._publish(staging)
            self.published = tuple(path for sink in self.body.sinks for path in self._paths(sink))
        except OF_THE_DATA:
            self._end(keep=False)
            raise
        except CallFailed as error:
            self._end(keep=not error.final)
            raise
        except BaseException:
            self._end(keep=True)
            raise
        self._end(keep=False)

    def _left(self, files: tuple[DataFile, ...]) -> tuple[DataFile, ...]:
        once = self.setting.once
        return once.left(files, self._encoding) if once is not None else files

    def _publish(self, staging: Staging) -> None:
        """In one commit with what is remembered of the files that were read, if anything is."""
        once, keeper = self.setting.once, self._keeper
        if once is not None and keeper is not None:
            consumed = keeper.kept.consumed if keeper.kept is not None else Consumed((), (), ())
            sizes = dict(zip(consumed.files, consumed.sizes, strict=True))
            own = [stretch for stretch in keeper.read if stretch.input == 0]
            once.claim(files_read(own, sizes, keeper.stamps))
        publish_all(staging.staged)
        if once is not None:
            once.keep()

    @property
    def _encoding(self) -> str:
        return str(self.body.source.arguments.get("encoding", "utf-8"))

    def _end(self, *, keep: bool) -> None:
        """Lets go of all; what another process can go on with stays if it is to be kept."""
        keeper = self._keeper
        if keeper is not None:
            keeper.close()
        keep = keep and keeper is not None and keeper.any
        if keeper is not None and not keep and not self.published:
            with suppress(OSError):
                keeper.forget()
        for output in self._staging.staged if self._staging is not None else ():
            if keep:
                output.leave()
            else:
                output.discard()
        if self._checker is not None and not keep:
            self._checker.close()
        for pairing in self._pairings.values() if not keep else ():
            pairing.close()
        for opened in self._readers:
            if not keep or not isinstance(opened, GatheredReader | PairedReader):
                opened.close()

    def _write(self, staging: Staging, last: Checkpoint | None) -> None:
        """Takes all records from where they stand into what is staged."""
        setting, keeper = self.setting, self._keeper
        if last is None:
            for sink, pointer in _sinks(self.body):
                with _at(pointer):
                    staging.refuse(sink)
        kept = keeper.kept if keeper is not None else None
        known = [Schema.of(dict(kept.columns))] if kept else []
        known += [Schema.of(dict(one.columns)) for one in kept.beside] if kept else []
        stream = assemble(
            self.body, setting.scope, self.components, setting.callers, known, self._left
        )
        self._readers += [one.reader for one in (stream.source, *stream.inputs)]
        reuse_large_blocks()
        executor = ThreadPoolExecutor(setting.workers + AHEAD, thread_name_prefix=self.step)
        try:
            self.columns = tuple(typed(column) for column in stream.source.columns)
            if keeper is not None:
                keeper.begin(stream.source.files, self.columns)
            outputs = [
                self._output(staging, sink, stream.result, pointer, executor)
                for sink, pointer in _sinks(self.body)
            ]
            rejects = self._rejects(staging, executor)
            rejects.begin()
            if last is None and setting.carried is not None:
                rejects.carry(setting.carried.read_bytes())
            if last is not None:
                self.counts, self._gathered = last.earlier, [*last.gathered]
                rejects.count = last.rejected
            stages = stream.stages(self._beside_reading(stream, rejects, executor))
            if keeper is not None:
                keeper.beside = tuple(self._beside)
            self._drive_all(stages, stream.result, outputs, rejects, executor)
            rejects.finish(self.total.read)
            if keeper is not None:
                standing = Standing(counts=self.total)
                keeper.wait()
                keeper.ask(len(stages.later), standing, self.counts, rejects.count, (), ended=True)
                keeper.wait()
        finally:
            executor.shutdown(cancel_futures=True)

    def _drive_all(
        self,
        stages: Stages,
        result: Schema,
        outputs: Sequence[Output | DatasetOutput],
        rejects: Rejects,
        executor: Executor,
    ) -> None:
        """Takes all records through all stages that have not ended.

        Behind the last one of the transforms there is one for each sink with partitions, in which
        their records come together.
        """
        last = self._keeper.last if self._keeper is not None else None
        begins = last.stage if last is not None else 0
        pipelines, end = stages.first, len(stages.later)
        memory = memory_to_gather(self.setting)
        for number, later in enumerate(stages.later):
            reader, gatherer = self._gatherer(number, later, pipelines, memory, executor)
            if begins <= number:
                self._drive(number, number, pipelines, [gatherer], rejects, executor)
            pipelines = later.pipelines(reader)
        found = list(_partitioned(self.body, outputs, result))
        share = memory // max(1, bool(stages.later) + len(found) + (self.body.check is not None))
        gathered = [
            self._gatherer(end + number, later, pipelines, share, executor)
            for number, (later, _) in enumerate(found)
        ]
        if begins <= end:
            checker = self._opened_checker(result, last, share, executor)
            whole = [one for one in outputs if not any(one is other for _, other in found)]
            outlets = [*whole, *(one for _, one in gathered), *([checker] if checker else [])]
            self._drive(end, end, pipelines, outlets, rejects, executor)
            rejects.check_share(self.total.read)
            if checker is not None:
                checker.judge(self.total, rejects.count)
        for number, ((later, output), (reader, _)) in enumerate(
            zip(found, gathered, strict=True), end + 1
        ):
            if begins <= number:
                pipelines = later.pipelines(reader)
                self._drive(number, end + len(found), pipelines, [output], rejects, executor)

    def _beside_reading(
        self, stream: Assembled, rejects: Rejects, executor: Executor
    ) -> BesideReading:
        """How the sources are read whose records others meet."""
        setting, keeper = self.setting, self._keeper
        # What is set apart is there from the beginning, however late its stage comes.
        memory = memory_to_gather(setting) // max(1, len(stream.inputs))
        return BesideReading(
            Flow(setting.workers, self._split_bytes, setting.cancelled, lambda progress: None),
            executor,
            rejects,
            most=min(HELD_MOST, memory // 4),
            memory=memory,
            folder=self._folder,
            kept=keeper.kept.beside if keeper is not None and keeper.kept is not None else (),
            gathered=len(self._gathered),
            read=self._beside,
            pairings=self._pairings,
        )

    def _gatherer(
        self,
        number: int,
        later: Later,
        pipelines: Sequence[Pipeline],
        memory: int,
        executor: Executor,
    ) -> tuple[Reader, Gatherer]:
        """The end of a stage and the beginning of the next, the one with this number."""
        reader: GatheredReader | PairedReader
        if isinstance(later.blocking, Pairs):
            gathering: Gathering = (pairing := self._pairings[number])

            def behind(feed: int) -> Iterator[Split]:
                return pipelines[feed].reader.splits(self._split_bytes)

            reader = PairedReader(pairing, later.boundary, behind)
        else:
            gathering = later.blocking.open(self._folder(number), memory)
            reader = GatheredReader(later.blocking, gathering, later.boundary)
        self._readers.append(reader)
        if number < len(self._gathered):
            gathering.restore(self._gathered[number])
        return reader, Gatherer(later.blocking, gathering, later.boundary, executor)

    def _opened_checker(
        self, result: Schema, last: Checkpoint | None, memory: int, executor: Executor
    ) -> Checker | None:
        """What sees the records that the sinks get, as far as it had come."""
        check = self.body.check
        if check is None:
            return None
        folder, scope = self._folder("check"), self.setting.scope
        checker = self._checker = Checker.open(check, result, scope, folder, memory, executor)
        if last is not None and last.check is not None:
            checker.restore(last.check)
        return checker

    @property
    def _split_bytes(self) -> int:
        return self._keeper.split_bytes if self._keeper is not None else self.setting.split_bytes

    def _drive(
        self,
        stage: int,
        gathered: int,
        pipelines: Sequence[Pipeline],
        outlets: Sequence[Outlet],
        rejects: Rejects,
        executor: Executor,
    ) -> None:
        """Takes all records through one stage; `counts` grows by what becomes of them there.

        So many were `gathered` at the ends of the stages before.
        """
        setting, keeper, before = self.setting, self._keeper, self.counts
        last = keeper.last if keeper is not None else None
        standing = last.standing if last is not None and last.stage == stage else Standing()
        flow = Flow(
            setting.workers,
            self._split_bytes,
            setting.cancelled,
            setting.on_progress if stage == 0 else lambda progress: None,
        )

        def ask(keeper: Keeper) -> None:
            states = [*self._gathered[:gathered], *_checkpoints(outlets)]
            seen = [one.checkpoint() for one in outlets if isinstance(one, Checker)]
            check = seen[0] if seen else None
            keeper.ask(stage, drive.standing, before, rejects.count, states, check=check)

        def committed(split: Split, source: int) -> None:
            if keeper is not None:
                keeper.note(split, source)
                keeper.go_on()
                if keeper.due():
                    ask(keeper)

        drive = Drive(pipelines, outlets, rejects, flow, standing, committed)
        try:
            drive.run(executor)
            if stage == 0:
                self._refuse_changes()
            if keeper is not None:
                keeper.wait()
                self._gathered[gathered:] = _checkpoints(outlets)
        except (BadInput, Misread, RecordFailed, EngineRefused):
            self._refuse_changes()
            raise
        except Cancelled:
            if keeper is not None:
                keeper.wait()
                ask(keeper)
                keeper.wait()
            raise
        finally:
            counts = drive.standing.counts
            self.counts = counts if stage == 0 else after_stage(before, counts)

    def _refuse_changes(self) -> None:
        """Raises BadInput where the input has changed since this attempt began to read it."""
        keeper, encoding = self._keeper, self._encoding
        read = [one for one in keeper.read if one.input == 0] if keeper is not None else []
        fault = meanwhile(keeper.stamps, read, encoding) if keeper is not None else None
        if fault is not None:
            raise BadInput(fault)

    def _folder(self, user: int | str) -> Path:
        """Where a blocking transform, by its number, or the check keeps what memory cannot hold."""
        if self.setting.work is None:
            return Path(mkdtemp(prefix="flowctl-"))
        return self.setting.work / quote(self.step, safe="") / str(user)

    def _output(
        self,
        staging: Staging,
        sink: Operation,
        schema: Schema,
        pointer: Pointer,
        executor: Executor,
    ) -> Output | DatasetOutput:
        base, scope = self.setting.base, self.setting.scope
        writer = open_writer(sink, schema, pointer, base, scope, self.components)
        with _at(pointer):
            return staging.output(sink, writer, schema, executor)

    def _rejects(self, staging: Staging, executor: Executor) -> Rejects:
        sink, output = self.body.rejects, None
        if sink is not None:
            output = self._output(staging, sink, REJECTS, ("rejects",), executor)
        return Rejects(self.step, Allowance.parse(self.body.max_rejects), output)

    def _paths(self, sink: Operation) -> tuple[str, ...]:
        return self.components.sinks[sink.kind].paths(sink.arguments)


def _partitioned(
    body: Stream, outputs: Sequence[Output | DatasetOutput], schema: Schema
) -> Iterator[tuple[Later, DatasetOutput]]:
    """The outputs with partitions, each behind a stage in which these come together."""
    for (sink, pointer), output in zip(_sinks(body), outputs, strict=True):
        if isinstance(output, DatasetOutput) and output.columns:
            boundary = Stage(Rowwise(lambda frame: frame), "fail", pointer, sink.kind)

            def pipelines(reader: Reader, boundary: Stage = boundary) -> tuple[Pipeline, ...]:
                return (Pipeline(reader, boundary, ((),), (), schema, schema),)

            yield Later(by_partition(output.columns), boundary, pipelines), output


@contextmanager
def _at(pointer: Pointer) -> Iterator[None]:
    """What cannot be written is told of this part of the step."""
    try:
        yield
    except CannotWrite as error:
        error.fault = error.fault.below(*pointer)
        raise


def _checkpoints(outlets: Sequence[Outlet]) -> list[Json]:
    """The state of what gathers at the end of a stage, made durable."""
    return [outlet.checkpoint() for outlet in outlets if isinstance(outlet, Gatherer)]


def _sinks(body: Stream) -> Iterator[tuple[Operation, Pointer]]:
    """Each sink with its place in the step, as the author wrote it: alone or in a list."""
    for index, sink in enumerate(body.sinks):
        yield sink, ("sink",) if len(body.sinks) == 1 else ("sink", index)
