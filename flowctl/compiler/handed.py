"""Column types flow to a step from those that write the files which it reads."""

from __future__ import annotations

from collections.abc import Mapping

from flowctl.compiler.paths import Use
from flowctl.compiler.stages import LinkedStep
from flowctl.records import Column, DataType, Integer, List, Null, Schema, Struct, Unknown
from flowctl.syntax.node import Json


def handed_columns(step: LinkedStep, schemas: Mapping[str, Schema]) -> Schema | None:
    """The columns of the files that a step's source reads, where other steps write all of them.

    None where the author has declared columns himself, and where the writers do not agree, write
    another format, or do not know their own columns.
    """
    part = step.parts.source
    feeds = [*step.writers.values()]
    if part is None or part.node.get("columns") is not None or not feeds or not all(feeds):
        return None
    written = {_written(use, part.kind, schemas) for uses in feeds for use in uses}
    schema = written.pop() if len(written) == 1 else None
    if schema is None or schema.open or not all(_declarable(column.type) for column in schema):
        return None
    return schema


def as_option(schema: Schema) -> Json:
    """The columns as the option `columns` of a source has them."""
    return {column.name: _type(column) for column in schema}


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
