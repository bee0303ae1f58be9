"""The outputs of a step: each is written beside its place, and takes it when all are whole."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Executor
from dataclasses import field
from pathlib import Path
from typing import BinaryIO

from flowctl.dataclass import dataclass
from flowctl.dataflow import Appending, Joining, Writer
from flowctl.interpreter.added import AddedFolder, GrowingDataset
from flowctl.interpreter.appended import AppendedFile
from flowctl.interpreter.checkpoint import Checkpoint, OutputState
from flowctl.interpreter.dataset import DatasetOutput, Finished
from flowctl.interpreter.folders import StagedFolder
from flowctl.interpreter.keeper import Keeper
from flowctl.interpreter.modes import Append, Headless, Join, create
from flowctl.interpreter.outputs import Outlet, Output
from flowctl.interpreter.publish import (
    CannotWrite,
    Staged,
    StagedFile,
    Taking,
    Tap,
    replace,
    stands_already,
)
from flowctl.interpreter.sidecars import Sidecars
from flowctl.interpreter.targets import Components, destination_of
from flowctl.plan import Operation
from flowctl.records import Column, Schema, Unknown
from flowctl.sinking import Destination
from flowctl.store.disk import REAL, Disk


@dataclass(slots=True)
class Staging:
    """What stands beside its place, for one attempt at a step.

    `token` marks it; records for standard output go to `stdout` as they come. There are no
    checkpoints without a `keeper`. Where the stream `follows` its source, each publishes what is
    staged.
    """

    base: Path
    token: str
    stdout: BinaryIO | None
    disk: Disk
    components: Components
    keeper: Keeper | None = None
    follows: bool = False
    staged: list[Staged] = field(default_factory=list)

    def refuse(self, sink: Operation) -> None:
        """Raises CannotWrite where a place is taken that must be free."""
        where = destination_of(sink, self.components)
        if where is not None and where.folder:
            self._folder(where).judge()
        elif where is not None and where.mode == "error" and (self.base / where.path).exists():
            raise stands_already(where.path)

    def output(self, sink: Operation, writer: Writer, schema: Schema, executor: Executor) -> Outlet:
        """The output of a sink, as far as it had come; raises CannotWrite and OSError.

        `schema` are the columns of the records.
        """
        where = destination_of(sink, self.components)
        if where is None:
            return Output(writer, Tap(self.stdout), executor)
        if self.follows and self.keeper is not None:
            return self._growing(where, writer, schema, executor)
        if where.folder:
            return self._dataset(where, writer, executor)
        taking = self._taking(where, writer)
        length = self.keeper.next_state.length if self.keeper is not None else 0
        file = StagedFile.create(
            self.base / where.path, where.path, self.token, self.disk, length, taking
        )
        self.staged.append(file)
        columns: tuple[str, ...] = ()
        if isinstance(taking, Append | Join):
            taking.judge(file.path, file.name)
        if isinstance(taking, Append):
            writer, columns = Headless(writer), tuple(schema.names)
        output = Output(writer, file, executor, columns)
        if self.keeper is not None:
            self.keeper.watch(output)
        return output

    def _growing(
        self, where: Destination, writer: Writer, schema: Schema, executor: Executor
    ) -> Outlet:
        """An output that publishes at each checkpoint; that of the last one is published first."""
        keeper = self.keeper
        assert keeper is not None
        state = keeper.next_state if keeper.last is not None else None
        output: Output | GrowingDataset
        if where.folder:
            output = self._growing_dataset(where, writer, executor, state)
        else:
            output = self._growing_file(where, writer, schema, executor, state)
        keeper.watch(output)
        return output

    def _growing_dataset(
        self, where: Destination, writer: Writer, executor: Executor, state: OutputState | None
    ) -> GrowingDataset:
        folder = self._folder(where)
        if state is not None:
            left = AddedFolder.left(folder, state)
            left.publish()
            left.clear()
        else:
            folder.begin()
            if where.mode == "append" and isinstance(writer, Appending):
                self._refuse_misfit(folder, where.suffix, writer)
        target = AddedFolder(self._folder(where))
        self.staged.append(target)
        next = folder.last_number + 1 if where.mode == "append" else 0
        return GrowingDataset(writer, target, executor, where.suffix, where.partition_by, next)

    def _growing_file(
        self,
        where: Destination,
        writer: Writer,
        schema: Schema,
        executor: Executor,
        state: OutputState | None,
    ) -> Output:
        append, path = Append(writer.begin(), writer), self.base / where.path
        if state is not None:
            written = (path, where.path, self.token, self.disk, state.length)
            AppendedFile.left(StagedFile.written(*written), append, state).publish()
        file = StagedFile.create(path, where.path, self.token, self.disk)
        append.judge(file.path, file.name)
        target = AppendedFile(file, append)
        self.staged.append(target)
        columns = tuple(schema.names)
        return Output(Headless(writer), target, executor, columns, target.batch)

    def find(self, sinks: Iterable[Operation], last: Checkpoint) -> None:
        """What an attempt has staged that only had to publish it, in part perhaps."""
        places = [(sink, destination_of(sink, self.components)) for sink in sinks]
        known = [(sink, where) for sink, where in places if where is not None]
        for number, ((sink, where), state) in enumerate(zip(known, last.outputs, strict=True)):
            self.staged.append(self._found(sink, where, number, state))

    def _found(
        self, sink: Operation, where: Destination, number: int, state: OutputState
    ) -> Staged:
        if where.folder and state.batch is not None:
            return AddedFolder.left(self._folder(where), state)
        if where.folder:
            folder = self._folder(where)
            if self.keeper is not None:
                sidecars = Sidecars(self.keeper.keeping.folder, number, self.disk)
                entries = sidecars.read_footers(state)
                folder.files = [name for name, _ in Finished.of(entries).files]
            return folder
        added = added_to(sink, where, state, self.base, self.token, self.components, disk=self.disk)
        if added is not None:
            return added
        writer = _writer_again(sink, state, self.base, self.components)
        taking, path = self._taking(where, writer), self.base / where.path
        return StagedFile.written(path, where.path, self.token, self.disk, state.length, taking)

    def _dataset(self, where: Destination, writer: Writer, executor: Executor) -> DatasetOutput:
        folder = self._folder(where)
        self.staged.append(folder)
        if self.keeper is None or self.keeper.last is None:
            folder.begin()
            if where.mode == "append" and isinstance(writer, Appending):
                self._refuse_misfit(folder, where.suffix, writer)
        output = DatasetOutput(writer, folder, executor, where.suffix, where.partition_by)
        if self.keeper is not None:
            self.keeper.watch(output)
        return output

    @staticmethod
    def _refuse_misfit(folder: StagedFolder, suffix: str, writer: Appending) -> None:
        """Raises CannotWrite where the files that are there have other columns."""
        there = folder.there(suffix)
        fault = writer.misfit(folder.path / there, f"{folder.name}{there}") if there else None
        if fault is not None:
            raise CannotWrite(folder.name, fault)

    def _folder(self, where: Destination) -> StagedFolder:
        path = self.base / where.path
        return StagedFolder.at(path, where.path, self.token, where.mode, self.disk)

    @staticmethod
    def _taking(where: Destination, writer: Writer) -> Taking:
        if where.mode == "append" and isinstance(writer, Joining):
            return Join(writer)
        if where.mode == "append":
            return Append(writer.begin(), writer)
        return create if where.mode == "error" else replace


def added_to(
    sink: Operation,
    where: Destination,
    state: OutputState,
    base: Path,
    token: str,
    components: Components,
    disk: Disk = REAL,
) -> AppendedFile | None:
    """What a checkpoint tells of that goes behind what a file holds; None of any other output."""
    if state.batch is None or where.folder:
        return None
    writer = _writer_again(sink, state, base, components)
    file = StagedFile.written(base / where.path, where.path, token, disk, state.length)
    return AppendedFile.left(file, Append(writer.begin(), writer), state)


def _writer_again(
    sink: Operation, state: OutputState, base: Path, components: Components
) -> Writer:
    """A writer for what is written already: where records are added, only their names count."""
    columns = Schema(tuple(Column(name, Unknown()) for name in state.columns))
    return components.sinks[sink.kind].open(sink.arguments, columns, base)
