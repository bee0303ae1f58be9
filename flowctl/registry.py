"""Finds the components: those below `flowctl.kinds`, and a user's own by entry points."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache, cached_property
from importlib.machinery import PathFinder
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from flowctl.component import Action, Component, Sink, Source, Spec, Transform
from flowctl.dataclass import dataclass
from flowctl.errors import FlowctlError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "flowctl.kinds"
CONSTANT = "COMPONENT"
PACKAGES = tuple(f"flowctl.kinds.{name}" for name in ("sources", "transforms", "sinks", "steps"))

_C = TypeVar("_C", Source, Transform, Sink, Action)


class BrokenComponent(FlowctlError):
    """A component cannot be loaded, or is none."""


@dataclass(frozen=True, slots=True)
class Registry:
    """The components by their kind, a table for each place where they may stand."""

    sources: Mapping[str, Source]
    transforms: Mapping[str, Transform]
    sinks: Mapping[str, Sink]
    actions: Mapping[str, Action]

    @classmethod
    def of(cls, components: Iterable[Component]) -> Registry:
        """A registry of these components; raises BrokenComponent where two share a kind."""
        found = list(components)
        return cls(
            _table(found, Source),
            _table(found, Transform),
            _table(found, Sink),
            _table(found, Action),
        )

    def specs(self) -> Iterator[Spec]:
        """What people see of each component."""
        for table in (self.sources, self.transforms, self.sinks, self.actions):
            for component in table.values():
                yield component.spec


def builtin() -> Registry:
    """All components that are installed, each loaded when it is asked for by its kind.

    A table raises BrokenComponent when one is asked for that cannot be loaded, or all are.
    """
    sources, transforms, sinks, actions = PACKAGES
    plugins = cache(_plugins)
    return Registry(
        _Folder(sources, Source, plugins),
        _Folder(transforms, Transform, plugins),
        _Folder(sinks, Sink, plugins),
        _Folder(actions, Action, plugins),
    )


class _Folder(Mapping[str, _C]):
    """The components of one sort by their kinds: those that lie in a package, and plug-ins.

    A module is named after its kind, so that a plan's few kinds are found without loading all.
    """

    def __init__(
        self, package: str, sort: type[_C], plugins: Callable[[], Sequence[Component]]
    ) -> None:
        self._package = package
        self._sort: type[_C] = sort
        self._plugins = plugins

    def __getitem__(self, kind: str) -> _C:
        return self._shipped(kind) if kind in self._names else self._added[kind]

    def __contains__(self, kind: object) -> bool:
        return kind in self._names or kind in self._added

    def __iter__(self) -> Iterator[str]:
        yield from self._names
        yield from self._added

    def __len__(self) -> int:
        return len(self._names) + len(self._added)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        package = importlib.import_module(self._package)
        found = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
        return tuple(name for name in found if not name.startswith("_"))

    @cached_property
    def _added(self) -> Mapping[str, _C]:
        added = _table(self._plugins(), self._sort)
        for kind in added.keys() & set(self._names):
            raise _twice(self._sort, kind)
        return added

    def _shipped(self, kind: str) -> _C:
        module = f"{self._package}.{kind}"
        found = getattr(importlib.import_module(module), CONSTANT, None)
        if not isinstance(found, self._sort) or found.spec.kind != kind:
            raise BrokenComponent(f"`{module}` has no component `{kind}` named `{CONSTANT}`")
        return found


def _plugins() -> tuple[Component, ...]:
    if not _announced():
        return ()
    from importlib.metadata import entry_points

    return tuple(_load(point) for point in entry_points(group=GROUP))


def _announced() -> bool:
    """Whether an installed package may have such entry points.

    Most often none has, and `importlib.metadata` takes longer to load than a small workflow to be
    checked. So the files that it would read are looked through; where there are others, it decides.
    """
    if any(hasattr(one, "find_distributions") for one in sys.meta_path if one is not PathFinder):
        return True
    return any(_announced_in(Path(place)) for place in sys.path)


def _announced_in(place: Path) -> bool:
    if not place.is_dir():
        return place.exists()
    for info in place.iterdir():
        if info.suffix in (".dist-info", ".egg-info"):
            with suppress(OSError):
                if f"[{GROUP}]".encode() in (info / "entry_points.txt").read_bytes():
                    return True
    return False


def _load(point: EntryPoint) -> Component:
    """The component of an entry point, which names a module or the constant itself."""
    try:
        found = point.load()
    except Exception as error:  # a plug-in's own code may fail in any way
        raise BrokenComponent(
            f"the plug-in `{point.name}` ({point.value}) cannot be loaded: {error}"
        ) from error
    found = getattr(found, CONSTANT, found)
    return _component(found, f"the plug-in `{point.name}` ({point.value}) is no component")


def _component(found: object, complaint: str) -> Component:
    if isinstance(found, Source | Transform | Sink | Action):
        return found
    raise BrokenComponent(complaint)


def _table(components: Iterable[Component], sort: type[_C]) -> Mapping[str, _C]:
    table: dict[str, _C] = {}
    for component in components:
        if isinstance(component, sort):
            kind = component.spec.kind
            if kind in table:
                raise _twice(sort, kind)
            table[kind] = component
    return MappingProxyType(table)


def _twice(sort: type[Component], kind: str) -> BrokenComponent:
    return BrokenComponent(f"two {sort.__name__.lower()}s have the kind `{kind}`")
