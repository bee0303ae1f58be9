"""Column types flow from step to step: by records, and by the files that one writes for another."""

from __future__ import annotations

from collections.abc import Mapping

from flowctl.compiler.paths import Use
from flowctl.compiler.stages import LinkedStep
from flowctl.component import Source
from flowctl.records import Column, DataType, Integer, List, Null, Schema, Struct, Unknown
from flowctl.syntax.node import Json


def declared_columns(
    step: LinkedStep, source: Source, schemas: Mapping[str, Schema]
) -> dict[str, Json]:
    """The option `columns` that a source gets from the steps that write what it reads.

    Empty where the author has declared the columns, where other files are read as well, and where
    the writers do not agree or write another format.
    """
    part = step.parts.source
    feeds = [*step.writers.values()]
    if part is None or "columns" not in source.spec.options or not feeds:
        return {}
    if part.node.get("columns") is not None or not all(feeds):
        return {}
    written = {_written(use, part.kind, schemas) for uses in feeds for use in uses}
    if len(written) != 1:
        return {}
    schema = written.pop()
    if schema is None or schema.open or not len(schema):
        return {}
    if not all(_declarable(column.type) for column in schema):
        return {}
    return {"columns": {column.name: _type(column) for column in schema}}


def _written(use: Use, kind: str, schemas: Mapping[str, Schema]) -> Schema | None:
    """The columns of a file that a step writes, if it writes records, in the reader's format."""
    if use.part.kind != kind or use.part.pointer == ("rejects",):
        return None
    return schemas.get(use.step)


def _type(column: Column) -> str:
    return f"{column.type}{'?' if column.nullable else ''}"


def _declarable(kind: DataType) -> bool:
    """Whether `columns:` can name the type."""
    if isinstance(kind, List):
        return _declarable(kind.item)
    if isinstance(kind, Struct):
        return all(_declarable(column.type) for column in kind.fields)
    return not isinstance(kind, Null | Unknown) and kind != Integer(128)
