"""The parts of a step's tree: which components stand where, with which arguments."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import field, replace

from flowctl.dataclass import dataclass
from flowctl.registry import Registry
from flowctl.syntax.node import (
    Entry,
    Json,
    MappingNode,
    Node,
    Pointer,
    ScalarNode,
    SequenceNode,
    UnknownNode,
    to_json,
)


@dataclass(frozen=True, slots=True)
class Part:
    """One component in a step: its kind, its mapping, and the way from the step to that mapping.

    `arguments` is None where something in the mapping is not known; nobody then asks the component.
    `inputs` are the further sources of a transform, `limbs` the branches in which records go on
    behind it; its arguments hold neither.
    """

    kind: str
    node: MappingNode
    pointer: Pointer
    arguments: dict[str, Json] | None
    inputs: tuple[Part | None, ...] = ()
    limbs: tuple[Limb, ...] = ()


@dataclass(frozen=True, slots=True)
class Limb:
    """A branch of a stream: what its records go through, and where they go."""

    key: ScalarNode
    node: MappingNode
    pointer: Pointer
    transforms: tuple[Part | None, ...]
    sinks: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A step as its components; what is unreadable or unknown is left out, its fault is reported.

    `complete` tells that nothing was left out.
    """

    source: Part | None = None
    transforms: tuple[Part | None, ...] = ()
    sinks: tuple[Part, ...] = ()
    rejects: Part | None = None
    action: Part | None = None
    fallback: Part | None = None
    hooks: tuple[tuple[str, Part], ...] = ()
    complete: bool = True

    @property
    def actions(self) -> tuple[Part, ...]:
        """All that is done and is no stream, with the step's own work first."""
        return tuple(part for part in (self.action, self.fallback) if part is not None)

    @property
    def passing(self) -> tuple[Part | None, ...]:
        """All transforms, each before those of its branches."""
        return tuple(_passing(self.transforms))

    @property
    def limbs(self) -> tuple[Limb, ...]:
        """All branches, each before those within it."""
        return tuple(limb for part in self.passing if part is not None for limb in part.limbs)

    @property
    def all_sinks(self) -> tuple[Part, ...]:
        """The step's own sinks, and those of its branches."""
        return (*self.sinks, *(sink for limb in self.limbs for sink in limb.sinks))

    @property
    def sources(self) -> tuple[Part, ...]:
        """All that is read: the step's own source, and those of its transforms."""
        further = (part for one in self.passing if one is not None for part in one.inputs)
        return tuple(part for part in (self.source, *further) if part is not None)

    @property
    def outputs(self) -> tuple[Part, ...]:
        """All that writes: the sinks, and where rejects go."""
        return self.all_sinks if self.rejects is None else (*self.all_sinks, self.rejects)


def _passing(transforms: tuple[Part | None, ...]) -> Iterator[Part | None]:
    for part in transforms:
        yield part
        for limb in part.limbs if part is not None else ():
            yield from _passing(limb.transforms)


@dataclass(slots=True)
class _Dissection:
    """Finds parts, and remembers whether any could not be found."""

    registry: Registry
    complete: bool = field(default=True)

    def part(self, node: Node | None, kinds: Collection[str], pointer: Pointer) -> Part | None:
        kind = _kind(node, kinds)
        if kind is None or not isinstance(node, MappingNode):
            self.complete = False
            return None
        return Part(kind, node, pointer, arguments_of(node))

    def sinks(self, node: Node | None, below: Pointer = ()) -> tuple[Part, ...]:
        if node is None:
            return ()
        listed = isinstance(node, SequenceNode)
        items, at = node.items if isinstance(node, SequenceNode) else (node,), (*below, "sink")
        found = (
            self.part(item, self.registry.sinks, (*at, index) if listed else at)
            for index, item in enumerate(items)
        )
        return tuple(part for part in found if part is not None)

    def transforms(self, node: Node | None, below: Pointer = ()) -> tuple[Part | None, ...]:
        if node is None:
            return ()
        if not isinstance(node, SequenceNode):
            self.complete = False
            return (None,)
        return tuple(
            self.transform(item, (*below, "transforms", index))
            for index, item in enumerate(node.items)
        )

    def transform(self, node: Node, pointer: Pointer) -> Part | None:
        part = self.part(node, self.registry.transforms, pointer)
        if part is not None and self.registry.transforms[part.kind].branches:
            return self.parting(part)
        if part is None or self.registry.transforms[part.kind].inputs == "none":
            return part
        below, at = part.node.get(part.kind), (*pointer, part.kind)
        if self.registry.transforms[part.kind].inputs == "one":
            inputs = [self.part(below, self.registry.sources, at)]
        elif isinstance(below, SequenceNode):
            inputs = [
                self.part(item, self.registry.sources, (*at, number))
                for number, item in enumerate(below.items)
            ]
        else:
            self.complete = False
            return None
        own = tuple(entry for entry in part.node.entries if entry.name != part.kind)
        options = arguments_of(replace(part.node, entries=own))
        return replace(part, arguments=options, inputs=tuple(inputs))

    def parting(self, part: Part) -> Part:
        """A transform with its branches, of which its own arguments hold the rest."""
        own: list[Entry] = []
        limbs: list[Limb] = []
        below = part.node.get(part.kind)
        for entry in below.entries if isinstance(below, MappingNode) else ():
            node, at = entry.value, (*part.pointer, part.kind, entry.name)
            if not isinstance(node, MappingNode):
                self.complete = False
                continue
            transforms = self.transforms(node.get("transforms"), at)
            limbs.append(Limb(entry.key, node, at, transforms, self.sinks(node.get("sink"), at)))
            rest = tuple(one for one in node.entries if one.name not in ("transforms", "sink"))
            own.append(replace(entry, value=replace(node, entries=rest)))
        bare = [
            replace(entry, value=replace(entry.value, entries=tuple(own)))
            if entry.name == part.kind and isinstance(entry.value, MappingNode)
            else entry
            for entry in part.node.entries
        ]
        arguments = arguments_of(replace(part.node, entries=tuple(bare)))
        return replace(part, arguments=arguments, limbs=tuple(limbs))

    def hooks(self, node: Node | None) -> Iterator[tuple[str, Part]]:
        for entry in node.entries if isinstance(node, MappingNode) else ():
            part = self.part(entry.value, self.registry.actions, ("hooks", entry.name))
            if part is not None:
                yield entry.name, part

    def action(self, step: MappingNode) -> Part | None:
        kind = _kind(step, self.registry.actions)
        if kind is None:
            self.complete = False
            return None
        options = {kind, *self.registry.actions[kind].spec.options}
        own = MappingNode(
            tuple(entry for entry in step.entries if entry.name in options), step.span, step.trace
        )
        return Part(kind, own, (), arguments_of(own))


def anatomy(step: MappingNode, registry: Registry) -> Anatomy:
    """The components of a step."""
    dissection = _Dissection(registry)
    instead = step.get("fallback")
    fallback = None
    if instead is not None:
        fallback = dissection.part(instead, registry.actions, ("fallback",))
    hooks = tuple(dissection.hooks(step.get("hooks")))
    if step.get("source") is None:
        action = dissection.action(step)
        return Anatomy(action=action, fallback=fallback, hooks=hooks, complete=dissection.complete)
    rejects = step.get("rejects")
    return Anatomy(
        source=dissection.part(step.get("source"), registry.sources, ("source",)),
        transforms=dissection.transforms(step.get("transforms")),
        sinks=dissection.sinks(step.get("sink")),
        rejects=None if rejects is None else dissection.part(rejects, registry.sinks, ("rejects",)),
        fallback=fallback,
        hooks=hooks,
        complete=dissection.complete,
    )


def hooks_of(node: MappingNode | None, registry: Registry) -> tuple[tuple[str, Part], ...]:
    """The hooks of a whole document."""
    return tuple(_Dissection(registry).hooks(node))


def arguments_of(node: MappingNode) -> dict[str, Json] | None:
    """The plain values of a mapping, or None where some of them are not known."""
    if _unknown(node):
        return None
    return {entry.name: to_json(entry.value) for entry in node.entries}


def _kind(node: Node | None, kinds: Collection[str]) -> str | None:
    if not isinstance(node, MappingNode):
        return None
    return next((entry.name for entry in node.entries if entry.name in kinds), None)


def _unknown(node: Node) -> bool:
    if isinstance(node, MappingNode):
        return any(_unknown(entry.value) for entry in node.entries)
    if isinstance(node, SequenceNode):
        return any(_unknown(item) for item in node.items)
    return isinstance(node, UnknownNode)
