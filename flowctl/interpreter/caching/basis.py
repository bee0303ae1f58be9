"""Finds out what a step depends on as it is now: files, modules of the project, values."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from flowctl import __version__
from flowctl.action import ValueFault
from flowctl.codec import encode
from flowctl.component import Action, Module, Source, Transform
from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault
from flowctl.expressions.parse import parse
from flowctl.expressions.tree import Name, walk
from flowctl.files.contents import Content, Unsteady, content_of
from flowctl.files.paths import DataFile, expand
from flowctl.interpolation import expressions_in
from flowctl.interpreter.caching.entry import Basis
from flowctl.interpreter.handing import Handing, read_by
from flowctl.interpreter.setting import Setting
from flowctl.interpreter.targets import Components as Sinks
from flowctl.interpreter.targets import outputs_of
from flowctl.plan import Operation, Step, Stream, canonical, from_folder, inputs_of, transforms_of
from flowctl.syntax.node import Json

_NOW = "now()"


class Components(Sinks, Protocol):
    """The components by kind, as `registry.Registry` holds them."""

    @property
    def sources(self) -> Mapping[str, Source]: ...

    @property
    def transforms(self) -> Mapping[str, Transform]: ...

    @property
    def actions(self) -> Mapping[str, Action]: ...


class Unknowable(Exception):
    """What a step depends on, or what it has made, cannot be told; the text says why."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where it is looked: `value` computes an expression of a step, and raises ValueFault.

    `handed` holds what steps have handed to others in this run, as far as that is known, `now` is
    the run's logical time, and `clock` tells whether the times of files can be trusted.
    """

    setting: Setting
    components: Components
    handing: Handing
    digests: Mapping[str, str]
    value: Callable[[Step, str], Json]
    now: str
    clock: Callable[[], int]
    handed: Mapping[str, Content]

    def basis(self, step: Step, known: Mapping[str, Content]) -> Basis:
        """What the step depends on now; raises Unknowable, OSError."""
        named = step.cache.inputs if step.cache is not None else ()
        inputs = [*self._read(step), *self._expanded(step, named)]
        handed = tuple(self._handed(step, known))
        return Basis(
            {read: self.digests[read] for read in step.reads},
            self._engine(step),
            (*handed, *self._contents(step, inputs, known)),
            dict(self._code(step)),
            dict(self._values(step)),
            tuple(self.lacking(step)),
        )

    def outputs(self, step: Step, known: Mapping[str, Content]) -> tuple[Content, ...]:
        """What stands where the step writes; raises Unknowable and OSError."""
        named = step.cache.outputs if step.cache is not None else ()
        files = [*self._written(step), *self._expanded(step, named)]
        return self._contents(step, files, known)

    def lacking(self, step: Step) -> list[str]:
        """The inputs that the step's `cache` names and at which there is nothing."""
        named = step.cache.inputs if step.cache is not None else ()
        return [path for path in named if not self._there(step, path)]

    def unmade(self, step: Step) -> list[str]:
        """The outputs that it names so."""
        named = step.cache.outputs if step.cache is not None else ()
        return [path for path in named if not self._there(step, path)]

    def content(self, file: DataFile, known: Mapping[str, Content]) -> Content:
        """What a file holds; raises Unknowable and OSError."""
        try:
            return content_of(file, known, self.clock)
        except Unsteady as error:
            raise Unknowable(str(error)) from error

    def _contents(
        self, step: Step, files: Sequence[DataFile], known: Mapping[str, Content]
    ) -> tuple[Content, ...]:
        """Those of all files, each once, with their names from the workflow's folder."""
        names = [from_folder(step.folder, file.name) for file in files]
        each = {name: DataFile(file.path, name) for name, file in zip(names, files, strict=True)}
        return tuple(self.content(each[name], known) for name in sorted(each))

    def _read(self, step: Step) -> Iterator[DataFile]:
        for one in inputs_of(step.body) if isinstance(step.body, Stream) else ():
            source = self.components.sources[one.operation.kind]
            paths = source.paths(one.operation.arguments)
            yield from expand(self._base(step), paths, source.endings)

    def _handed(self, step: Step, known: Mapping[str, Content]) -> Iterator[Content]:
        """The records of other steps."""
        for read in read_by(step.body) if isinstance(step.body, Stream) else ():
            name = f"what `{read}` hands on"
            if read in self.handed:
                found = self.handed[read]
                yield Content(name, found.digest, *found.stamp)
                continue
            path = self._base(step) / self.handing.paths[read]
            yield self.content(DataFile(path, name), known)

    def _written(self, step: Step) -> Iterator[DataFile]:
        if isinstance(step.body, Stream):
            for _, where in outputs_of(step.body, self.components):
                path = self._base(step) / where.path  # no glob, whatever its characters
                if path.is_dir():
                    yield from self._expanded(step, [where.path])
                elif path.is_file():
                    yield DataFile(path, where.path)

    def _expanded(self, step: Step, paths: Sequence[str]) -> Iterator[DataFile]:
        yield from expand(self._base(step), paths)

    def _there(self, step: Step, path: str) -> bool:
        return (self._base(step) / path).exists() or any(self._expanded(step, [path]))

    def _base(self, step: Step) -> Path:
        return self.setting.of(step).base

    def _engine(self, step: Step) -> dict[str, str]:
        if not isinstance(step.body, Stream):
            return {"flowctl": __version__}
        return {"flowctl": __version__, "Polars": self._polars()}

    def _polars(self) -> str:
        """The version of Polars, which need not be loaded for it."""
        origin = self.setting.provenance
        if origin is not None and "polars" in origin.packages:
            return origin.packages["polars"]
        from importlib.metadata import version

        return version("polars")

    def _code(self, step: Step) -> Iterator[tuple[str, str]]:
        """The digests of the modules that the step calls, by their paths from the workflow."""
        for module in self._modules(step):
            from flowctl.workers.imports import modules_of

            base = self._base(step)
            file, root = (Path(os.path.normpath(base / x)) for x in (module.file, module.root))
            for path, text in modules_of(file, module.name, root).items():
                yield (
                    Path(os.path.relpath(root / path, self.setting.base)).as_posix(),
                    hashlib.sha256(text).hexdigest(),
                )

    def _modules(self, step: Step) -> Iterator[Module]:
        if isinstance(step.body, Operation):
            found = self.components.actions[step.body.kind].code(step.body.arguments)
            yield from (found,) if found is not None else ()
            return
        for one in inputs_of(step.body):
            source = self.components.sources[one.operation.kind]
            found = source.code(one.operation.arguments)
            yield from (found,) if found is not None else ()
        for transform, _ in transforms_of(step.body):
            found = self.components.transforms[transform.kind].code(transform.arguments)
            yield from (found,) if found is not None else ()

    def _values(self, step: Step) -> Iterator[tuple[str, Json]]:
        """Those of run-time expressions, apart from secrets, which are never written down."""
        if isinstance(step.body, Stream):
            if _NOW in canonical(encode(step.body)):
                yield _NOW, self.now
            return
        for expression in dict.fromkeys(expressions_in(step.body.arguments)):
            if _secret(expression):
                continue
            try:
                yield expression, self.value(step, expression)
            except ValueFault as broken:
                raise Unknowable(f"`{expression}` has no value: {broken.fault.message}") from broken


def _secret(expression: str) -> bool:
    tree = parse(expression)
    names = () if isinstance(tree, Fault) else walk(tree)
    return any(isinstance(name, Name) and name.parts[0].text == "secrets" for name in names)
