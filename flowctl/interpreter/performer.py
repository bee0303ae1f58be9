"""Does the work of steps: leads each to those who know its kind, and collects how it ended."""

from __future__ import annotations

import shutil
from functools import partial

from flowctl.codes.runs import STEP_BROKEN
from flowctl.diagnostics import Fault
from flowctl.interpreter.emitter import Emitter
from flowctl.interpreter.events import StepStatus
from flowctl.interpreter.handing import handing
from flowctl.interpreter.masking import Mask
from flowctl.interpreter.names import RuntimeNames
from flowctl.interpreter.places import diagnosed
from flowctl.interpreter.scheduler import Ending
from flowctl.interpreter.setting import Setting
from flowctl.interpreter.vault import Vault
from flowctl.interpreter.workplace import StepWorkplace
from flowctl.plan import Operation, Plan, Step
from flowctl.registry import Registry


class Performer:
    """Performs the steps of one run, each on the thread that asks for it.

    As a context it lasts as long as the run; at its end the records that steps have only handed on
    are removed.
    """

    def __init__(
        self,
        plan: Plan,
        setting: Setting,
        registry: Registry,
        vault: Vault,
        mask: Mask,
        emit: Emitter,
    ) -> None:
        self.names = RuntimeNames(plan, setting, vault, mask, emit.state)
        self._plan = plan
        self._setting = setting
        self._registry = registry
        self._environment = vault.environment(setting.environment)
        self._mask = mask
        self._emit = emit
        self._handing = handing(plan, setting)

    def __enter__(self) -> Performer:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._setting.folder / "records", ignore_errors=True)

    def perform(self, step: Step) -> Ending:
        """Does a step's work; what the system refuses is the step's fault."""
        try:
            if isinstance(step.body, Operation):
                return self._act(step, step.body)
            raise NotImplementedError
        except OSError as error:
            fault = Fault(STEP_BROKEN, str(error).lower())
            return Ending(
                "failed", faults=(diagnosed(self._plan, self._setting.base, step.id, fault),)
            )

    def _act(self, step: Step, action: Operation) -> Ending:
        workplace = StepWorkplace(
            step.id, self._setting, self._environment, self._mask, self._emit, self.names.text
        )
        finished = self._registry.actions[action.kind].perform(action.arguments, workplace)
        locate = partial(diagnosed, self._plan, self._setting.base, step.id)
        faults = tuple(map(locate, finished.faults))
        if finished.stopped:
            return Ending("cancelled", exit_code=finished.exit_code, why="the run was stopped")
        status: StepStatus = "failed" if faults else "succeeded"
        return Ending(status, exit_code=finished.exit_code, faults=faults)
