"""What an attempt does besides where its source is followed: it publishes, waits and tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from flowctl.codes.names import NEVER_ENDS
from flowctl.dataclass import dataclass
from flowctl.dataflow import Growing, Split
from flowctl.diagnostics import Fault
from flowctl.interpreter.assembly import Unfit
from flowctl.interpreter.drive import Flow
from flowctl.interpreter.keeper import Keeper
from flowctl.interpreter.publish import Staged
from flowctl.interpreter.sections import Stages
from flowctl.interpreter.streamsetting import StreamSetting
from flowctl.syntax.node import Json


@dataclass(slots=True)
class Following:
    """A stream whose source is followed; `save` makes a checkpoint, if any are kept.

    All that has been committed is `saved`, and published, or will be when it is time. The first
    checkpoint is made before any record is committed, so that who goes on knows with which file:
    `know` takes this position, and tells whether nothing has been read before.
    """

    reader: Growing
    setting: StreamSetting
    keeper: Keeper | None
    staged: Sequence[Staged]
    save: Callable[[], None] = lambda: None
    know: Callable[[Json], bool] = lambda position: False
    saved: bool = True
    _known: bool = False

    def flow(self, flow: Flow) -> Flow:
        """The same, for a source of which more may come at any time."""
        return replace(flow, cancelled=self._cancelled, idle=self._idle)

    def committed(self, split: Split, source: int) -> None:
        """Takes note of a split."""
        if self.keeper is not None:
            self.keeper.note(split, source)
        self.saved = False
        self._save_when_due()

    def publish(self) -> None:
        """Makes a checkpoint, and publishes what it tells of; raises CannotWrite and OSError."""
        self._tell()
        if self.keeper is None or self.saved:
            return
        self.save()
        self.keeper.wait()
        for output in self.staged:
            output.publish()
        self.saved = True

    def refuse(self, stages: Stages) -> None:
        """Raises Unfit where a transform turns out to need all records."""
        for later in stages.later:
            kind, pointer = later.boundary.kind, later.boundary.pointer
            message = f"`{kind}` cannot hold in memory what the records of the stream are to meet"
            help = "leave out what is not needed on that side, or give it more with `--max-memory`"
            raise Unfit([Fault(NEVER_ENDS, message, (*pointer, kind), help=help)])

    def _cancelled(self) -> bool:
        if not self._known and self.reader.beginning is not None:
            self._known = True
            if self.know(self.reader.beginning):
                self.saved = False
                self.publish()
        if self.setting.paused():
            self.publish()
        return self.setting.cancelled()

    def _idle(self) -> None:
        self._save_when_due()
        self.setting.rest()

    def _save_when_due(self) -> None:
        self._tell()
        if self.keeper is not None and not self.saved and self.keeper.due():
            self.publish()

    def _tell(self) -> None:
        for fault in self.reader.noticed():
            self.setting.on_notice(fault.below("source"))
