"""`python: module:function`, `columns: {...}`: records that a function of the project yields."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flowctl.arguments import ON_ERROR
from flowctl.codes.names import FUNCTION_SHAPE
from flowctl.component import Again, Arguments, Module, Situation, Source, Spec, Typed
from flowctl.diagnostics import Fault
from flowctl.files.paths import DataFile
from flowctl.operators import Yielding
from flowctl.records import Binary, Duration, Schema
from flowctl.sourcing import as_json_lines, as_pairs, declared, reserved_names
from flowctl.syntax.node import Json
from flowctl.workers.fitting import project_root, unfit_arguments

if TYPE_CHECKING:
    from flowctl.dataflow import Reader

_NOT_YIELDED: Final = (Binary, Duration)

SPEC = Spec(
    kind="python",
    summary="Reads what a function of the project yields, in a process of its own.",
    argument={
        "description": "The function, as `module:function`; modules start at the project's folder.",
        "type": "string",
    },
    options={
        "with": {
            "type": "object",
            "additionalProperties": True,
            "description": "The function's arguments, by their names.",
        },
        "columns": {
            "description": "The columns with their types; `?` allows nulls. What is yielded beside "
            "them is passed over.",
            "type": "object",
            "additionalProperties": {"type": "string", "format": "type"},
            "minProperties": 1,
        },
        **ON_ERROR,
    },
    required=("columns",),
    detail="""\
The function yields mappings, lists of mappings, or Polars data frames, or returns them. Dates,
moments and decimals may be those of Python; nan and infinite numbers come in frames alone. It runs
no further ahead than its records are taken; what it prints goes to the step's log. An exception
fails the step. A record that does not fit the columns is at fault: its file is the module's, and
its line its number, from 1.

A step that goes on calls the function anew, and drops what was read before. So it must yield the
same records again: where it does not, the run is refused, and `--fresh` begins anew.

    # orders.py
    def since(day: str):
        for number in range(3):
            yield {"id": number, "day": day}
""",
    example="""python: orders:since
with: {day: 2024-01-01}
columns: {id: int64, day: date}
""",
)


def rule(arguments: Arguments, situation: Situation) -> Typed:
    text = str(arguments["python"])
    columns = declared(arguments["columns"], _NOT_YIELDED, "python")
    schema = Schema(columns.columns)
    faults = [*columns.faults, *reserved_names(schema, "columns")]
    canonical: dict[str, Json] = {"python": text, "columns": columns.canonical}
    given = arguments.get("with")
    given = given if isinstance(given, dict) else {}
    if given:
        canonical["with"] = given
    folders = situation.folders
    root = project_root(folders.base, folders.root, arguments.get("root")) if folders else None
    if root is None or folders is None:
        return Typed(canonical, schema, tuple(faults))
    found = folders.code(text, root)
    if isinstance(found, Fault):
        return Typed(canonical, schema, (*faults, found.below("python")))
    faults += unfit_arguments(found, given)
    if arguments.get("code") not in (None, found.digest):
        message = f"`{found.module}` is not what it was when the plan was made"
        faults.append(Fault(FUNCTION_SHAPE, message, ("python",), help="make the plan again"))
    canonical["root"] = Path(os.path.relpath(root, folders.base)).as_posix()
    canonical["file"] = found.file.relative_to(root).as_posix()
    canonical["code"] = found.digest
    return Typed(canonical, schema, tuple(faults))


def open(arguments: Arguments, schema: Schema, files: tuple[DataFile, ...]) -> Reader:
    """The interpreter calls the function, in a process of its own."""
    raise TypeError("the records of a function are not in files")


def yields(arguments: Arguments) -> Yielding:
    module, _, function = str(arguments["python"]).partition(":")
    given = arguments.get("with")
    given = given if isinstance(given, dict) else {}
    return Yielding(module, function, str(arguments["root"]), str(arguments["file"]), given)


def code(arguments: Arguments) -> Module:
    """The module, as the canonical arguments lead to it."""
    module, root = str(arguments["python"]).partition(":")[0], str(arguments["root"])
    return Module(module, f"{root}/{arguments['file']}", root)


def again(arguments: Arguments, schema: Schema, base: Path, file: str) -> Again:
    """Their text is JSON, with the columns' types as they are."""
    return as_json_lines({"columns": as_pairs(schema)})


COMPONENT = Source(SPEC, rule, open, lambda arguments: (), again=again, yields=yields, code=code)
