"""Declarative pipelines on files: checked in full before they run, resumed after a crash.

`validate` tells what is wrong with a workflow, `compile` makes its plan, and `run` runs it, or goes
on with a run that was interrupted; they are what the command `flowctl` is made of. There is no
state but that of the folders: nothing to open, to configure or to close.

    >>> import flowctl
    >>> for fault in flowctl.validate("samples/flights/flights.yaml"):
    ...     print(fault)

Each name is loaded when it is first asked for: `import flowctl` costs next to nothing, `validate`
loads the compiler, and `run` the engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from flowctl.api.documents import compile as compile
    from flowctl.api.documents import validate as validate
    from flowctl.api.running import run as run
    from flowctl.diagnostics import Diagnostic as Diagnostic
    from flowctl.diagnostics import Span as Span
    from flowctl.errors import FlowctlError as FlowctlError
    from flowctl.errors import Interrupted as Interrupted
    from flowctl.errors import InvalidWorkflow as InvalidWorkflow
    from flowctl.errors import ResumeRefused as ResumeRefused
    from flowctl.errors import RunFailed as RunFailed
    from flowctl.errors import UsageError as UsageError
    from flowctl.interpreter.cancellation import Cancellation as Cancellation
    from flowctl.interpreter.counts import Counts as Counts
    from flowctl.interpreter.events import Event as Event
    from flowctl.interpreter.events import HookEnded as HookEnded
    from flowctl.interpreter.events import HookOutput as HookOutput
    from flowctl.interpreter.events import RunCreated as RunCreated
    from flowctl.interpreter.events import RunEnded as RunEnded
    from flowctl.interpreter.events import RunPaused as RunPaused
    from flowctl.interpreter.events import RunStarted as RunStarted
    from flowctl.interpreter.events import RunStopping as RunStopping
    from flowctl.interpreter.events import RunUnpaused as RunUnpaused
    from flowctl.interpreter.events import StepEnded as StepEnded
    from flowctl.interpreter.events import StepFallingBack as StepFallingBack
    from flowctl.interpreter.events import StepFannedOut as StepFannedOut
    from flowctl.interpreter.events import StepNoticed as StepNoticed
    from flowctl.interpreter.events import StepOutput as StepOutput
    from flowctl.interpreter.events import StepProgress as StepProgress
    from flowctl.interpreter.events import StepRetrying as StepRetrying
    from flowctl.interpreter.events import StepStarted as StepStarted
    from flowctl.interpreter.result import Run as Run
    from flowctl.interpreter.result import StepRun as StepRun
    from flowctl.plan import Plan as Plan
    from flowctl.registry import BrokenComponent as BrokenComponent
    from flowctl.store.database import StoreBroken as StoreBroken
    from flowctl.store.locks import Busy as Busy

__version__ = "0.1.0"

_PLACES: Final = {
    "BrokenComponent": "registry",
    "Busy": "store.locks",
    "Cancellation": "interpreter.cancellation",
    "Counts": "interpreter.counts",
    "Diagnostic": "diagnostics",
    "Event": "interpreter.events",
    "FlowctlError": "errors",
    "HookEnded": "interpreter.events",
    "HookOutput": "interpreter.events",
    "Interrupted": "errors",
    "InvalidWorkflow": "errors",
    "Plan": "plan",
    "ResumeRefused": "errors",
    "Run": "interpreter.result",
    "RunCreated": "interpreter.events",
    "RunEnded": "interpreter.events",
    "RunFailed": "errors",
    "RunPaused": "interpreter.events",
    "RunStarted": "interpreter.events",
    "RunStopping": "interpreter.events",
    "RunUnpaused": "interpreter.events",
    "Span": "diagnostics",
    "StepEnded": "interpreter.events",
    "StepFallingBack": "interpreter.events",
    "StepFannedOut": "interpreter.events",
    "StepNoticed": "interpreter.events",
    "StepOutput": "interpreter.events",
    "StepProgress": "interpreter.events",
    "StepRetrying": "interpreter.events",
    "StepRun": "interpreter.result",
    "StepStarted": "interpreter.events",
    "StoreBroken": "store.database",
    "UsageError": "errors",
    "compile": "api.documents",
    "run": "api.running",
    "validate": "api.documents",
}
"""In which module of the package each public name is found."""


if not TYPE_CHECKING:  # else a checker would take any name for one of ours

    def __getattr__(name: str) -> object:
        if name not in _PLACES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        found = globals()[name] = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
        return found


def __dir__() -> list[str]:
    return ["__version__", *_PLACES]
