"""What is remembered of a step's success: what it depended on, what it made, how it ended."""

from __future__ import annotations

from dataclasses import field

from flowctl.dataclass import dataclass
from flowctl.files.contents import Content
from flowctl.interpreter.counts import Counts
from flowctl.plan import Step
from flowctl.syntax.node import Json


@dataclass(frozen=True, slots=True)
class Basis:
    """All on which the outcome of a step depends, beside what it means.

    `reads` are the digests of the steps that it reads, `engine` the versions of the programs,
    `code` the digests of the project's modules by their paths, `values` those of its run-time
    expressions. `lacking` are the inputs that it names and that are not there.
    """

    reads: dict[str, str] = field(default_factory=dict)
    engine: dict[str, str] = field(default_factory=dict)
    inputs: tuple[Content, ...] = ()
    code: dict[str, str] = field(default_factory=dict)
    values: dict[str, Json] = field(default_factory=dict)
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A success; `records` is the file with what the step hands to others, kept in the cache.

    `values` are its outputs. The other fields are those of `StepEnded`.
    """

    step: Step
    basis: Basis
    outputs: tuple[Content, ...] = ()
    records: Content | None = None
    counts: Counts | None = None
    sink: tuple[str, ...] = ()
    exit_code: int | None = None
    values: dict[str, Json] = field(default_factory=dict)

    @property
    def contents(self) -> dict[str, Content]:
        """All files of which the content is known, by their names."""
        return {one.name: one for one in (*self.basis.inputs, *self.outputs)}
