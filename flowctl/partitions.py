"""What all sources of files can do: columns from the names of folders, each file only once.

Folders are named as Hive does: `out/year=2024/town=Ulm/part.csv`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from flowctl.arguments import listed, pairs
from flowctl.codes.environment import HEADER
from flowctl.component import Arguments, JsonSchema, Situation, Source, Typed
from flowctl.diagnostics import Fault
from flowctl.files.inference import infer_text
from flowctl.files.paths import DataFile
from flowctl.records import Column, Null, Schema, String
from flowctl.sourcing import declared, paths_of
from flowctl.syntax.node import Json

if TYPE_CHECKING:
    from flowctl.dataflow import Reader

_INCREMENTAL: Final[JsonSchema] = {
    "description": "Read only the files that no earlier run has read whose output is published: "
    "runs of this document with the same params and profile, at whatever logical time. A file that "
    "was read and has changed since is a fault. False unless said.",
    "type": "boolean",
}


def partitioned(source: Source) -> Source:
    """The same source, as all have it that read files: folders `key=value`, `incremental`."""
    kind, endings = source.spec.kind, source.endings

    def rule(arguments: Arguments, situation: Situation) -> Typed:
        typed = columns(arguments, situation)
        if arguments.get("incremental") is not True:
            return typed
        return replace(typed, arguments={**typed.arguments, "incremental": True})

    def columns(arguments: Arguments, situation: Situation) -> Typed:
        paths = paths_of(arguments[kind])
        files = [file for path in paths for file in situation.files.expand(path, endings)]
        keys = _keys(files)
        if not keys:
            return source.rule(arguments, situation)
        if odd := _elsewhere(files, keys):
            return Typed(dict(arguments), Schema(open=True), (odd.below(kind),))
        typed = source.rule(_without(arguments, keys), situation)
        given = declared(arguments.get("columns"), (), kind)
        own = {column.name: column for column in given.columns if column.name in keys}
        found = [own.get(key) or _seen(key, files) for key in keys]
        canonical = dict(typed.arguments)
        if own:
            canonical["columns"] = given.canonical
        faults = (*typed.faults, *(fault for fault in given.faults if fault.pointer[-1] in keys))
        faults += tuple(_twice(key, kind) for key in keys if key in typed.schema)
        observed = [column for column in found if column.name not in own]
        return replace(
            typed,
            arguments=canonical,
            schema=typed.schema.with_columns(found),
            faults=faults,
            observed=typed.observed.with_columns(observed),
        )

    def open(arguments: Arguments, schema: Schema, files: tuple[DataFile, ...]) -> Reader:
        keys = _keys(files)
        if not keys:
            return source.open(arguments, schema, files)
        from flowctl.files.folders import PartitionedFiles

        inside = Schema(tuple(column for column in schema if column.name not in keys))
        reader = source.open(_without(arguments, keys), inside, files)
        return PartitionedFiles.of(reader, files, [schema[key] for key in keys])

    spec = replace(source.spec, options={**source.spec.options, "incremental": _INCREMENTAL})
    return replace(source, spec=spec, rule=rule, open=open)


def _keys(files: Sequence[DataFile]) -> list[str]:
    """The keys in the order of the folders, by the first file that has any."""
    return next(([key for key, _ in file.parts] for file in files if file.parts), [])


def _elsewhere(files: Sequence[DataFile], keys: list[str]) -> Fault | None:
    """A file that does not lie in folders as the others do."""
    named = next(file for file in files if file.parts)
    for file in files:
        found = [key for key, _ in file.parts]
        if found != keys:
            here = f"in those of {listed(found)}" if found else "in none"
            message = f"`{named.name}` lies in folders of {listed(keys)}, but `{file.name}` {here}"
            help = "move it to where the others are, or name those that belong together by a glob"
            return Fault(HEADER, message, help=help)
    return None


def _seen(key: str, files: Sequence[DataFile]) -> Column:
    texts = {text for file in files for name, text in file.parts if name == key}
    kind = infer_text(text for text in texts if text is not None)
    return Column(key, String() if isinstance(kind, Null) else kind)


def _without(arguments: Arguments, keys: Sequence[str]) -> dict[str, Json]:
    """The arguments for what stands in the files."""
    left = dict(arguments)
    if "columns" in left:
        kept: list[Json] = [
            [name, text] for name, text in pairs(left["columns"]) if name not in keys
        ]
        left["columns"] = kept
        if not kept:
            del left["columns"]
    return left


def _twice(key: str, kind: str) -> Fault:
    message = f"a column `{key}` stands in the files, and in the names of their folders too"
    help = "rename the folders, or read the files by a glob, which leaves the folders' names alone"
    return Fault(HEADER, message, (kind,), help=help)
