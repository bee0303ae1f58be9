"""What each pass hands to the next: one type a stage, from the author's text to the plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from flowctl.compiler.anatomy import Anatomy, Part
from flowctl.compiler.control import Control
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
    may lie outside of `root`.
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
    """

    id: str
    name: str
    key: ScalarNode
    node: MappingNode
    cell: dict[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Expanded:
    """The document with everything in place that is known at compile time.

    `constants` are the names `params`, `vars` and `workflow` as expressions see them; a value that
    is not known (a required param) is `NOT_YET_KNOWN`. `dependencies` are all files that were read.
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


@dataclass(frozen=True, slots=True)
class LinkedStep:
    """A step with the ids of the steps that it needs, and of those whose data it reads.

    `writers` leads from the pointer of a source to the paths that it reads, and from each of these
    to the uses by which other steps write it.
    """

    step: ExpandedStep
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


@dataclass(frozen=True, slots=True)
class Checked:
    """The graph with each step's body typed; `schemas` are the columns that steps hand on."""

    linked: Linked
    bodies: Mapping[str, Body]
    schemas: Mapping[str, Schema]
    resources: tuple[Resource, ...] = ()
    hooks: Hooks = ()
    hook_parts: tuple[tuple[str, Part], ...] = ()

    def schema(self, step: str) -> Schema:
        return self.schemas.get(step, UNKNOWN_SCHEMA)

    @property
    def complete(self) -> bool:
        """Whether all is known that a plan holds."""
        params = self.linked.expanded.constants.get("params")
        if isinstance(params, Mapping) and NOT_YET_KNOWN in params.values():
            return False
        bodies = (self.bodies.get(step.step.id) for step in self.linked.steps)
        return all(
            body is not None and body.work is not None and body.control is not None
            for body in bodies
        )
