"""Finds the components: those below `flowctl.kinds`, and a user's own by entry points."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import TypeVar

from flowctl.component import Action, Component, Sink, Source, Spec, Transform
from flowctl.dataclass import dataclass
from flowctl.errors import FlowctlError

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
    """All components that are installed; raises BrokenComponent for one that cannot be loaded."""
    plugins = (_load(point) for point in entry_points(group=GROUP))
    return Registry.of([*_shipped(), *plugins])


def _shipped() -> Iterator[Component]:
    for name in PACKAGES:
        package = importlib.import_module(name)
        modules = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
        for module in modules:
            if not module.startswith("_"):
                full = f"{name}.{module}"
                found = getattr(importlib.import_module(full), CONSTANT, None)
                yield _component(found, f"`{full}` has no component named `{CONSTANT}`")


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
                raise BrokenComponent(f"two {sort.__name__.lower()}s have the kind `{kind}`")
            table[kind] = component
    return MappingProxyType(table)
