"""Which run is worked on: the unfinished one of the same identity, or a new one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import field, replace
from datetime import datetime
from pathlib import Path

from flowctl.api.preparing import Prepared
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Diagnostic
from flowctl.errors import ResumeRefused
from flowctl.interpreter.forgetting import discard
from flowctl.interpreter.runs import RunRecord, Runs, utc_now
from flowctl.interpreter.selection import Selection, narrowed, selected
from flowctl.interpreter.setting import Setting, run_id
from flowctl.interpreter.taken import Taken
from flowctl.plan import Plan
from flowctl.registry import builtin
from flowctl.store.identity import Identity


@dataclass(frozen=True, slots=True)
class Chosen:
    """The run that is worked on; `old` tells that it goes on.

    `taken` are the steps that it is not asked for, but stands on. `diagnostics` are the warnings
    and notes of its document.
    """

    record: RunRecord
    plan: Plan
    base: Path
    timestamp: datetime
    old: bool
    taken: Mapping[str, Taken] = field(default_factory=dict)
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for; `timestamp` only where it was given, `now` is the time when it is asked.

    `entropy` gives so many random bytes, for the name of a new run.
    """

    prepare: Callable[[datetime], Prepared]
    profile: str | None
    timestamp: datetime | None
    now: datetime
    entropy: Callable[[int], bytes] = os.urandom
    clock: Callable[[], datetime] = utc_now
    selection: Selection = field(default_factory=Selection)

    def identity(self, prepared: Prepared, plan: Plan) -> Identity:
        given = self.timestamp.isoformat() if self.timestamp else None
        asked = self.selection
        return Identity(
            prepared.document, plan.params, self.profile, given, asked.only, asked.since
        )


def find(wanted: Wanted, state: Path | None) -> tuple[Chosen, Runs]:
    """The unfinished run that would be gone on with, or a new one; changes nothing.

    Raises InvalidWorkflow where there is no plan.
    """
    moment = wanted.timestamp or wanted.now
    prepared = wanted.prepare(moment)
    runs = Runs((state or prepared.project / ".flowctl").absolute(), clock=wanted.clock)
    known = prepared.plan
    old = _unfinished(runs, wanted.identity(prepared, known)) if known is not None else None
    if old is not None and wanted.timestamp is None:
        # What a template made of the time stays as it was.
        moment = old.timestamp
        prepared = wanted.prepare(moment)
    plan = prepared.known_plan()
    selected(plan, wanted.selection)  # before anything is looked for
    record = old or RunRecord(
        run_id(wanted.now, wanted.entropy(3)), plan.name, wanted.identity(prepared, plan), moment
    )
    return chosen_of(record, prepared, runs, old=old is not None), runs


def chosen_of(record: RunRecord, prepared: Prepared, runs: Runs, *, old: bool) -> Chosen:
    """A run with the steps that it is asked for, and what it takes as it stands.

    Raises ResumeRefused where that is not there, and InvalidWorkflow where there is no plan.
    """
    plan, identity = prepared.known_plan(), record.identity
    chosen = Chosen(
        record, plan, prepared.base, record.timestamp, old, diagnostics=prepared.diagnostics
    )
    selection = Selection(identity.only, identity.since)
    if not selection:
        return chosen
    from flowctl.interpreter.taking import taking

    asked = selected(plan, selection)
    narrow = narrowed(plan, asked)
    found = taking(narrow, asked, record, setting_of(chosen, runs), builtin())
    if found.faults:
        raise ResumeRefused("what is not asked for is not there to be taken", found.faults)
    return replace(chosen, plan=narrow, taken=found.taken)


def _unfinished(runs: Runs, identity: Identity) -> RunRecord | None:
    same = [record for record in runs.unfinished() if record.identity == identity]
    return same[-1] if same else None


@contextmanager
def held(wanted: Wanted, state: Path | None, *, fresh: bool) -> Iterator[tuple[Chosen, Runs]]:
    """The run to work on, while no other process works on it; raises Busy and InvalidWorkflow.

    With `fresh` an unfinished one is given up first, and what it has staged is removed.
    """
    chosen, runs = find(wanted, state)
    with ExitStack() as lasting:
        with runs.choosing():
            if _unfinished(runs, chosen.record.identity) != (chosen.record if chosen.old else None):
                chosen, runs = find(wanted, state)  # another process was quicker
            if chosen.old and fresh:
                give_up(chosen, runs)
                chosen, runs = find(wanted, state)
            lasting.enter_context(runs.held(chosen.record.run))
            if not chosen.old:
                runs.begin(chosen.record)
        yield chosen, runs


def give_up(chosen: Chosen, runs: Runs) -> None:
    """Ends an unfinished run, of which nothing is published."""
    with runs.held(chosen.record.run):
        runs.give_up(chosen.record.run)
        discard(setting_of(chosen, runs), builtin())


def setting_of(chosen: Chosen, runs: Runs) -> Setting:
    """The setting in which a run can be looked at."""
    return Setting(
        base=chosen.base.absolute(),
        state=runs.state,
        run=chosen.record.run,
        environment={},
        clock=utc_now,
    )
