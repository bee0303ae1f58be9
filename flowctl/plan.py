"""The plan: what a run does, as data. It is all that the compiler hands to the interpreter.

Canonical JSON, the same bytes for the same inputs wherever the folder stands: paths are relative to
the workflow's folder, keys are sorted, mappings whose order matters are lists of pairs. A step's
digest covers what it means and what the steps that it reads mean; `about`, `observed` and
`positions` lie outside of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import field, replace
from typing import Literal, NamedTuple, TypeAlias

from flowctl.dataclass import dataclass
from flowctl.syntax.node import Json

FORMAT = 1
Moment: TypeAlias = Literal["start", "success", "failure", "retry", "finish"]
"""When a hook is done."""
OnError: TypeAlias = Literal["fail", "skip", "reject"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One component at work: its kind, and its arguments as its own rule made them canonical.

    `arguments` holds the main argument under the kind key, as the author's mapping does, unless
    that names further sources, which are the `inputs`.
    """

    kind: str
    arguments: dict[str, Json]
    on_error: OnError = "fail"
    inputs: tuple[Operation, ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """What must hold of a stream's output before it is published.

    `rows` and `rejected` are comparisons (`> 1000`, `>= 1 and < 10`, `< 1%`), `where` is true for
    each record. The columns `unique` differ together from record to record.
    """

    rows: str | None = None
    rejected: str | None = None
    unique: tuple[str, ...] = ()
    not_null: tuple[str, ...] = ()
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """The body of a step that moves records.

    `observed` are column names and types (`int64?`) that were seen in data and not declared.
    `max_rejects` is a count (`10`) or a share of the records read (`1%`).
    """

    source: Operation
    transforms: tuple[Operation, ...] = ()
    sinks: tuple[Operation, ...] = ()
    rejects: Operation | None = None
    max_rejects: str | None = None
    observed: tuple[tuple[str, str], ...] = ()
    check: Check | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a step is tried (the first time included), and how long is waited between.

    Delays are milliseconds. `on` holds what is tried again: `timeout`, exit codes as text, classes
    of exceptions; where it is empty, any failure is.
    """

    attempts: int
    backoff: Literal["constant", "linear", "exponential"] = "constant"
    delay: int = 1000
    max_delay: int | None = None
    jitter: bool = False
    on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resource:
    """What steps share: `slots` bound how many use it at once.

    After so many `failures` in a row nothing uses it for `reset` milliseconds; None means that it
    is never left alone.
    """

    name: str
    slots: int | None = None
    failures: int | None = None
    reset: int = 0


class Input(NamedTuple):
    """A source of a stream: its own, or that with a number of the transform with an index."""

    operation: Operation
    transform: int | None = None
    number: int = 0


def inputs_of(stream: Stream) -> Iterator[Input]:
    """All that a stream reads: its own source comes first."""
    yield Input(stream.source)
    for index, transform in enumerate(stream.transforms):
        for number, source in enumerate(transform.inputs):
            yield Input(source, index, number)


def with_inputs(stream: Stream, change: Callable[[Operation], Operation]) -> Stream:
    """The stream with each of its sources changed."""
    transforms = (
        replace(one, inputs=tuple(map(change, one.inputs))) if one.inputs else one
        for one in stream.transforms
    )
    return replace(stream, source=change(stream.source), transforms=tuple(transforms))


@dataclass(frozen=True, slots=True)
class Step:
    """A node of the graph.

    `needs` names steps that must have ended, `reads` those among them whose records or files this
    step reads. `condition` is a canonical run-time expression. `timeout` is for each attempt, in
    milliseconds. `pool` holds the resources that it uses, with the slots that it takes. Of the
    steps with the same name but other cells at most `max_parallel` run at once. `fallback` runs
    where the step has failed; with `continue_on_error` a failure keeps nobody from going on.
    `hooks` are done at certain moments, and never change an outcome.
    `about` is for people only.
    """

    id: str
    body: Stream | Operation
    needs: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    condition: str | None = None
    timeout: int | None = None
    retry: Retry | None = None
    priority: int = 0
    pool: tuple[tuple[str, int], ...] = ()
    max_parallel: int | None = None
    fallback: Operation | None = None
    continue_on_error: bool = False
    hooks: tuple[tuple[Moment, Operation], ...] = ()
    about: dict[str, Json] = field(default_factory=dict)
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is found at run time; its value is never in a plan."""

    name: str
    source: Literal["env", "file"]
    location: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part of the plan was written: the file is relative to the workflow's folder."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole run. Steps stand in an order in which each comes after those that it needs.

    `positions` leads from a JSON pointer into a step (`clean/transforms/0/filter`) to its place.
    """

    name: str
    steps: tuple[Step, ...]
    params: dict[str, Json] = field(default_factory=dict)
    secrets: tuple[Secret, ...] = ()
    resources: tuple[Resource, ...] = ()
    hooks: tuple[tuple[Moment, Operation], ...] = ()
    about: dict[str, Json] = field(default_factory=dict)
    positions: dict[str, Place] = field(default_factory=dict)
    digest: str = ""


_CANONICAL = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def canonical(value: Json) -> str:
    """The one spelling of a JSON value: sorted keys, no spaces, no NaN; raises ValueError on NaN.

    >>> canonical({"b": 1, "a": [True, None]})
    '{"a":[true,null],"b":1}'
    """
    return _CANONICAL.encode(value)


def digest_of(value: Json) -> str:
    """A SHA-256 of the canonical JSON, as `sha256:…`."""
    return "sha256:" + hashlib.sha256(canonical(value).encode()).hexdigest()
