"""Where actions do their work: expressions get their values there and commands are run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from flowctl.action import Command, Exited, StreamName
from flowctl.dataclass import dataclass
from flowctl.interpreter.emitter import Emitter
from flowctl.interpreter.events import StepOutput
from flowctl.interpreter.functions import Functions
from flowctl.interpreter.leftovers import AtWork
from flowctl.interpreter.logs import OutputLog
from flowctl.interpreter.masking import Mask
from flowctl.interpreter.names import RuntimeNames
from flowctl.interpreter.process import run_command
from flowctl.interpreter.setting import Setting
from flowctl.ordinary import new_file
from flowctl.syntax.node import Json
from flowctl.workers import Call, Raised


@dataclass(frozen=True, slots=True)
class StepWorkplace:
    """The workplace of one attempt at a step.

    Commands and functions have `timeout` seconds. Lines are told as the step's, unless `tell` does.
    """

    step: str
    setting: Setting
    environment: Mapping[str, str]
    mask: Mask
    emit: Emitter
    names: RuntimeNames
    functions: Functions
    at_work: AtWork
    timeout: float | None = None
    tell: Callable[[StreamName, str], None] | None = None

    @property
    def base(self) -> Path:
        return self.setting.base

    def text(self, expression: str) -> str:
        return self.names.text(expression)

    def value(self, expression: str) -> Json:
        return self.names.value(expression)

    @property
    def outputs(self) -> Path:
        path = self.setting.outputs(self.step)
        try:
            new_file(path, 0o600)
        except FileExistsError:  # an attempt was killed
            path.unlink()
            new_file(path, 0o600)
        return path

    def launch(self, command: Command) -> Exited:
        setting = self.setting
        with OutputLog(partial(setting.log, self.step), self.mask, self._tell) as log:
            exited = run_command(
                command,
                setting.cancellation,
                log.feed,
                setting.grace,
                self.timeout,
                self.at_work.noted,
            )
            log.end()
        return exited

    def call(self, call: Call, root: Path, environment: Mapping[str, str]) -> Json:
        setting = self.setting
        with OutputLog(partial(setting.log, self.step), self.mask, self._tell) as log:
            try:
                return self.functions.call(
                    call,
                    root,
                    setting.base,
                    environment,
                    log.feed,
                    setting.cancellation,
                    self.timeout,
                )
            except Raised as error:
                if not error.unfit:
                    log.feed("stderr", error.traceback.encode())
                raise
            finally:
                log.end()

    def _tell(self, stream: StreamName, line: str) -> None:
        if self.tell is not None:
            self.tell(stream, line)
            return
        self.emit(StepOutput(self.setting.clock(), self.step, stream, line))
