"""The fragments of a grammar from which a kind key picks one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from flowctl.component import Action, Component, JsonSchema, Spec


class Family(Mapping[str, JsonSchema]):
    """A fragment for each component by its kind, and some others before them.

    Each is made when it is asked for: a document names few kinds, and the modules of the rest need
    not be loaded to judge it.
    """

    def __init__(
        self,
        components: Mapping[str, Component],
        fragment: Callable[[Spec], JsonSchema],
        others: Mapping[str, JsonSchema],
        simple: bool,
    ) -> None:
        self._components = components
        self._fragment = fragment
        self._made = dict(others)
        self._others = tuple(others)
        self._simple = simple

    def __getitem__(self, kind: str) -> JsonSchema:
        if kind not in self._made:
            self._made[kind] = self._fragment(self._components[kind].spec)
        return self._made[kind]

    def __contains__(self, kind: object) -> bool:
        return kind in self._made or (kind in self._components and self._fits(str(kind)))

    def __iter__(self) -> Iterator[str]:
        yield from self._others
        yield from filter(self._fits, self._components)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _fits(self, kind: str) -> bool:
        if not self._simple:
            return True
        component = self._components[kind]
        return not (isinstance(component, Action) and component.composite)
