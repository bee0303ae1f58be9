"""What the sources that read files share in their rules: paths, declared columns, samples."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from flowctl.arguments import column_type, listed, pairs
from flowctl.codes.environment import COLUMN_TYPES, HEADER, OPTION
from flowctl.codes.names import NEVER_ENDS
from flowctl.component import Again, Arguments, Files, JsonSchema, Situation, Typed
from flowctl.dataclass import dataclass
from flowctl.dataflow import BadInput, reserved
from flowctl.diagnostics import Fault, nearest
from flowctl.files.paths import DataFile
from flowctl.files.sampling import Sample
from flowctl.records import Binary, Column, DataType, Duration, Schema
from flowctl.syntax.node import Json, Pointer

PATHS: Final[JsonSchema] = {
    "description": "A file, a glob (read in the order of names), a folder, or a list of these. A "
    "folder stands for all files below it with the format's endings, in the order of names; "
    "folders in it that are named `key=value` give columns, which come last.",
    "anyOf": [
        {"type": "string", "format": "path", "minLength": 1},
        {
            "type": "array",
            "items": {"type": "string", "format": "path", "minLength": 1},
            "minItems": 1,
        },
    ],
}
COLUMNS: Final[JsonSchema] = {
    "description": "Types of columns (`int64`, `string?`; `?` allows nulls). Those that are not "
    "named get the type that a sample of the files shows.",
    "type": "object",
    "additionalProperties": {"type": "string", "format": "type"},
}
JSON_COLUMNS: Final[JsonSchema] = {
    **COLUMNS,
    "description": "Types of columns (`int64`, `string?`; `?` allows nulls), which come first. All "
    "other keys that a sample of the files shows are columns too.",
}
ENCODING: Final[JsonSchema] = {
    "description": "How the text is encoded: `utf-8` unless said; `latin-1`, `cp1252`, `utf-16`...",
    "type": "string",
}


def encoding_faults(arguments: Arguments) -> Iterator[Fault]:
    """The fault of an encoding that nobody knows."""
    name = str(arguments.get("encoding", "utf-8"))
    try:
        if codecs.lookup(name)._is_text_encoding:
            return
    except (LookupError, ValueError):
        pass
    help = "`utf-8`, `latin-1`, `cp1252` and `utf-16` are among those known"
    yield Fault(OPTION, f"unknown encoding `{name}`", ("encoding",), help=help)


def size_of(files: Iterable[DataFile]) -> int:
    """The bytes of all files together; a file that is gone counts none."""
    size = 0
    for file in files:
        with suppress(OSError):
            size += file.path.stat().st_size
    return size


@dataclass(frozen=True, slots=True)
class Declared:
    """The columns that the author has typed, and what is wrong with them."""

    columns: tuple[Column, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def canonical(self) -> list[Json]:
        """The option as the plan has it: pairs, in the author's order."""
        return [
            [column.name, f"{column.type}{'?' if column.nullable else ''}"]
            for column in self.columns
        ]


def declared(value: Json, refused: tuple[type[DataType], ...], kind: str) -> Declared:
    """Reads `columns`; `refused` are types that the format has no values for."""
    columns: list[Column] = []
    faults: list[Fault] = []
    for name, text in pairs(value):
        pointer = ("columns", name)
        read = column_type(str(text), pointer)
        if read.fault is not None:
            faults.append(read.fault)
        elif isinstance(read.type, refused):
            message = f"a {kind} file has no values of type `{read.type}`"
            help = "read it as `string` and convert it with `derive`"
            faults.append(Fault(COLUMN_TYPES, message, pointer, help=help))
        elif read.type is not None:
            columns.append(Column(name, read.type, read.nullable))
    return Declared(tuple(columns), tuple(faults))


def paths_of(value: Json) -> tuple[str, ...]:
    """A path or a list of them."""
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),)


def files_of(value: Json, files: Files, endings: tuple[str, ...]) -> list[Path]:
    """All files that the paths stand for now."""
    return [file.path for path in paths_of(value) for file in files.expand(path, endings)]


def no_files(value: Json) -> str:
    """What is said where the paths stand for no file."""
    return f"no file matches {listed(paths_of(value))}"


def again_and_again(pointer: Pointer) -> Fault:
    """A transform's further source gives all of its files in each run."""
    message = "only the source of a step itself can read each file once"
    help = "read it in a step of its own, and that with `step`"
    return Fault(OPTION, message, pointer, help=help)


def never_ends_beside() -> Fault:
    """A transform's further source must come to its end."""
    message = "only the source of a step itself can be followed"
    return Fault(NEVER_ENDS, message, ("follow",), help="leave `follow` out here")


def yields_beside() -> Fault:
    """A transform's further source is read again by a run that goes on: it must be the same."""
    message = "only the source of a step itself can be a function"
    help = "read it in a step of its own, and that with `step`"
    return Fault(OPTION, message, ("python",), help=help)


def reserved_names(schema: Schema, kind: str) -> tuple[Fault, ...]:
    """A fault for each column whose name means something else to the engine."""
    return tuple(
        Fault(HEADER, f"no column can be named `{column.name}`", (kind,), help="rename it")
        for column in schema
        if reserved(column.name)
    )


def typed_in_place(arguments: dict[str, Json], declared: Declared, sample: Sample) -> Typed:
    """The columns of a sample in their order; a declared one that was not seen is a fault."""
    types = {column.name: column for column in declared.columns}
    names = [column.name for column in sample.columns]
    faults = tuple(_absent(name, names) for name in types if name not in names)
    schema = Schema(tuple(types.get(column.name, column) for column in sample.columns))
    return Typed(arguments, schema, faults, _observed(declared, sample))


def typed_before(arguments: dict[str, Json], declared: Declared, sample: Sample) -> Typed:
    """The declared columns, whether they were seen or not, and behind them the others."""
    observed = _observed(declared, sample)
    return Typed(arguments, Schema((*declared.columns, *observed)), observed=observed)


def _observed(declared: Declared, sample: Sample) -> Schema:
    names = {column.name for column in declared.columns}
    return Schema(tuple(column for column in sample.columns if column.name not in names))


def _absent(name: str, names: list[str]) -> Fault:
    close = nearest(name, names)
    return Fault(
        HEADER,
        f"the file has no column `{name}`; its columns are {listed(names)}",
        ("columns", name),
        help=f"did you mean `{close}`?" if close else None,
    )


def json_rule(
    kind: str,
    form: str,
    arguments: Arguments,
    situation: Situation,
    endings: tuple[str, ...],
    sample: Callable[[Sequence[Path]], Sample | None],
    no_record: Callable[[Sequence[Path]], str],
) -> Typed:
    """The rule of a source of JSON files, of which `no_record` says why a sample shows none."""
    columns = declared(arguments.get("columns"), (Binary, Duration), form)
    canonical = {kind: arguments[kind]}
    if columns.columns:
        canonical["columns"] = columns.canonical
    unsure = Schema(columns.columns, open=True)
    if columns.faults:
        return Typed(canonical, unsure, columns.faults)
    files = files_of(arguments[kind], situation.files, endings)
    if not files:
        return Typed(canonical, unsure, missing=(no_files(arguments[kind]),))
    try:
        found = sample(files)
    except BadInput as error:
        return Typed(canonical, unsure, (error.fault.below(kind),))
    if found is None and not columns.columns:
        message = f"{no_record(files)}, so its columns are not known: say `columns`"
        return Typed(canonical, unsure, missing=(message,))
    typed = typed_before(canonical, columns, found or Sample(()))
    return replace(typed, faults=reserved_names(typed.schema, kind))


def typed_file_rule(
    kind: str,
    arguments: Arguments,
    situation: Situation,
    endings: tuple[str, ...],
    schema_of: Callable[[Path], Schema],
) -> Typed:
    """The rule of a source of files that tell their own columns."""
    canonical = {kind: arguments[kind]}
    files = files_of(arguments[kind], situation.files, endings)
    if not files:
        missing = (no_files(arguments[kind]),)
        return Typed(canonical, Schema(open=True), missing=missing)
    try:
        schema = schema_of(files[0])
    except BadInput as error:
        return Typed(canonical, Schema(open=True), (error.fault.below(kind),))
    return Typed(canonical, schema, reserved_names(schema, kind), observed=schema)


def as_json_lines(arguments: dict[str, Json]) -> Again:
    """Records whose text is a JSON object."""
    return Again("ndjson", arguments, b"", _one_value)


def _one_value(text: bytes) -> bool:
    """Whether a text is one JSON value, or a line that may hold anything."""
    if b"\n" not in text:
        return bool(text.strip())
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def as_pairs(schema: Schema) -> list[Json]:
    """Columns as the plan has the option `columns`."""
    return [[column.name, f"{column.type}{'?' if column.nullable else ''}"] for column in schema]


def given(
    arguments: Arguments, defaults: Mapping[str, Json], names: Iterable[str]
) -> dict[str, Json]:
    """The options that say something else than their default."""
    return {
        name: arguments[name]
        for name in names
        if name in arguments and arguments[name] != defaults[name]
    }
