"""The one way by which events leave the interpreter: masked, in order, one at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from flowctl.diagnostics import Diagnostic
from flowctl.interpreter.events import (
    Event,
    HookEnded,
    OnEvent,
    RunEnded,
    StepEnded,
    StepFallingBack,
    StepFannedOut,
    StepNoticed,
    StepRetrying,
)
from flowctl.interpreter.masking import Mask
from flowctl.interpreter.state import RunState
from flowctl.syntax.node import Json


class SubscriberFailed(Exception):
    """The subscriber has raised what is this exception's cause; the run cannot go on."""


class Emitter:
    """Gives each event to the state, the store and the subscriber; may be called from any thread.

    Callers wait for each other, so that a slow subscriber slows down what it watches and nothing
    piles up. Lines of output have been masked by whoever cut them; everything else is masked here.
    """

    def __init__(self, mask: Mask, on_event: OnEvent, state: RunState | None = None) -> None:
        self.state = state or RunState()
        self.record: Callable[[Event, RunState], None] | None = None
        self._mask = mask
        self._on_event = on_event
        self._lock = threading.Lock()

    def __call__(self, event: Event) -> None:
        with self._lock:
            shown = self._masked(event)
            self.state.apply(shown)
            try:
                if self.record is not None:
                    self.record(shown, self.state)
                self._on_event(shown)
            except Exception as error:
                raise SubscriberFailed from error

    def _masked(self, event: Event) -> Event:
        if not self._mask.needles:
            return event
        match event:
            case StepEnded():
                why = event.why and self._mask.text(event.why)
                faults, outputs = self._faults(event.faults), self._outputs(event.outputs)
                return replace(event, why=why, faults=faults, outputs=outputs)
            case RunEnded():
                faults, outputs = self._faults(event.faults), self._outputs(event.outputs)
                return replace(event, faults=faults, outputs=outputs)
            case StepFannedOut():
                return replace(event, items=tuple(map(self._mask.json, event.items)))
            case StepRetrying() | StepFallingBack() | StepNoticed() | HookEnded():
                return replace(event, faults=self._faults(event.faults))
        return event

    def _outputs(self, outputs: Mapping[str, Json]) -> dict[str, Json]:
        return {name: self._mask.json(value) for name, value in outputs.items()}

    def _faults(self, faults: Sequence[Diagnostic]) -> tuple[Diagnostic, ...]:
        return tuple(map(self._fault, faults))

    def _fault(self, fault: Diagnostic) -> Diagnostic:
        help = fault.help and self._mask.text(fault.help)
        return replace(fault, message=self._mask.text(fault.message), help=help)
