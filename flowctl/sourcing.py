"""What the sources that read files share in their rules: paths, declared columns, samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from flowctl.arguments import column_type, listed, pairs
from flowctl.codes.environment import COLUMN_TYPES, HEADER
from flowctl.component import Arguments, Files, JsonSchema, Typed
from flowctl.diagnostics import Fault, nearest
from flowctl.files.sampling import Sample
from flowctl.records import Column, DataType, Schema
from flowctl.syntax.node import Json

PATHS: Final[JsonSchema] = {
    "description": "A file, a glob (read in the order of names), a folder, or a list of these.",
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


def files_of(value: Json, files: Files) -> list[Path]:
    """All files that the paths stand for now."""
    return [file for path in paths_of(value) for file in files.expand(path)]


def no_files(value: Json) -> str:
    """What is said where the paths stand for no file."""
    return f"no file matches {listed(paths_of(value))}"


def typed_by(
    arguments: dict[str, Json], declared: Declared, sample: Sample, strict: bool = True
) -> Typed:
    """The columns of a sample, with the declared types in place of those seen.

    With `strict` a declared column must have been seen; without, it comes behind the others.
    """
    types = {column.name: column for column in declared.columns}
    names = [column.name for column in sample.columns]
    absent = [column for column in declared.columns if column.name not in names]
    schema = Schema(
        tuple(types.get(column.name, column) for column in sample.columns)
        + (() if strict else tuple(absent))
    )
    faults = tuple(_absent(column.name, names) for column in absent) if strict else ()
    observed = Schema(tuple(column for column in sample.columns if column.name not in types))
    return Typed(arguments, schema, faults, observed)


def _absent(name: str, names: list[str]) -> Fault:
    close = nearest(name, names)
    return Fault(
        HEADER,
        f"the file has no column `{name}`; its columns are {listed(names)}",
        ("columns", name),
        help=f"did you mean `{close}`?" if close else None,
    )


def given(
    arguments: Arguments, defaults: Mapping[str, Json], names: Iterable[str]
) -> dict[str, Json]:
    """The options that say something else than their default."""
    return {
        name: arguments[name]
        for name in names
        if name in arguments and arguments[name] != defaults[name]
    }
