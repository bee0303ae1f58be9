"""The plan: what a run does, as data. It is all that the compiler hands to the interpreter.

Canonical JSON, the same bytes for the same inputs wherever the folder stands: paths are relative to
the workflow's folder, keys are sorted, mappings whose order matters are lists of pairs. A step's
digest covers what it means and what the steps that it reads mean; `about`, `observed` and
`positions` lie outside of it.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Callable, Iterator, Sequence
from dataclasses import field, replace
from typing import Literal, NamedTuple, TypeAlias

from flowctl.dataclass import dataclass
from flowctl.syntax.node import Json, Pointer

FORMAT = 1
Moment: TypeAlias = Literal["start", "success", "failure", "retry", "finish"]
"""When a hook is done."""
OnError: TypeAlias = Literal["fail", "skip", "reject"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One component at work: its kind, and its arguments as its own rule made them canonical.

    `arguments` holds the main argument under the kind key, as the author's mapping does, unless
    that names further sources, which are the `inputs`. A transform from which records go on in
    several `branches` is the last one.
    """

    kind: str
    arguments: dict[str, Json]
    on_error: OnError = "fail"
    inputs: tuple[Operation, ...] = ()
    branches: tuple[Branch, ...] = ()


@dataclass(frozen=True, slots=True)
class Branch:
    """What becomes of the records that a transform sends one way."""

    name: str
    transforms: tuple[Operation, ...] = ()
    sinks: tuple[Operation, ...] = ()


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

    @property
    def parts(self) -> bool:
        """Whether its records go on in branches, and are no single stream in the end."""
        return bool(self.transforms) and bool(self.transforms[-1].branches)


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


@dataclass(frozen=True, slots=True)
class Cache:
    """A step is taken from its last success where nothing has changed since.

    `inputs` and `outputs` are data paths beside those that its sources and sinks name. A success
    that is older than `ttl`, in milliseconds, is not taken.
    """

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    ttl: int | None = None


class Placed(NamedTuple):
    """A part of a stream, and the way to it from the step as the author wrote it."""

    operation: Operation
    pointer: Pointer


def endless(step: Step) -> bool:
    """Whether a step follows its source, as long as the run is not told to stop."""
    return isinstance(step.body, Stream) and follows(step.body)


def follows(stream: Stream) -> bool:
    """Whether a stream reads on as its source grows."""
    return stream.source.arguments.get("follow") is True


class Input(NamedTuple):
    """A source of a stream: its own, or that with a number of a transform."""

    operation: Operation
    transform: Placed | None = None
    number: int = 0


def inputs_of(stream: Stream) -> Iterator[Input]:
    """All that a stream reads: its own source comes first."""
    yield Input(stream.source)
    for transform in transforms_of(stream):
        for number, source in enumerate(transform.operation.inputs):
            yield Input(source, transform, number)


def transforms_of(stream: Stream) -> Iterator[Placed]:
    """All transforms, each before those of its branches."""
    yield from _transforms(stream.transforms, ())


def sinks_of(stream: Stream) -> Iterator[Placed]:
    """All sinks, those of each branch before those of the next; one that is alone is in no list."""
    yield from placed_sinks(stream.sinks, ())
    yield from _sinks(stream.transforms, ())


def placed_sinks(sinks: Sequence[Operation], below: Pointer) -> Iterator[Placed]:
    """The sinks of a stream or of one of its branches, whose place is `below`."""
    for index, sink in enumerate(sinks):
        yield Placed(sink, (*below, "sink") if len(sinks) == 1 else (*below, "sink", index))


def branch_pointer(transform: Placed, branch: Branch) -> Pointer:
    """The place of a branch."""
    return (*transform.pointer, transform.operation.kind, branch.name)


def stream_id(step: str, pointer: Pointer) -> str:
    """A name for the records at a place in a step: the step's, or that of a branch in it.

    >>> stream_id("sorted", ("transforms", 1, "split", "late", "sink"))
    'sorted/late'
    """
    return "/".join([step, *map(str, pointer[3::4])])


def _sinks(transforms: Sequence[Operation], below: Pointer) -> Iterator[Placed]:
    for index, operation in enumerate(transforms):
        transform = Placed(operation, (*below, "transforms", index))
        for branch in operation.branches:
            at = branch_pointer(transform, branch)
            yield from placed_sinks(branch.sinks, at)
            yield from _sinks(branch.transforms, at)


def _transforms(transforms: Sequence[Operation], below: Pointer) -> Iterator[Placed]:
    for index, operation in enumerate(transforms):
        transform = Placed(operation, (*below, "transforms", index))
        yield transform
        for branch in operation.branches:
            yield from _transforms(branch.transforms, branch_pointer(transform, branch))


def with_inputs(stream: Stream, change: Callable[[Operation], Operation]) -> Stream:
    """The stream with each of its sources changed."""

    def changed(transform: Operation) -> Operation:
        return replace(transform, inputs=tuple(map(change, transform.inputs)))

    stream = with_transforms(stream, changed)
    return replace(stream, source=change(stream.source))


def with_transforms(stream: Stream, change: Callable[[Operation], Operation]) -> Stream:
    """The stream with each of its transforms changed, those of branches too."""

    def changed(transform: Operation) -> Operation:
        branches = (
            replace(branch, transforms=tuple(map(changed, branch.transforms)))
            for branch in transform.branches
        )
        return change(replace(transform, branches=tuple(branches)))

    return replace(stream, transforms=tuple(map(changed, stream.transforms)))


def with_sinks(stream: Stream, change: Callable[[Operation], Operation]) -> Stream:
    """The stream with each of its sinks changed, those of branches too."""

    def changed(transform: Operation) -> Operation:
        branches = (
            replace(branch, sinks=tuple(map(change, branch.sinks))) for branch in transform.branches
        )
        return replace(transform, branches=tuple(branches))

    stream = with_transforms(stream, changed)
    return replace(stream, sinks=tuple(map(change, stream.sinks)))


@dataclass(frozen=True, slots=True)
class Step:
    """A node of the graph.

    `needs` names steps that must have ended, `reads` those among them whose records or files this
    step reads. `condition` is a canonical run-time expression, and so is `foreach`: of a list, for
    each element of which the step is done once, as a cell `id[0]`, `id[1]`, …. `timeout` is for
    each attempt, in milliseconds. `pool` holds the resources that it uses, with the slots that it
    takes. Of the cells with the same name at most `max_parallel` run at once. `fallback` runs
    where the step has failed; with `continue_on_error` a failure keeps nobody from going on.
    `hooks` are done at certain moments, and never change an outcome.
    `about` is for people only.
    A step of a sub-workflow is `within` the step that uses it: it runs only if that one does, and
    the names in its expressions are those of the sub-workflow. Its paths start at `folder`, which
    leads there from the workflow's. The using step itself ends when those within it have.
    """

    id: str
    body: Stream | Operation
    needs: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    condition: str | None = None
    foreach: str | None = None
    timeout: int | None = None
    retry: Retry | None = None
    priority: int = 0
    pool: tuple[tuple[str, int], ...] = ()
    max_parallel: int | None = None
    fallback: Operation | None = None
    continue_on_error: bool = False
    cache: Cache | None = None
    hooks: tuple[tuple[Moment, Operation], ...] = ()
    about: dict[str, Json] = field(default_factory=dict)
    within: str = ""
    folder: str = ""
    digest: str = ""

    @property
    def local(self) -> str:
        """The id by which the step's own workflow knows it."""
        return self.id[len(self.within) + 1 :] if self.within else self.id


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is found at run time; its value is never in a plan.

    A sub-workflow has secrets of its own: only the steps `within` the same step see them.
    """

    name: str
    source: Literal["env", "file"]
    location: str
    within: str = ""

    @property
    def id(self) -> str:
        """The name that no other secret of the plan has."""
        return f"{self.within}/{self.name}" if self.within else self.name


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

    `outputs` are canonical run-time expressions by their names: what the run hands on.
    `positions` leads from a JSON pointer into a step (`clean/transforms/0/filter`) to its place.
    """

    name: str
    steps: tuple[Step, ...]
    params: dict[str, Json] = field(default_factory=dict)
    secrets: tuple[Secret, ...] = ()
    resources: tuple[Resource, ...] = ()
    hooks: tuple[tuple[Moment, Operation], ...] = ()
    outputs: tuple[tuple[str, str], ...] = ()
    about: dict[str, Json] = field(default_factory=dict)
    positions: dict[str, Place] = field(default_factory=dict)
    digest: str = ""


def place_key(step: str, *pointer: str | int) -> str:
    """Where `positions` holds the place of a part of a step: a JSON pointer (RFC 6901).

    >>> place_key("load/clean", "transforms", 0)
    'load~1clean/transforms/0'
    """
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in (step, *pointer))
    return "/".join(parts)


def from_folder(folder: str, path: str) -> str:
    """A path that starts at a step's folder, as it starts at the workflow's.

    >>> from_folder("load", "../data/a.csv"), from_folder("load", "/data/"), from_folder("", "a/")
    ('data/a.csv', '/data/', 'a/')
    """
    if not folder or posixpath.isabs(path):
        return path
    joined = posixpath.normpath(posixpath.join(folder, path))
    return f"{joined}/" if path.endswith("/") else joined


def to_folder(folder: str, path: str) -> str:
    """A path that starts at the workflow's folder, as it starts at a step's.

    >>> to_folder("load", "data/a.csv"), to_folder("load", "load/b/"), to_folder("", "a/")
    ('../data/a.csv', 'b/', 'a/')
    """
    if not folder or posixpath.isabs(path):
        return path
    relative = posixpath.relpath(path, folder)
    return f"{relative}/" if path.endswith("/") else relative


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
