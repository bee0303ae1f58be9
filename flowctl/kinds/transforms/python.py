"""`python: module:function`, `columns: {...}`: a function of the project makes the records anew."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from flowctl.arguments import pairs
from flowctl.codes.names import FUNCTION_SHAPE
from flowctl.component import Arguments, Module, Situation, Spec, Transform, Typed
from flowctl.diagnostics import Fault
from flowctl.expressions.scope import Scope
from flowctl.operators import Foreign, Operator
from flowctl.records import DataType, Schema
from flowctl.sourcing import declared
from flowctl.syntax.node import Json
from flowctl.workers import Code
from flowctl.workers.fitting import project_root

_REFUSED: Final[tuple[type[DataType], ...]] = ()

SPEC = Spec(
    kind="python",
    summary="Has a function of the project make the records anew, split by split.",
    argument={
        "description": "The function, as `module:function`; modules start at the project's folder.",
        "type": "string",
    },
    options={
        "columns": {
            "description": "The columns that come back, with their types, all of them; `?` allows "
            "nulls.",
            "type": "object",
            "additionalProperties": {"type": "string", "format": "type"},
            "minProperties": 1,
        },
    },
    required=("columns",),
    detail="""\
The function takes a Polars data frame with the records of one split and returns another, with as
many records as it likes. How large a split is depends on the input alone: see each record by
itself, or as part of a run of neighbours, but count on no more. The function runs in a process of
its own, several at once, and must not rely on what an earlier call has left behind. What it prints
goes to the step's log. An exception fails the step.

    # cleaning.py
    import polars as pl

    def tidy(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.select("dest", delay=pl.col("dep_delay").clip(0, 600))
""",
    example="""python: cleaning:tidy
columns: {dest: string, delay: int64?}
""",
)


def rule(arguments: Arguments, schema: Schema, situation: Situation) -> Typed:
    text = str(arguments["python"])
    columns = declared(arguments["columns"], _REFUSED, "python")
    faults = [*columns.faults]
    leaving = Schema(columns.columns)
    canonical: dict[str, Json] = {"python": text, "columns": columns.canonical}
    folders = situation.folders
    root = project_root(folders.base, folders.root, arguments.get("root")) if folders else None
    if root is None or folders is None:
        return Typed(canonical, leaving, tuple(faults))
    found = folders.code(text, root)
    if isinstance(found, Fault):
        return Typed(canonical, leaving, (*faults, found.below("python")))
    faults += _shape(found, len(text))
    if arguments.get("code") not in (None, found.digest):
        message = f"`{found.module}` is not what it was when the plan was made"
        faults.append(Fault(FUNCTION_SHAPE, message, ("python",), help="make the plan again"))
    canonical["root"] = Path(os.path.relpath(root, folders.base)).as_posix()
    canonical["file"] = found.file.relative_to(root).as_posix()
    canonical["code"] = found.digest
    return Typed(canonical, leaving, tuple(faults))


def _shape(found: Code, end: int) -> list[Fault]:
    start = len(found.module) + 1
    if found.generator:
        message = f"`{found.function}` yields; it should return one frame"
    elif not found.takes(1):
        message = f"`{found.signature}` cannot be called with a frame alone"
    else:
        return []
    help = f"as in `def {found.function}(frame: pl.DataFrame) -> pl.DataFrame:`"
    return [Fault(FUNCTION_SHAPE, message, ("python",), start, end, help)]


def prepare(arguments: Arguments, schema: Schema, scope: Scope) -> Operator:
    module, _, function = str(arguments["python"]).partition(":")
    gives = Schema.of({name: str(kind) for name, kind in pairs(arguments["columns"])})
    file, root = str(arguments["file"]), str(arguments["root"])
    return Foreign(module, function, root, file, gives)


def code(arguments: Arguments) -> Module:
    """The module, as the canonical arguments lead to it."""
    module, root = str(arguments["python"]).partition(":")[0], str(arguments["root"])
    return Module(module, f"{root}/{arguments['file']}", root)


COMPONENT = Transform(SPEC, rule, prepare, order="blocking", code=code)
