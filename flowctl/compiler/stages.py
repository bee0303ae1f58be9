"""What each pass hands to the next: one type a stage, from the author's text to the plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from flowctl.compiler.anatomy import Anatomy, Part
from flowctl.compiler.control import Control
from flowctl.compiler.handing_on import Outputs
from flowctl.compiler.paths import Use
from flowctl.dataclass import dataclass
from flowctl.expressions.scope import NOT_YET_KNOWN, Constant
from flowctl.plan import Moment, Operation, Resource, Secret, Stream
from flowctl.records import UNKNOWN_SCHEMA, Schema
from flowctl.syntax.node import Json, MappingNode, Pointer, ScalarNode

Hooks: TypeAlias = tuple[tuple[Moment, Operation], ...]


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the world hands to a compilation; nothing else of it is looked at.

    `params` are the texts of `-p name=value`, still to be typed by the params' schemas;
    `params_file` may hold typed values, as `values` do, which come before it. `timestamp` is the
    run's logical time, in UTC. `complete` says that each param must have a value, as for a run.
    """

    timestamp: datetime
    params: Mapping[str, str] = field(default_factory=dict)
    params_file: Path | None = None
    profile: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    complete: bool = False
    values: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Project:
    """The folders of a workflow.

    `base` is the workflow's own folder, where data paths start; nothing that a document refers to
    may lie outside of `root`. (What a sub-workflow refers to is confined as is what uses it.)
    """

    root: Path
    base: Path


@dataclass(frozen=True, slots=True)
class Document:
    """A workflow file as a located tree."""

    path: Path
    root: MappingNode
    project: Project


@dataclass(frozen=True, slots=True)
class ExpandedStep:
    """One step after templates, references, defaults and matrix.

    `id` is `load[us,2012]` for the cell of `load` whose values are in `cell`, in the matrix's
    order; `name` is `load`, `key` the place of that name. `node` holds no template and no `$ref`
    any more, nor the keys `matrix`; where something could not be computed it holds UnknownNode.
    In a workflow that the step `all` uses, the id is `all/load[us,2012]`, and `within` is `all`.
    """

    id: str
    name: str
    key: ScalarNode
    node: MappingNode
    cell: dict[str, Json] = field(default_factory=dict)
    within: str = ""

    @property
    def local(self) -> str:
        """The id by which the step's own document knows it."""
        return self.id[len(self.within) + 1 :] if self.within else self.id


@dataclass(frozen=True, slots=True)
class Expanded:
    """The document with everything in place that is known at compile time.

    `constants` are the names `params`, `vars` and `workflow` as expressions see them; a value that
    is not known (a required param) is `NOT_YET_KNOWN`. `dependencies` are all files that were read.
    `used` are the workflows that steps use, by the ids of these steps; `within` is that id in each.
    """

    document: Document
    name: str
    params: dict[str, Json]
    constants: Mapping[str, Constant]
    secrets: tuple[Secret, ...]
    resources: MappingNode | None
    hooks: MappingNode | None
    steps: tuple[ExpandedStep, ...]
    about: dict[str, Json]
    dependencies: tuple[Path, ...]
    outputs: MappingNode | None = None
    within: str = ""
    used: Mapping[str, Expanded] = field(default_factory=dict)

    @property
    def valued(self) -> bool:
        """Whether each param has a value."""
        params = self.constants.get("params")
        return not isinstance(params, Mapping) or NOT_YET_KNOWN not in params.values()

    def everything(self) -> Iterator[tuple[ExpandedStep, Expanded]]:
        """All steps with their workflows; those of one that a step uses come before that step."""
        for step in self.steps:
            if step.id in self.used:
                yield from self.used[step.id].everything()
            yield step, self

    def workflows(self) -> Iterator[Expanded]:
        """This one, and all that are used in it, near or far; each comes behind what it uses."""
        for one in self.used.values():
            yield from one.workflows()
        yield self


@dataclass(frozen=True, slots=True)
class LinkedStep:
    """A step with the ids of the steps that it needs, and of those whose data it reads.

    `workflow` is the one whose names it sees. `writers` leads from the pointer of a source to the
    paths that it reads, and from each of these
    to the uses by which other steps write it.
    """

    step: ExpandedStep
    workflow: Expanded
    needs: tuple[str, ...]
    reads: tuple[str, ...]
    parts: Anatomy
    writers: Mapping[Pointer, Mapping[str, tuple[Use, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Linked:
    """The graph: steps in an order in which each comes after those that it needs."""

    expanded: Expanded
    steps: tuple[LinkedStep, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """A checked step as the plan will hold it.

    `work` and `control` are None where a part of them is not known, and `fallback` where there is
    none.
    """

    work: Stream | Operation | None
    condition: str | None
    control: Control | None
    fallback: Operation | None = None
    hooks: Hooks = ()
    foreach: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """The graph with each step's body typed; `schemas` are the columns that steps hand on."""

    linked: Linked
    bodies: Mapping[str, Body]
    schemas: Mapping[str, Schema]
    resources: tuple[Resource, ...] = ()
    hooks: Hooks = ()
    hook_parts: tuple[tuple[str, Part], ...] = ()
    outputs: Outputs = field(default_factory=Outputs)

    def schema(self, step: str) -> Schema:
        return self.schemas.get(step, UNKNOWN_SCHEMA)

    @property
    def complete(self) -> bool:
        """Whether all is known that a plan holds."""
        if not self.linked.expanded.valued or not self.outputs.complete:
            return False
        bodies = (self.bodies.get(step.step.id) for step in self.linked.steps)
        return all(
            body is not None and body.work is not None and body.control is not None
            for body in bodies
        )
