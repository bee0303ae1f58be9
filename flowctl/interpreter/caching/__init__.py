"""Takes steps from their last success, where nothing on which that depended has changed since.

`basis` finds out what a step depends on, `reasons` says what of it has changed, `keeping` has the
files and their bound; the store holds one success for each step as it means something.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from flowctl.codec import Malformed, decode, encode
from flowctl.codes.caching import NOT_MADE
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault
from flowctl.files.contents import Content, clock_beside
from flowctl.files.paths import DataFile
from flowctl.interpreter.caching.basis import Components, Surroundings, Unknowable
from flowctl.interpreter.caching.entry import Basis, Entry
from flowctl.interpreter.caching.keeping import Kept
from flowctl.interpreter.caching.reasons import changed, expired, files_changed
from flowctl.interpreter.handing import handing
from flowctl.interpreter.masking import Mask
from flowctl.interpreter.names import RuntimeNames
from flowctl.interpreter.setting import Setting
from flowctl.interpreter.work import Ending
from flowctl.plan import Plan, Step
from flowctl.store.successes import Key, Success, opened_successes

NEVER: Final = "it has not succeeded yet"


@dataclass(frozen=True, slots=True)
class Taken:
    """A success that a step can be taken from, and what is known of its files now."""

    success: Success
    entry: Entry


class Caching:
    """The cache as one run uses it; safe on any thread. Raises StoreBroken.

    What has been looked at, and what was found before a step began, belongs to this run.
    """

    def __init__(
        self,
        plan: Plan,
        setting: Setting,
        components: Components,
        names: RuntimeNames,
        mask: Mask,
    ) -> None:
        self._plan = plan
        self._setting = setting
        self._mask = mask
        self._closing = ExitStack()
        self._store = self._closing.enter_context(opened_successes(setting.state, setting.disk))
        self._kept = Kept(setting.state / "cache", setting.run, setting.disk)
        self._workflow = workflow_of(plan, setting)
        self._keeping = False
        self._handed: dict[str, Content] = {}
        self._before: dict[str, Basis | None] = {}
        self._handing = handing(plan, setting)
        self._around = Surroundings(
            setting,
            components,
            self._handing,
            {step.id: step.digest for step in plan.steps},
            lambda step, expression: names.seen_by(step).value(expression),
            names.now.isoformat(),
            clock_beside(setting.state),
            self._handed,
        )

    def close(self) -> None:
        """Deletes what nothing leads to any more, if anything was kept, and closes the store."""
        if self._keeping:
            with suppress(OSError):
                self._kept.sweep(self._store)
        self._closing.close()

    def look(self, step: Step) -> Taken | str:
        """The success from which a step can be taken as all is now, or why there is none.

        Changes nothing.
        """
        success = self._store.find(self._key(step))
        entry = _entry(success)
        if entry is None or success is None:
            return self._unknown(step, success)
        try:
            basis = self._around.basis(step, entry.contents)
            if why := changed(entry, step, basis, self._plan, self._setting.base):
                return why
            outputs = self._around.outputs(step, entry.contents)
            if why := files_changed(entry.outputs, outputs):
                return why
            if not success.counts:
                return _begun(success)
            if why := self._expired(success, step):
                return why
            records = self._records(step, success, entry)
        except (Unknowable, OSError) as error:
            return _told(error)
        found = Entry(
            entry.step,
            basis,
            outputs,
            records,
            entry.counts,
            entry.sink,
            entry.exit_code,
            entry.values,
        )
        if records is not None and self._handing.extra(step.id):
            self._handed[step.id] = records
        return Taken(success, found)

    def take(self, step: Step, taken: Taken) -> Ending | None:
        """Has the step be as its success has left it; None where that does not count any more.

        Raises OSError.
        """
        entry, success = taken.entry, taken.success
        path = self._handing.extra(step.id)
        if path is not None and success.file is not None:
            self._kept.bring(success.file, Path(path))
        now = self._setting.clock().isoformat()
        if not self._store.take(success, now, encode(entry)):
            return None  # another process has begun the step meanwhile
        why = f"as in run {success.run}"
        return Ending(
            "cached", entry.counts, entry.sink, entry.exit_code, why=why, outputs=entry.values
        )

    def begin(self, step: Step) -> None:
        """The step is about to run: whatever becomes of it, its last success does not count now."""
        self._store.begin(self._key(step), self._setting.run)
        before = self._before.get(step.id)
        known = {one.name: one for one in before.inputs} if before is not None else {}
        try:
            self._before[step.id] = self._around.basis(step, known)
        except (Unknowable, OSError):
            self._before[step.id] = None

    def keep(self, step: Step, ending: Ending) -> Fault | None:
        """The step has succeeded: it can be taken from this, if nothing has changed meanwhile.

        What it should have made and has not is its fault.
        """
        if unmade := self._around.unmade(step):
            message = f"there is no `{unmade[0]}`, which the step's `cache` names as an output"
            return Fault(NOT_MADE, message, ("cache",))
        try:
            entry = self._made(step, ending)
        except (Unknowable, OSError):
            return None
        if entry is not None:
            self._keep(self._key(step), entry, self._handing.extra(step.id))
        return None

    def _keep(self, key: Key, entry: Entry, path: str | None) -> None:
        """Remembers a success, unless that would write a secret down or the disk refuses it."""
        body, records, file = encode(entry), entry.records, None
        if self._mask.json(body) != body:
            return
        now, run = self._setting.clock().isoformat(), self._setting.run
        with suppress(OSError):
            if records is not None and path is not None:
                self._keeping = True
                file = self._kept.hold(records, Path(path))
            size = records.size if records is not None and file is not None else 0
            self._store.keep(Success(*key, run, run, now, now, 0, size, file, body))
            self._kept.shrink(self._store, self._setting.cache_bytes)

    def forget(self, steps: tuple[Step, ...]) -> None:
        """None of these steps, nor any cell of them, is taken from what was before."""
        whole = {step.id for step in steps if step.foreach is not None}
        cells = [
            one.key
            for one in self._store.all()
            if one.workflow == self._workflow and one.step.rpartition("[")[0] in whole
        ]
        for key in (*map(self._key, steps), *cells):
            self._store.begin(key, self._setting.run)

    def _made(self, step: Step, ending: Ending) -> Entry | None:
        """What is to be remembered; None where what it depends on has changed while it ran."""
        before = self._before.get(step.id)
        if before is None or before.lacking:
            return None
        after = self._around.basis(step, {one.name: one for one in before.inputs})
        same = [one.stamp for one in after.inputs] == [one.stamp for one in before.inputs]
        if not same or changed(Entry(step, before), step, after, self._plan, self._setting.base):
            return None
        records, path = None, self._handing.extra(step.id)
        if path is not None:
            file = DataFile(Path(path), f"what `{step.id}` hands on")
            records = self._handed[step.id] = self._around.content(file, {})
        return Entry(
            step,
            after,
            self._around.outputs(step, {}),
            records,
            ending.counts,
            ending.sink,
            ending.exit_code,
            dict(ending.outputs),
        )

    def _unknown(self, step: Step, success: Success | None) -> str:
        """Why there is no success of a step as it is now."""
        latest = self._store.latest(self._workflow, step.id)
        entry = _entry(latest)
        if success is not None and success.at:
            return "what is kept of its success is damaged"
        if lacking := self._around.lacking(step):
            return f"there is nothing at its input `{lacking[0]}`"
        if entry is None:
            return NEVER if success is None else _begun(success)
        try:
            basis = self._around.basis(step, entry.contents)
        except (Unknowable, OSError) as error:
            return _told(error)
        why = changed(entry, step, basis, self._plan, self._setting.base)
        return why or "its definition has changed"

    def _records(self, step: Step, success: Success, entry: Entry) -> Content | None:
        """What the step hands to others, as the cache has kept it."""
        if self._handing.extra(step.id) is None:
            return entry.records
        if success.file is None or entry.records is None:
            raise Unknowable("its records, which others read, were not kept")
        path = self._kept.path(success.file)
        known = {entry.records.name: entry.records}
        try:
            found = self._around.content(DataFile(path, entry.records.name), known)
        except FileNotFoundError as error:
            raise Unknowable("its records, which others read, are not kept any more") from error
        if found.digest != entry.records.digest:
            raise Unknowable("its records, which others read, are damaged")
        return found

    def _expired(self, success: Success, step: Step) -> str | None:
        ttl = step.cache.ttl if step.cache is not None else None
        return expired(success.at, self._setting.clock(), ttl)

    def _key(self, step: Step) -> Key:
        return Key(self._workflow, step.id, step.digest)


def workflow_of(plan: Plan, setting: Setting) -> str:
    """A workflow's name with the folder in which it stands, from the one that holds the state."""
    folder = os.path.relpath(setting.base, setting.state.parent)
    return plan.name if folder == "." else f"{Path(folder).as_posix()}/{plan.name}"


def _entry(success: Success | None) -> Entry | None:
    """What a success says, where this flowctl can read it."""
    if success is None or not success.at:
        return None
    try:
        return decode(Entry, success.body)
    except Malformed:
        return None


def _begun(success: Success) -> str:
    return (
        f"run {success.holder} has begun it, and it failed, its inputs changed meanwhile, or it"
        " handed a secret on"
    )


def _told(error: Unknowable | OSError) -> str:
    if isinstance(error, OSError):
        reason = (error.strerror or str(error)).lower()
        return f"{error.filename}: {reason}" if error.filename else reason
    return str(error)
