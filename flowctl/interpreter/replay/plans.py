"""From mended rejects to a plan that runs their records, and nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from pathlib import Path

from flowctl.codes.replay import NO_REPLAY, NOT_A_REJECT, NOT_OF_THIS_OUTPUT
from flowctl.component import Again, Source
from flowctl.dataclass import dataclass
from flowctl.dataflow import BadInput
from flowctl.diagnostics import Diagnostic, Fault, nearest
from flowctl.files.fingerprints import digest_of
from flowctl.files.paths import DataFile, expand
from flowctl.interpreter.places import diagnosed
from flowctl.interpreter.replay.outstanding import Outstanding, read_outstanding
from flowctl.interpreter.replay.rejected import Key, Listed, Reject, not_usable, read_rejects
from flowctl.interpreter.replay.source import MANIFEST, Copied, Manifest, Stood
from flowctl.interpreter.setting import Setting, file_name
from flowctl.plan import (
    Operation,
    Plan,
    Step,
    Stream,
    from_folder,
    sinks_of,
    stream_id,
    transforms_of,
    with_sinks,
)
from flowctl.plan_file import sealed
from flowctl.records import Schema
from flowctl.registry import Registry
from flowctl.store.disk import make_folder, replace_file
from flowctl.syntax.node import Json, Pointer

KEPT = "kept.ndjson"
"""The rejects that are not replayed, which stay rejects."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What there is to run; `before` of the rejects have been replayed by now.

    Where there are faults, nothing is run; `changed` says that they come from what is published.
    """

    plan: Plan
    rejects: int
    before: int
    faults: tuple[Diagnostic, ...] = ()
    changed: bool = False


def planned(plan: Plan, rejects: Path, setting: Setting, registry: Registry) -> Replay:
    """The plan of a replay, whose records are written to the run's work folder.

    Raises BadInput where the file of rejects cannot be read, and OSError.
    """
    drafts: dict[str, _Draft] = {}
    faults: list[Diagnostic] = []
    for one in read_rejects(rejects):
        if isinstance(one, Diagnostic):
            faults.append(one)
            continue
        step = next((step for step in plan.steps if step.id == one.reject.step), None)
        if step is None or not isinstance(step.body, Stream):
            faults.append(_no_step(one, plan, rejects))
            continue
        draft = drafts.setdefault(
            step.id, _Draft(plan, step, step.body, setting, registry, rejects)
        )
        draft.add(one)
    faults += [fault for draft in drafts.values() for fault in draft.faults()]
    changed = any(fault.code is NOT_OF_THIS_OUTPUT for fault in faults)
    steps = () if faults else tuple(draft.step() for draft in drafts.values() if draft.chosen)
    return Replay(
        sealed(replace(plan, steps=steps, outputs=())),
        sum(len(draft.chosen) for draft in drafts.values()),
        sum(draft.before for draft in drafts.values()),
        tuple(faults),
        changed,
    )


def _no_step(one: Listed, plan: Plan, rejects: Path) -> Diagnostic:
    names = [step.id for step in plan.steps if isinstance(step.body, Stream)]
    close = nearest(one.reject.step, names)
    message = f"the workflow has no step `{one.reject.step}` that reads records"
    return not_usable(rejects, one.at, message, f"did you mean `{close}`?" if close else None)


@dataclass(slots=True)
class _Draft:
    """The rejects of one step on their way into a plan."""

    plan: Plan
    whole: Step
    body: Stream
    setting: Setting
    registry: Registry
    rejects: Path
    chosen: list[Listed] = field(default_factory=list)
    before: int = 0
    _lines: dict[Key, int] = field(default_factory=dict)
    _wrong: list[Diagnostic] = field(default_factory=list)
    _texts: dict[str, Again] = field(default_factory=dict)
    _known: Outstanding | None = None
    _still: frozenset[Key] | None = None
    _files: dict[str, DataFile] | None = None
    _ready: bool = False

    def add(self, one: Listed) -> None:
        """Takes a reject, or notes what is wrong with it."""
        self._prepare()
        key = one.reject.key
        if key in self._lines:
            message = f"{one.reject.place} stands in line {self._lines[key]} already"
            self._wrong.append(not_usable(self.rejects, one.at, message))
            return
        self._lines[key] = one.at
        if self._known is not None and key in self._known.replayed:
            self.before += 1
            return
        if self._still is not None and key not in self._still:
            message = f"{one.reject.place} is not among the rejects of the run that is published"
            help = f"these are in `{self._path}`"
            self._wrong.append(not_usable(self.rejects, one.at, message, help))
            return
        self.chosen.append(one)

    def _prepare(self) -> None:
        if self._ready:
            return
        self._ready = True
        if self.body.rejects is None:
            return
        self._known = read_outstanding(
            self.setting.state, from_folder(self.whole.folder, self._path)
        )
        published = self._base / self._path
        if published.exists() and not published.samefile(self.rejects):
            self._still = frozenset(one.reject.key for one in _readable(published))

    @property
    def _base(self) -> Path:
        return self.setting.of(self.whole).base

    @property
    def _path(self) -> str:
        sink = self.body.rejects
        return "" if sink is None else str(sink.arguments[sink.kind])

    def faults(self) -> Iterator[Diagnostic]:
        """Why the step cannot replay these rejects."""
        for fault in (*self._unfit(), *self._stale()):
            yield diagnosed(self.plan, self.setting.base, self.whole.id, fault)
        yield from self._wrong
        for one in self.chosen:
            if broken := self._broken(one):
                yield not_usable(self.rejects, one.at, broken)

    def _unfit(self) -> Iterator[Fault]:
        if self.body.rejects is None or self.body.rejects.kind != "ndjson":
            pointer: Pointer = () if self.body.rejects is None else ("rejects", self._kind)
            message = f"step `{self.whole.id}` has no `rejects` in NDJSON"
            yield Fault(NO_REPLAY, message, pointer)
        if self._source.again is None:
            kind = self.body.source.kind
            message = f"records of a `{kind}` source cannot be read again by themselves"
            yield Fault(NO_REPLAY, message, ("source", kind))
        sinks = [*sinks_of(self.body)]
        for sink, pointer in sinks:
            if not self.registry.sinks[sink.kind].paths(sink.arguments):
                message = f"nothing can be added to what went to `{sink.kind}`"
                yield Fault(NO_REPLAY, message, pointer)
        if not sinks:
            message = f"step `{self.whole.id}` has no sink to which records can be added"
            yield Fault(NO_REPLAY, message)
        yield from self._in_the_way()

    def _in_the_way(self) -> Iterator[Fault]:
        """Transforms that would have to see the other records again."""
        transforms = [*transforms_of(self.body)]
        keys = ["/".join(map(str, (*one.pointer, one.operation.kind))) for one in transforms]
        faults = [one.reject.transform for one in self.chosen]
        places = [keys.index(fault) if fault in keys else -1 for fault in faults]
        for index, (operation, pointer) in enumerate(transforms):
            order = self.registry.transforms[operation.kind].order
            if order == "split" or not places:
                continue
            after = any(place <= index for place in places)
            where = "between the fault and the sink" if after else "before the fault"
            if branch := stream_id("", pointer[:-2]):
                where = f"in the branch `{branch[1:]}`, where mended records may go"
            needs = "all records" if order == "blocking" else "the records in their order"
            message = f"`{operation.kind}` stands {where}, and needs {needs}"
            yield Fault(NO_REPLAY, message, (*pointer, operation.kind))

    def _stale(self) -> Iterator[Fault]:
        """Whether what is published was made by the step as it is."""
        if self.body.rejects is None:
            return
        if self._known is None or self._known.step != self.whole.id:
            message = f"step `{self.whole.id}` has not published `{self._path}` yet"
            yield Fault(NOT_OF_THIS_OUTPUT, message, ("rejects",))
        elif self._known.digest != self.whole.digest:
            message = f"step `{self.whole.id}` has changed since it wrote these rejects"
            yield Fault(NOT_OF_THIS_OUTPUT, message)

    @property
    def _kind(self) -> str:
        return self.body.rejects.kind if self.body.rejects is not None else ""

    @property
    def _source(self) -> Source:
        return self.registry.sources[self.body.source.kind]

    def _again(self, file: str) -> Again:
        """How records of a file are read; raises BadInput."""
        if file not in self._texts:
            assert self._known is not None
            again = self.registry.sources[self.body.source.kind].again
            assert again is not None
            keys = {key for key, _ in self._parts(file)}
            columns = {name: kind for name, kind in self._known.columns if name not in keys}
            arguments = self.body.source.arguments
            self._texts[file] = again(arguments, Schema.of(columns), self._base, file)
        return self._texts[file]

    def _parts(self, file: str) -> Sequence[tuple[str, str | None]]:
        """The columns that stand in the names of a file's folders; raises BadInput."""
        if self._files is None:
            paths = self._source.paths(self.body.source.arguments)
            found = expand(self._base, paths, self._source.endings)
            self._files = {one.name: one for one in found}
        if self._files and file not in self._files:
            raise BadInput(Fault(NOT_A_REJECT, f"`{file}` is no input of the step any more"))
        return self._files[file].parts if self._files else ()

    def _broken(self, one: Listed) -> str | None:
        """What keeps a record from being read."""
        if self._known is None or self._source.again is None:
            return None
        try:
            again = self._again(one.reject.file)
        except BadInput as error:
            return error.fault.message
        if again.whole(one.reject.record.encode()):
            return None
        return f"the text is not one record as a `{self.body.source.kind}` source has them"

    def step(self) -> Step:
        """The step as it replays, whose records are written down; raises OSError."""
        folder = self.setting.folder / "work" / "replay" / file_name(self.whole.id)
        make_folder(self.setting.disk, folder)
        assert self._known is not None
        groups: dict[str, list[Reject]] = {}
        for one in self.chosen:
            groups.setdefault(one.reject.file, []).append(one.reject)
        files = tuple(
            self._copied(folder / str(number), file, rejects)
            for number, (file, rejects) in enumerate(groups.items())
        )
        manifest = Manifest(self._known.columns, files).to_bytes()
        replace_file(self.setting.disk, folder / MANIFEST, manifest)
        replace_file(self.setting.disk, folder / KEPT, self._kept())
        arguments: dict[str, Json] = {
            "replay": self._seen(folder / MANIFEST),
            "kept": self._seen(folder / KEPT),
            "digest": digest_of(manifest),
            "files": [file.path for file in files],
            "columns": [[name, kind] for name, kind in self._known.columns],
        }
        source = replace(self.body.source, arguments=arguments)
        check = self.body.check
        body = replace(
            with_sinks(self.body, _adding),
            source=source,
            max_rejects=None,
            check=replace(check, rows=None, rejected=None) if check is not None else None,
        )
        return replace(self.whole, body=body, needs=(), reads=(), condition=None, cache=None)

    def _copied(self, path: Path, file: str, rejects: Sequence[Reject]) -> Copied:
        again = self._again(file)
        named = [name for name in Path(file).parts[:-1] if "=" in name]
        folders = named[len(named) - len(self._parts(file)) :]
        if folders:
            ending = next(iter(self.registry.sources[again.kind].endings), "")
            beside = path.joinpath(*folders, f"records{ending}")
            make_folder(self.setting.disk, beside.parent)
        head = again.head if again.head.endswith(b"\n") or not again.head else again.head + b"\n"
        texts = [_as_text(again, reject) for reject in rejects]
        stood: list[Stood] = []
        at, line = len(head), 1 + head.count(b"\n")
        for reject, text in zip(rejects, texts, strict=True):
            stood.append(Stood(at, line, reject.line, reject.offset))
            at, line = at + len(text), line + text.count(b"\n")
        replace_file(self.setting.disk, beside if folders else path, head + b"".join(texts))
        return Copied(self._seen(path), file, again.kind, again.arguments, tuple(stood))

    def _kept(self) -> bytes:
        """The rejects that are published and not replayed, as lines."""
        if self._still is None:
            return b""
        chosen = {one.reject.key for one in self.chosen}
        published = _readable(self._base / self._path)
        lines = (one.reject.to_line() for one in published if one.reject.key not in chosen)
        return "".join(lines).encode()

    def _seen(self, path: Path) -> str:
        """A file of the replay for its source, which starts at the folder of the whole run."""
        if self.whole.folder:
            return path.absolute().as_posix()
        return Path(os.path.relpath(path, self.setting.base)).as_posix()


def _as_text(again: Again, reject: Reject) -> bytes:
    """The record as it is copied; an object in JSON on a line, though it may have had several."""
    text = reject.record.encode()
    return (text.replace(b"\n", b" ") if again.kind == "ndjson" else text) + b"\n"


def _readable(path: Path) -> Iterable[Listed]:
    return (one for one in read_rejects(path) if isinstance(one, Listed))


def _adding(sink: Operation) -> Operation:
    return replace(sink, arguments={**sink.arguments, "mode": "append"})


def replayed_keys(step: str, manifest: Manifest, rejects: Path) -> Sequence[Key]:
    """Those of a manifest that are no rejects any more."""
    still = {one.reject.key for one in _readable(rejects)}
    keys = [
        (step, file.file, stood.line, stood.offset)
        for file in manifest.files
        for stood in file.stood
    ]
    return [key for key in keys if key not in still]
