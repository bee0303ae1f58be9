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
from flowctl.dataflow import BadInput, Growing, Reader, Split
from flowctl.diagnostics import Fault
from flowctl.files.fingerprints import Consumed, meanwhile
from flowctl.files.paths import DataFile
from flowctl.interpreter.assembly import Assembled, Unfit, assemble, open_writer
from flowctl.interpreter.beside import HELD_MOST, BesideReading, typed
from flowctl.interpreter.calling import CallFailed
from flowctl.interpreter.careful import EngineRefused
from flowctl.interpreter.checkpoint import Beside, Checkpoint, Gathered, Standing
from flowctl.interpreter.checks import Checker, CheckFailed
from flowctl.interpreter.components import Components
from flowctl.interpreter.counts import Counts, after_stage, sum_of
from flowctl.interpreter.dataset import DatasetOutput
from flowctl.interpreter.drive import AHEAD, Cancelled, Drive, Flow, Misread, RecordFailed
from flowctl.interpreter.following import Following
from flowctl.interpreter.gathered import GatheredReader, Gatherer, PairedReader
from flowctl.interpreter.incremental import files_read
from flowctl.interpreter.keeper import Keeper
from flowctl.interpreter.outputs import Outlet
from flowctl.interpreter.partitions import by_partition
from flowctl.interpreter.pipeline import Pipeline, Stage
from flowctl.interpreter.publish import CannotWrite, publish_all
from flowctl.interpreter.rejects import SCHEMA as REJECTS
from flowctl.interpreter.rejects import Allowance, Rejects, TooManyRejects
from flowctl.interpreter.sections import End, Later, Mouth, Stages, stages
from flowctl.interpreter.staging import Staging
from flowctl.interpreter.streamsetting import StreamSetting, memory_to_gather
from flowctl.interpreter.targets import all_sinks
from flowctl.operators import Gathering, Pairing, Pairs, Rowwise, WritingAhead
from flowctl.plan import Operation, Placed, Stream, follows, sinks_of
from flowctl.records import Schema
from flowctl.store.disk import REAL
from flowctl.syntax.node import Pointer

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
    kept: bool = False
    columns: tuple[tuple[str, str], ...] = ()
    _keeper: Keeper | None = None
    _staging: Staging | None = None
    _readers: list[Reader] = field(default_factory=list)
    _gathered: list[Gathered | None] = field(default_factory=list)
    _fleeting: list[Gatherer] = field(default_factory=list)
    """What earlier stages have gathered, as long as no checkpoint has needed it to be durable."""
    _checker: Checker | None = None
    _beside: list[Beside] = field(default_factory=list)
    _pairings: dict[int, Pairing] = field(default_factory=dict)
    _following: Following | None = None

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
                follows(self.body),
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
            self.published = tuple(
                path for sink, _ in sinks_of(self.body) for path in self._paths(sink)
            )
        except OF_THE_DATA:
            self._end(keep=follows(self.body))
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
        keep = self.kept = keep and keeper is not None and keeper.any
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
            for sink, pointer in sinks_of(self.body):
                with _at(pointer):
                    staging.refuse(sink)
        kept = keeper.kept if keeper is not None else None
        known = [Schema.of(dict(kept.columns))] if kept else []
        known += [Schema.of(dict(one.columns)) for one in kept.beside] if kept else []
        stream = assemble(
            self.body, setting.scope, self.components, setting.callers, known, self._left
        )
        self._readers += [one.reader for one in (stream.source, *stream.course.inputs)]
        executor = ThreadPoolExecutor(setting.workers + AHEAD, thread_name_prefix=self.step)
        try:
            self.columns = tuple(typed(column) for column in stream.source.columns)
            if keeper is not None:
                keeper.begin(stream.source.files, self.columns)
            outputs = [
                [self._output(staging, sink, end.result, executor) for sink in end.sinks]
                for end in stream.course.ends
            ]
            rejects = self._rejects(staging, executor)
            rejects.begin()
            if last is None and setting.carried is not None:
                rejects.carry(setting.carried.read_bytes())
            if last is not None:
                self.counts, self._gathered = last.earlier, [*last.gathered]
                rejects.count = last.rejected
            further = self._beside_reading(stream, rejects, executor)
            found = stages(stream.source, stream.course, further)
            if isinstance(stream.source.reader, Growing):
                reader = stream.source.reader
                self._following = Following(reader, setting, keeper, staging.staged)
                self._following.refuse(found)
            if keeper is not None:
                keeper.beside = tuple(self._beside)
            self._drive_all(found, stream.checked, outputs, rejects, executor)
            rejects.finish(self.total.read)
            if keeper is not None:
                standing = Standing(counts=self.total)
                keeper.wait()
                keeper.ask(len(found.later), standing, self.counts, rejects.count, (), ended=True)
                keeper.wait()
        finally:
            executor.shutdown(cancel_futures=True)

    def _drive_all(
        self,
        found: Stages,
        checked: Schema,
        outputs: Sequence[Sequence[Outlet]],
        rejects: Rejects,
        executor: Executor,
    ) -> None:
        """Takes all records through all stages that have not ended.

        Behind the last one of the transforms there is one for each sink with partitions, in which
        their records come together.
        """
        last = self._keeper.last if self._keeper is not None else None
        begins = last.stage if last is not None else 0
        later = [*found.later]
        lone: dict[int, DatasetOutput] = {}
        leaving: dict[Mouth, list[Outlet]] = {}
        for end, own in zip(found.ends, outputs, strict=True):
            leaving[end.mouth] = []
            for sink, output in zip(end.course.sinks, own, strict=True):
                if isinstance(output, DatasetOutput) and output.columns:
                    later.append(_partitioned(len(later), end, sink, output))
                    lone[len(later)] = output
                else:
                    leaving[end.mouth].append(output)
        self._gathered += [None] * (len(later) - len(self._gathered))
        users = [_users(stage, found, later, self.body) for stage in range(len(later) + 1)]
        memory = memory_to_gather(self.setting)
        judged = max(stage for stage, _ in leaving)
        checker = None
        if begins <= judged:
            checker = self._opened_checker(checked, last, memory // max(users), executor)
        if checker is not None:
            for one in leaving.values():
                one.append(checker)
        readers: dict[int, Reader] = {}
        pipelines = found.first
        for stage in range(len(later) + 1):
            if stage:
                pipelines = later[stage - 1].pipelines(readers.pop(stage))
            mouths = {mouth: [*outlets] for (at, mouth), outlets in leaving.items() if at == stage}
            for behind in later:
                if behind.mouth[0] == stage:
                    share = memory // users[stage]
                    reader, gatherer = self._gatherer(behind, pipelines, share, executor)
                    readers[behind.number + 1] = reader
                    mouths.setdefault(behind.mouth[1], []).append(gatherer)
            if stage in lone:
                mouths = {0: [lone[stage]]}
            if begins > stage:
                continue
            seeing = checker if stage <= judged else None
            outlets = [mouths[number] for number in range(len(mouths))]
            self._drive(stage, pipelines, outlets, seeing, rejects, executor)
            if stage == judged:
                rejects.check_share(self.total.read)
                if checker is not None:
                    checker.judge(self.total, rejects.count)

    def _beside_reading(
        self, stream: Assembled, rejects: Rejects, executor: Executor
    ) -> BesideReading:
        """How the sources are read whose records others meet."""
        setting, keeper = self.setting, self._keeper
        # What is set apart is there from the beginning, however late its stage comes.
        memory = memory_to_gather(setting) // max(1, len(stream.course.inputs))
        return BesideReading(
            Flow(setting.workers, self._split_bytes, setting.cancelled, lambda progress: None),
            executor,
            rejects,
            most=min(HELD_MOST, memory // 4),
            memory=memory,
            folder=self._folder,
            kept=keeper.kept.beside if keeper is not None and keeper.kept is not None else (),
            restored=[number for number, one in enumerate(self._gathered) if one is not None],
            read=self._beside,
            pairings=self._pairings,
        )

    def _gatherer(
        self, later: Later, pipelines: Sequence[Pipeline], memory: int, executor: Executor
    ) -> tuple[Reader, Gatherer]:
        """What gathers at the end of a stage, and the beginning of the one that reads it."""
        reader: GatheredReader | PairedReader
        if isinstance(later.blocking, Pairs):
            gathering: Gathering = (pairing := self._pairings[later.number])

            def behind(feed: int) -> Iterator[Split]:
                return pipelines[feed].reader.splits(self._split_bytes)

            reader = PairedReader(pairing, later.boundary, behind)
        else:
            gathering = later.blocking.open(self._folder(later.number), memory)
            reader = GatheredReader(later.blocking, gathering, later.boundary)
        self._readers.append(reader)
        if (gathered := self._gathered[later.number]) is not None:
            gathering.restore(gathered.state)
        if self._keeper is not None and isinstance(gathering, WritingAhead):
            gathering.write_ahead(executor)
        gatherer = Gatherer(later.number, later.blocking, gathering, later.boundary, executor)
        return reader, gatherer

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
        pipelines: Sequence[Pipeline],
        mouths: Sequence[Sequence[Outlet]],
        checker: Checker | None,
        rejects: Rejects,
        executor: Executor,
    ) -> None:
        """Takes all records through one stage; `counts` grows by what becomes of them there.

        The check has not been made where there is a `checker`.
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
            standing, began = drive.standing, keeper.keeping.clock()
            for gatherer in self._fleeting:
                self._gathered[gatherer.number] = gatherer.durable()
            self._fleeting.clear()
            found = [*self._gathered]
            for gatherer in _gatherers(mouths, standing.left):
                found[gatherer.number] = gatherer.durable()
            check = checker.checkpoint() if checker is not None else None
            took = keeper.keeping.clock() - began
            keeper.ask(stage, standing, before, rejects.count, found, check=check, took=took)

        def committed(split: Split, source: int) -> None:
            if keeper is not None:
                keeper.note(split, source)
                keeper.go_on()
                if keeper.due():
                    ask(keeper)

        following = self._following
        if following is not None:
            flow, committed = following.flow(flow), following.committed
            following.save = lambda: ask(keeper) if keeper is not None else None
        drive = Drive(pipelines, mouths, rejects, flow, standing, committed)
        if following is not None:
            following.know = drive.begin_at
        try:
            drive.run(executor)
            if stage == 0:
                self._refuse_changes()
            if keeper is not None:
                keeper.wait()
            for gatherer in _gatherers(mouths, drive.standing.left):
                self._gathered[gatherer.number] = Gathered(None, gatherer.records)
                self._fleeting.append(gatherer)
        except (BadInput, Misread, RecordFailed, EngineRefused):
            if following is not None:
                following.publish()
            self._refuse_changes()
            raise
        except Cancelled:
            if following is not None:
                following.publish()
            elif keeper is not None:
                keeper.wait()
                ask(keeper)
                keeper.wait()
            raise
        finally:
            counts = drive.standing.counts
            gathered = self._gathered[stage - 1] if stage else None
            entered = gathered.records if gathered is not None else 0
            self.counts = after_stage(before, counts, entered) if stage else counts

    def _refuse_changes(self) -> None:
        """Raises BadInput where the input has changed since this attempt began to read it."""
        keeper, encoding = self._keeper, self._encoding
        if self._following is not None:
            return
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
        sink: Placed,
        schema: Schema,
        executor: Executor,
    ) -> Outlet:
        base, scope = self.setting.base, self.setting.scope
        writer = open_writer(sink, schema, base, scope, self.components)
        with _at(sink.pointer):
            return staging.output(sink.operation, writer, schema, executor)

    def _rejects(self, staging: Staging, executor: Executor) -> Rejects:
        sink, output = self.body.rejects, None
        if sink is not None:
            output = self._output(staging, Placed(sink, ("rejects",)), REJECTS, executor)
        return Rejects(self.step, Allowance.parse(self.body.max_rejects), output)

    def _paths(self, sink: Operation) -> tuple[str, ...]:
        return self.components.sinks[sink.kind].paths(sink.arguments)


def _partitioned(number: int, end: End, sink: Placed, output: DatasetOutput) -> Later:
    """The stage in which the records of an output's partitions come together."""
    kind, schema = sink.operation.kind, end.course.result
    boundary = Stage(Rowwise(lambda frame: frame), "fail", sink.pointer, kind)

    def pipelines(reader: Reader) -> tuple[Pipeline, ...]:
        return (Pipeline(reader, boundary, ((),), (), schema, schema),)

    return Later(number, end.mouth, by_partition(output.columns), boundary, pipelines)


def _users(stage: int, found: Stages, later: Sequence[Later], body: Stream) -> int:
    """Among how many the memory is shared while a stage runs, at least one.

    Those are who gathers, for a later stage too, and who takes what leaves for the sinks.
    """
    gathering = sum(one.mouth[0] <= stage <= one.number for one in later)
    if all(end.mouth[0] != stage for end in found.ends):
        return max(1, gathering)
    return max(1, gathering + bool(stage) + (body.check is not None))


def _gatherers(mouths: Sequence[Sequence[Outlet]], left: Sequence[int]) -> Iterator[Gatherer]:
    """What gathers at the end of a stage, by whose mouths so many records have `left` so far."""
    for mouth, outlets in enumerate(mouths):
        for outlet in outlets:
            if isinstance(outlet, Gatherer):
                outlet.records = left[mouth] if left else 0
                yield outlet


@contextmanager
def _at(pointer: Pointer) -> Iterator[None]:
    """What cannot be written is told of this part of the step."""
    try:
        yield
    except CannotWrite as error:
        error.fault = error.fault.below(*pointer)
        raise
