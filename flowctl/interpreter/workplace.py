"""Where actions do their work: expressions get their values there and commands are run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from flowctl.action import Command, Exited, StreamName
from flowctl.dataclass import dataclass
from flowctl.interpreter.emitter import Emitter
from flowctl.interpreter.events import StepOutput
from flowctl.interpreter.logs import OutputLog
from flowctl.interpreter.masking import Mask
from flowctl.interpreter.process import run_command
from flowctl.interpreter.setting import Setting


@dataclass(frozen=True, slots=True)
class StepWorkplace:
    """The workplace of one attempt at a step; `value` gives an expression's value as text.

    Commands have `timeout` seconds.
    """

    step: str
    setting: Setting
    environment: Mapping[str, str]
    mask: Mask
    emit: Emitter
    value: Callable[[str], str]
    timeout: float | None = None

    @property
    def base(self) -> Path:
        return self.setting.base

    def text(self, expression: str) -> str:
        return self.value(expression)

    @property
    def outputs(self) -> Path:
        path = self.setting.outputs(self.step)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        return path

    def launch(self, command: Command) -> Exited:
        setting = self.setting
        with OutputLog(setting.log(self.step), self.mask, self._tell) as log:
            exited = run_command(
                command, setting.cancellation, log.feed, setting.grace, self.timeout
            )
            log.end()
        return exited

    def _tell(self, stream: StreamName, line: str) -> None:
        self.emit(StepOutput(self.setting.clock(), self.step, stream, line))
