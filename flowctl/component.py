"""What a component is: the contract that every file below `kinds/` fulfils with one constant.

A component never sees the author's file. It gets its arguments as plain values and answers with
values: canonical arguments for the plan, the columns that leave it, and faults that say by pointer
and offset what is wrong. The compiler turns those into diagnostics at the author's line; the
interpreter asks the same rule again once types that were unknown before the run are known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from flowctl.dataclass import dataclass
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.files.paths import DataFile
from flowctl.records import Schema
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    from flowctl.action import Finished, Workplace
    from flowctl.dataflow import Reader, Writer
    from flowctl.operators import Operator, Yielding
    from flowctl.workers import Code

JsonSchema: TypeAlias = "dict[str, Json]"
Arguments: TypeAlias = "Mapping[str, Json]"


@dataclass(frozen=True, slots=True)
class Spec:
    """What people and editors see of a component.

    `argument` is the JSON Schema of the value under the kind key, `options` those of the keys
    beside it, each with a `description`. Formats that flowctl knows in them: `expression` (a SQL
    scalar expression), `path` (a data path), `json-schema` (a JSON Schema, whose `$ref` keeps its
    own meaning), `type` (a column type), `column` (a column's name), `template-free` is not one.
    `example` is one YAML mapping that compiles, as an item of a workflow.
    """

    kind: str
    summary: str
    argument: JsonSchema
    example: str
    options: Mapping[str, JsonSchema] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the project that a component calls; paths start at the workflow's folder.

    `root` is the folder at which modules start.
    """

    name: str
    file: str
    root: str


def calls_nothing(arguments: Arguments) -> Module | None:
    """Of a component that calls no code of the project."""
    return None


class Files(Protocol):
    """The data files as a component may look at them while the workflow is compiled."""

    def expand(self, pattern: str, endings: tuple[str, ...] = ()) -> tuple[DataFile, ...]:
        """The files that a path, folder or glob stands for now, sorted; empty where none exists.

        A folder stands for the files below it that have one of these endings.
        """
        ...


def find_code(text: str, root: Path) -> Code | Fault:
    """As in `workers`, which is loaded when a function is looked for."""
    from flowctl.workers import find_code as found

    return found(text, root)


@dataclass(frozen=True, slots=True)
class Folders:
    """The workflow's folder, and the project's, which is that one or lies above it.

    `code` finds the function that a text names below the project's folder.
    """

    base: Path
    root: Path | None = None
    code: Callable[[str, Path], Code | Fault] = find_code


@dataclass(frozen=True, slots=True)
class Situation:
    """What a rule may know besides its arguments.

    `steps` holds the columns that each step needed by this one hands on. `folders` are those of
    the workflow, and of its project where that is known: at compile time. `inputs` are the columns
    of a transform's further sources.
    """

    scope: Scope
    files: Files
    steps: Mapping[str, Schema] = field(default_factory=dict)
    folders: Folders | None = None
    inputs: tuple[Schema, ...] = ()


@dataclass(frozen=True, slots=True)
class Typed:
    """A rule's answer: canonical arguments, the columns that leave, and what is wrong.

    Where there are faults, `schema` holds what was most likely meant, with unknown types for what
    is wrong, so that each cause is told once.
    `observed` are those columns of a source whose types were seen in data, not declared; `missing`
    says what could not be checked and why (`no file matches data/*.csv`). What leaves a transform
    is `placeless` where it has no place in a source any more, though its kind may keep places.
    """

    arguments: dict[str, Json]
    schema: Schema = field(default_factory=Schema)
    faults: tuple[Fault, ...] = ()
    observed: Schema = field(default_factory=Schema)
    missing: tuple[str, ...] = ()
    placeless: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """How single records of a source are read again from their text.

    A source of the kind `kind` reads them with `arguments` from a file that holds `head` and the
    records, each with a newline behind it. `whole` tells whether a text is one record.
    """

    kind: str
    arguments: dict[str, Json]
    head: bytes
    whole: Callable[[bytes], bool]


@dataclass(frozen=True, slots=True)
class Source:
    """Where records come from. `paths` names the data paths that its arguments read.

    Of the files in a folder those are read that have one of the `endings`; all, without any. What
    is opened are the files that its paths stand for, or those of them that are left to read.

    `again` gets the columns, the workflow's folder, and the file in which the records stand as the
    workflow names it; it raises BadInput. None where records cannot be read again by themselves.
    Where a function `yields` the records, it is called instead of `open`; `code` is what it is.
    """

    spec: Spec
    rule: Callable[[Arguments, Situation], Typed]
    open: Callable[[Arguments, Schema, tuple[DataFile, ...]], Reader]
    paths: Callable[[Arguments], tuple[str, ...]]
    endings: tuple[str, ...] = ()
    again: Callable[[Arguments, Schema, Path, str], Again] | None = None
    yields: Callable[[Arguments], Yielding] | None = None
    code: Callable[[Arguments], Module | None] = calls_nothing


@dataclass(frozen=True, slots=True)
class Transform:
    """What happens to records on their way.

    `order`: `split` for those that treat each split by itself, `in-order` for those whose small
    state passes from split to split, `blocking` for those that must see all records before any
    leaves; behind these, records have no place in a source any more. `inputs`: under the kind key
    stands `one` further source or a list of `many`; the rule gets their columns in its situation,
    and leaves them out of its arguments. `branches`: under it stands a mapping of branches, each
    with `transforms` and a `sink`, which are left out of its arguments, too.
    `code` is what a transform calls, by canonical arguments.
    """

    spec: Spec
    rule: Callable[[Arguments, Schema, Situation], Typed]
    prepare: Callable[[Arguments, Schema, Scope], Operator]
    order: Literal["split", "in-order", "blocking"] = "split"
    inputs: Literal["none", "one", "many"] = "none"
    branches: bool = False
    code: Callable[[Arguments], Module | None] = calls_nothing


@dataclass(frozen=True, slots=True)
class Sink:
    """Where records go. `paths` names the data paths that its arguments write."""

    spec: Spec
    rule: Callable[[Arguments, Schema, Situation], Typed]
    open: Callable[[Arguments, Schema, Path], Writer]
    paths: Callable[[Arguments], tuple[str, ...]]
    lossless: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """A step that is no stream: a command, a function, a sub-workflow.

    `perform` gets canonical arguments and ends when the work has ended. A `composite` one is made
    of steps, which the compiler puts into the plan: `perform` only ends it, and it is no hook and
    no fallback. `code` is what it calls, by canonical arguments.
    """

    spec: Spec
    rule: Callable[[Arguments, Situation], Typed]
    perform: Callable[[Arguments, Workplace], Finished]
    composite: bool = False
    code: Callable[[Arguments], Module | None] = calls_nothing


Component: TypeAlias = "Source | Transform | Sink | Action"
